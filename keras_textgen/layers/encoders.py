"""Encoders: ids to one feature vector a text."""

import keras
import tensorflow as tf
from keras import layers

from keras_textgen.layers.lstm import LSTM
from keras_textgen.text import lengths


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
        self.forward = LSTM(hidden_dim, dtype=policy, name="forward")
        self.backward = LSTM(hidden_dim, dtype=policy, name="backward") if bidirectional else None

    def build(self, ids_shape):
        self.embedding.build(ids_shape)
        for lstm in filter(None, (self.forward, self.backward)):
            lstm.build((*ids_shape, self.settings["embedding_dim"]))

    def call(self, ids):
        # Padding comes last, so what follows the last real token need not be computed away, only left unread.
        num_tokens = lengths(ids)
        words = self.dropout(self.embedding(ids))
        states = [self.forward(words)]
        if self.backward is not None:
            states.append(self.backward(tf.reverse_sequence(words, num_tokens, seq_axis=1)))
        return tf.gather(tf.concat(states, axis=-1), tf.maximum(num_tokens - 1, 0), batch_dims=1)

    def get_config(self):
        return {**super().get_config(), **self.settings}
