"""Noise on words: word dropout (Iyyer et al. 2015; Bowman et al. 2016), and what it shares with other kinds."""

import keras
import tensorflow as tf

from keras_textgen.text import PADDING, START, UNKNOWN


class WordNoise(keras.layers.Layer):
    """Strikes each place of ids `int32 [batch, length]` with probability `rate` while training; a subclass says in
    `strike` what becomes of it."""

    def __init__(self, rate: float, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate
        self.seed_generator = keras.random.SeedGenerator() if rate > 0 else None

    def call(self, ids, training=False):
        if not training or self.rate == 0:
            return ids
        seed = tf.cast(self.seed_generator.next(), tf.int64)
        return self.strike(ids, tf.random.stateless_uniform(tf.shape(ids), seed) < self.rate)

    def strike(self, ids, struck):
        """The ids with noise at the places `struck`, bool `[batch, length]`."""
        raise NotImplementedError

    def get_config(self):
        return {**super().get_config(), "rate": self.rate}


@keras.saving.register_keras_serializable("keras_textgen")
class WordDropout(WordNoise):
    """Replaces each word by the unknown token with probability `rate` while training.

    It takes the history away from a decoder, which then has to ask the latent. Padding and start stay.
    """

    def strike(self, ids, struck):
        return tf.where(struck & tf.not_equal(ids, PADDING) & tf.not_equal(ids, START), UNKNOWN, ids)
