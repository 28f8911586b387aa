"""Word deletion (Shen et al. 2020, "Educating Text Autoencoders")."""

import keras
import tensorflow as tf

from keras_textgen.text import END, PADDING


@keras.saving.register_keras_serializable("keras_textgen")
class WordDeletion(keras.layers.Layer):
    """Leaves out each word with probability `rate` while training; what follows moves up.

    An encoder that reads such texts has to map texts that are alike to latents that are. The end token stays.
    """

    def __init__(self, rate: float, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate
        self.seed_generator = keras.random.SeedGenerator() if rate > 0 else None

    def call(self, ids, training=False):
        if not training or self.rate == 0:
            return ids
        seed = tf.cast(self.seed_generator.next(), tf.int64)
        kept = tf.random.stateless_uniform(tf.shape(ids), seed) >= self.rate
        kept = (kept & tf.not_equal(ids, PADDING)) | tf.equal(ids, END)
        return tf.ragged.boolean_mask(ids, kept).to_tensor(PADDING, shape=tf.shape(ids))

    def get_config(self):
        return {**super().get_config(), "rate": self.rate}
