"""The LSTM decoder: what a text is told and its tokens so far to logits for the next; whole sequences in training,
step by step in writing."""

import keras
import tensorflow as tf
from keras import layers

from keras_textgen.layers.bilinear import Bilinear
from keras_textgen.layers.lstm import LSTM
from keras_textgen.layers.output import output_layer
from keras_textgen.layers.told import Told
from keras_textgen.layers.word_dropout import WordDropout


@keras.saving.register_keras_serializable("keras_textgen")
class LSTMDecoder(layers.Layer):
    """An LSTM that is told the latent at every step and in its initial state: `c0 = W z`, `h0 = tanh(c0)`.

    Called on latents `[batch, latent]` and ids `int32 [batch, length]` (shifted right), gives logits
    `float32 [batch, length, vocabulary]`. `start` and `step` give the same logits one position at a time.

    Args:
        output_dim: width of a hidden layer between the LSTM (with the latent again beside it) and the words: the deep
            output of Pascanu et al. 2014, the skip connection of Dieng et al. 2019, with the units of `Bilinear`. 0
            leaves it out.
        average_attention: whether the words are predicted from the average of all states so far, too (Zhang et al.
            2018), so that the LSTM need not carry everything until it matters.
        dropout: rate on the embeddings and on the LSTM's outputs.
        recurrent_dropout: rate on the recurrent weights (Merity et al. 2018).
        word_dropout: rate at which input words become unknown while training.
        tie_embeddings: whether the output layer is the transposed embedding (Press & Wolf 2017).
    """

    def __init__(
        self,
        vocabulary_size,
        embedding_dim,
        hidden_dim,
        *,
        output_dim=0,
        average_attention=False,
        dropout=0.0,
        recurrent_dropout=0.0,
        word_dropout=0.0,
        tie_embeddings=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.settings = dict(
            vocabulary_size=vocabulary_size,
            embedding_dim=embedding_dim,
            hidden_dim=hidden_dim,
            output_dim=output_dim,
            average_attention=average_attention,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            word_dropout=word_dropout,
            tie_embeddings=tie_embeddings,
        )
        policy = self.dtype_policy
        self.word_dropout = WordDropout(word_dropout, dtype=policy)
        self.embedding = layers.Embedding(vocabulary_size, embedding_dim, dtype=policy, name="embedding")
        self.dropout = layers.Dropout(dropout, dtype=policy)
        self.initial_cell = Told(hidden_dim, dtype=policy, name="initial_cell")
        self.lstm = LSTM(hidden_dim, recurrent_dropout=recurrent_dropout, dtype=policy, name="lstm")
        self.deep_output = None
        if output_dim:
            self.deep_output = Bilinear(output_dim, dtype=policy, name="deep_output")
        self.output_layer = output_layer(self.embedding, tie_embeddings)

    def build(self, z_shape, ids_shape):
        self.embedding.build(ids_shape)
        self.initial_cell.build(z_shape)
        self.lstm.build((*ids_shape, self.settings["embedding_dim"] + z_shape[-1]))
        width = self.settings["hidden_dim"] * (2 if self.settings["average_attention"] else 1)
        if self.deep_output is not None:
            self.deep_output.build((*ids_shape, width + z_shape[-1]))
            width = self.settings["output_dim"]
        self.output_layer.build((*ids_shape, width))

    def call(self, z, ids):
        z = tf.cast(z, self.compute_dtype)
        words = self.dropout(self.embedding(self.word_dropout(ids)))
        told = tf.repeat(z[:, None, :], tf.shape(words)[1], axis=1)
        features = self.lstm(tf.concat([words, told], axis=-1), initial_state=self.initial_state(z))
        if self.settings["average_attention"]:
            counts = tf.range(1, tf.shape(words)[1] + 1)[:, None]
            features = with_average(features, tf.cumsum(tf.cast(features, tf.float32), axis=1), counts)
        return self.logits(self.dropout(features), told)

    def logits(self, features, z):
        """Logits `float32 [..., vocabulary]` from LSTM outputs `[..., hidden_dim]` (with their average behind them, if
        that is used) and latents `[..., latent]`."""
        if self.deep_output is not None:
            features = self.deep_output(tf.concat([features, z], axis=-1))
        return self.output_layer(features)

    def initial_state(self, z):
        """Hidden and cell state (the latter float32), each `[batch, hidden_dim]`, from latents `[batch, latent]`."""
        cell = self.initial_cell(z)
        return tf.tanh(cell), tf.cast(cell, tf.float32)

    def start(self, z):
        """The state in which writing starts: the latent, the LSTM's own state, the sum of all states, their number."""
        z = tf.cast(z, self.compute_dtype)
        hidden, cell = self.initial_state(z)
        return z, hidden, cell, tf.zeros_like(cell), tf.zeros([], tf.int32)

    def step(self, tokens, state):
        """Logits `float32 [batch, vocabulary]` of what follows `tokens` `int32 [batch]`, and the next state."""
        z, hidden, cell, total, count = state
        inputs = tf.concat([self.embedding(tokens), z], axis=-1)
        hidden, cell = self.lstm.step(inputs, (hidden, cell))
        total, count = total + tf.cast(hidden, tf.float32), count + 1
        features = with_average(hidden, total, count) if self.settings["average_attention"] else hidden
        return self.logits(features, z), (z, hidden, cell, total, count)

    def get_config(self):
        return {**super().get_config(), **self.settings}


def with_average(features, total, count):
    """Features with the average of those so far behind them, from their sum and number."""
    average = total / tf.cast(count, tf.float32)
    return tf.concat([features, tf.cast(average, features.dtype)], axis=-1)
