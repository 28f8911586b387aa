"""Bags of words: a text as the counts of its words, and back to one distribution for every word."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from keras_textgen.text import END, PADDING


@keras.saving.register_keras_serializable("keras_textgen")
class BagEncoder(layers.Layer):
    """Dense layers over `log(1 + count)` of every word of the vocabulary (Miao et al. 2016, with damped counts).

    Called on ids `int32 [batch, length]`, gives `[batch, hidden_dims[-1]]`. The order of the words does not matter.
    """

    def __init__(self, vocabulary_size, hidden_dims, *, dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        self.settings = dict(vocabulary_size=vocabulary_size, hidden_dims=list(hidden_dims), dropout=dropout)
        policy = self.dtype_policy
        self.hidden = [
            layers.Dense(width, activation="tanh", dtype=policy, name=f"hidden_{place}")
            for place, width in enumerate(hidden_dims)
        ]
        self.dropout = layers.Dropout(dropout, dtype=policy)

    def build(self, ids_shape):
        width = self.settings["vocabulary_size"]
        for layer, units in zip(self.hidden, self.settings["hidden_dims"], strict=True):
            layer.build((ids_shape[0], width))
            width = units

    def call(self, ids):
        features = tf.cast(tf.math.log1p(counts(ids, self.settings["vocabulary_size"])), self.compute_dtype)
        for layer in self.hidden:
            features = layer(features)
        return self.dropout(features)

    def get_config(self):
        return {**super().get_config(), **self.settings}


def counts(ids, vocabulary_size):
    """How often each word stands in each text: `float32 [batch, vocabulary]`; padding counts for nothing."""
    batch = tf.shape(ids)[0]
    rows = tf.range(batch)[:, None] * vocabulary_size
    found = tf.math.unsorted_segment_sum(
        tf.cast(tf.not_equal(ids, PADDING), tf.float32), rows + ids, batch * vocabulary_size
    )
    return tf.reshape(found, [batch, vocabulary_size])


@keras.saving.register_keras_serializable("keras_textgen")
class BagDecoder(layers.Layer):
    """One softmax for every word of a text: `softmax(R z + b)` (Miao et al. 2016, equation 4).

    Called on latents `[batch, latent]`, gives logits `float32 [batch, vocabulary]`; every word of a text is drawn from
    them, the end of the text too.
    """

    def __init__(self, vocabulary_size, **kwargs):
        super().__init__(**kwargs)
        self.vocabulary_size = vocabulary_size
        self.output_layer = layers.Dense(vocabulary_size, dtype="float32", name="output_layer")

    def build(self, z_shape):
        self.output_layer.build(z_shape)

    def call(self, z):
        return self.output_layer(tf.cast(z, tf.float32))

    def start(self, z, likeliest=False):
        """The state in which writing starts: the logits of every word; with `likeliest`, how often each was written,
        too."""
        logits = self(z)
        return (logits, tf.zeros_like(logits), tf.zeros([])) if likeliest else (logits,)

    def step(self, tokens, state):
        """The logits `[batch, vocabulary]` of the next word: the same at every place.

        Where the likeliest bag is wanted, a word's probability is divided by its count there plus one: taking the
        largest step by step gives the mode of a multinomial. The text ends at the length that is expected of it.
        """
        if len(state) == 1:
            return state[0], state
        logits, written, place = state
        size = tf.shape(logits)[1]
        written += tf.one_hot(tokens, size)
        expected = tf.exp(-tf.nn.log_softmax(logits)[:, END])
        end = tf.where((place + 1 >= expected)[:, None], np.inf, -np.inf)
        words = tf.where(tf.range(size) == END, end, logits - tf.math.log1p(written))
        return words, (logits, written, place + 1)

    def get_config(self):
        return {**super().get_config(), "vocabulary_size": self.vocabulary_size}
