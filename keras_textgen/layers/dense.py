"""Dense halves: a text of bounded length as one vector, and back to words that are independent given the latent."""

import keras
import tensorflow as tf
from keras import layers

from keras_textgen.text import PADDING


def fixed_length(ids, sequence_length):
    """Ids `[batch, length]` padded or cut to `[batch, sequence_length]`."""
    ids = ids[:, :sequence_length]
    ids = tf.pad(ids, [[0, 0], [0, sequence_length - tf.shape(ids)[1]]], constant_values=PADDING)
    return tf.ensure_shape(ids, [None, sequence_length])


def stack_of_dense(widths, policy, name):
    """Dense layers of these widths with rectified units between."""
    return [layers.Dense(width, activation="relu", dtype=policy, name=f"{name}_{i}") for i, width in enumerate(widths)]


@keras.saving.register_keras_serializable("keras_textgen")
class DenseEncoder(layers.Layer):
    """Dense layers over the embedded tokens of a text, one place beside the other.

    Called on ids `int32 [batch, length]`, gives `[batch, hidden_dims[-1]]`. Padding changes nothing.
    """

    def __init__(self, vocabulary_size, embedding_dim, sequence_length, hidden_dims, *, dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        self.settings = dict(
            vocabulary_size=vocabulary_size,
            embedding_dim=embedding_dim,
            sequence_length=sequence_length,
            hidden_dims=list(hidden_dims),
            dropout=dropout,
        )
        policy = self.dtype_policy
        self.embedding = layers.Embedding(vocabulary_size, embedding_dim, dtype=policy, name="embedding")
        self.dropout = layers.Dropout(dropout, dtype=policy)
        self.hidden = stack_of_dense(hidden_dims, policy, "hidden")

    def build(self, ids_shape):
        self.embedding.build(ids_shape)
        width = self.settings["sequence_length"] * self.settings["embedding_dim"]
        for layer, units in zip(self.hidden, self.settings["hidden_dims"], strict=True):
            layer.build((ids_shape[0], width))
            width = units

    def call(self, ids):
        ids = fixed_length(ids, self.settings["sequence_length"])
        words = self.embedding(ids)
        words = tf.where(tf.equal(ids, PADDING)[..., None], tf.zeros([], words.dtype), words)
        features = self.dropout(tf.reshape(words, [tf.shape(ids)[0], words.shape[1] * words.shape[2]]))
        for layer in self.hidden:
            features = layer(features)
        return features

    def get_config(self):
        return {**super().get_config(), **self.settings}


@keras.saving.register_keras_serializable("keras_textgen")
class DenseDecoder(layers.Layer):
    """Dense layers from the latent to a feature vector a place, and one output layer for all places.

    Called on latents `[batch, latent]` and a number of places, gives logits `float32 [batch, length, vocabulary]`; the
    words are independent given the latent. `start` and `step` give the same logits one place at a time. Places past
    `sequence_length` can only hold padding.
    """

    def __init__(self, vocabulary_size, embedding_dim, sequence_length, hidden_dims, *, dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        self.settings = dict(
            vocabulary_size=vocabulary_size,
            embedding_dim=embedding_dim,
            sequence_length=sequence_length,
            hidden_dims=list(hidden_dims),
            dropout=dropout,
        )
        policy = self.dtype_policy
        self.hidden = stack_of_dense(hidden_dims, policy, "hidden")
        self.places = layers.Dense(sequence_length * embedding_dim, activation="relu", dtype=policy, name="places")
        self.dropout = layers.Dropout(dropout, dtype=policy)
        self.output_layer = layers.Dense(vocabulary_size, dtype="float32", name="output_layer")

    def build(self, z_shape):
        width = z_shape[-1]
        for layer, units in zip([*self.hidden, self.places], [*self.settings["hidden_dims"], 0], strict=True):
            layer.build((z_shape[0], width))
            width = units
        self.output_layer.build((None, self.settings["embedding_dim"]))

    def features(self, z):
        """A feature vector a place: `[batch, sequence_length, embedding_dim]`."""
        features = tf.cast(z, self.compute_dtype)
        for layer in [*self.hidden, self.places]:
            features = layer(features)
        shape = [tf.shape(z)[0], self.settings["sequence_length"], self.settings["embedding_dim"]]
        return self.dropout(tf.reshape(features, shape))

    def call(self, z, length=None):
        logits = self.output_layer(self.features(z)[:, :length])
        if length is None:
            return logits
        return tf.pad(logits, [[0, 0], [0, length - tf.shape(logits)[1]], [0, 0]])

    def start(self, z):
        """The state in which writing starts: the features of all places, and the first place."""
        return self.features(z), tf.zeros([], tf.int32)

    def step(self, tokens, state):
        """Logits `float32 [batch, vocabulary]` of the next place, whatever `tokens` were before, and the next state."""
        features, place = state
        return self.output_layer(tf.gather(features, place, axis=1)), (features, place + 1)

    def get_config(self):
        return {**super().get_config(), **self.settings}
