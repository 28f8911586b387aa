"""Word dropout (Iyyer et al. 2015; Bowman et al. 2016)."""

import keras
import tensorflow as tf

from keras_textgen.text import PADDING, START, UNKNOWN


@keras.saving.register_keras_serializable("keras_textgen")
class WordDropout(keras.layers.Layer):
    """Replaces each word by the unknown token with probability `rate` while training.

    It takes the history away from a decoder, which then has to ask the latent. Padding and start stay.
    """

    def __init__(self, rate: float, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate
        self.seed_generator = keras.random.SeedGenerator() if rate > 0 else None

    def call(self, ids, training=False):
        if not training or self.rate == 0:
            return ids
        seed = tf.cast(self.seed_generator.next(), tf.int64)
        dropped = tf.random.stateless_uniform(tf.shape(ids), seed) < self.rate
        dropped &= tf.not_equal(ids, PADDING) & tf.not_equal(ids, START)
        return tf.where(dropped, UNKNOWN, ids)

    def get_config(self):
        return {**super().get_config(), "rate": self.rate}
