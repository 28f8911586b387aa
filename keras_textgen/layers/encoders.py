"""Encoders: ids to one feature vector a text."""

import keras
import tensorflow as tf
from keras import layers

from keras_textgen.text import PADDING


@keras.saving.register_keras_serializable("keras_textgen")
class LSTMEncoder(layers.Layer):
    """The last state of an LSTM over the embedded tokens; both last states side by side if bidirectional.

    Called on ids `int32 [batch, length]`, gives `[batch, hidden_dim]` (twice that if bidirectional). Padding changes
    nothing.
    """

    def __init__(self, vocabulary_size, embedding_dim, hidden_dim, *, bidirectional=False, dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        self.settings = dict(
            vocabulary_size=vocabulary_size,
            embedding_dim=embedding_dim,
            hidden_dim=hidden_dim,
            bidirectional=bidirectional,
            dropout=dropout,
        )
        policy = self.dtype_policy
        self.embedding = layers.Embedding(vocabulary_size, embedding_dim, dtype=policy, name="embedding")
        self.dropout = layers.Dropout(dropout, dtype=policy)
        self.lstm = layers.LSTM(hidden_dim, dtype=policy, name="lstm")
        if bidirectional:
            self.lstm = layers.Bidirectional(self.lstm, dtype=policy, name="lstm")

    def build(self, ids_shape):
        self.embedding.build(ids_shape)
        self.lstm.build((*ids_shape, self.settings["embedding_dim"]))

    def call(self, ids):
        return self.lstm(self.dropout(self.embedding(ids)), mask=tf.not_equal(ids, PADDING))

    def get_config(self):
        return {**super().get_config(), **self.settings}
