"""The LSTM decoder: what a text is told and its tokens so far to logits for the next; whole sequences in training,
step by step in writing."""

import keras
import tensorflow as tf
from keras import layers

from keras_textgen.cross_entropy import cross_entropy
from keras_textgen.layers.bilinear import Bilinear
from keras_textgen.layers.casting import weights_of
from keras_textgen.layers.lstm import LSTM
from keras_textgen.layers.output import output_layer
from keras_textgen.layers.told import Told
from keras_textgen.layers.word_dropout import WordDropout
from keras_textgen.text import PADDING, shift_right


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

    def logits(self, features, z, output=None):
        """Logits `[..., vocabulary]` from LSTM outputs `[..., hidden_dim]` (with their average behind them, if that is
        used) and latents `[..., latent]`: those of training, or by another `output`."""
        if self.deep_output is not None:
            features = self.deep_output(tf.concat([features, z], axis=-1))
        return (output or self.output_layer)(features)

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
        """Logits `[batch, vocabulary]`, of the dtype of the product, of what follows `tokens` `int32 [batch]`, and
        the next state."""
        return self.move(self.lstm.project(tf.concat([self.words(tokens), state[0]], axis=-1)), state)

    def words(self, ids):
        """The vectors of ids, read from the table as it is; Keras casts all of it before, under a mixed policy."""
        return tf.cast(tf.gather(tf.convert_to_tensor(self.embedding.embeddings), ids), self.compute_dtype)

    def move(self, projected, state):
        """The same from what the tokens and the latents give to the LSTM's gates."""
        z, hidden, cell, total, count = state
        hidden, cell = self.lstm.move(projected + tf.cast(weights_of(self.lstm)[2], tf.float32), (hidden, cell))
        total, count = total + tf.cast(hidden, tf.float32), count + 1
        features = with_average(hidden, total, count) if self.settings["average_attention"] else hidden
        return self.logits(features, z, self.output_layer.infer), (z, hidden, cell, total, count)

    def log_prob(self, z, ids):
        """Log-probability of ids `int32 [batch, length]` given each of several latents `[samples, batch, latent]`:
        `float32 [samples, batch]`, in nats. Not for training.

        The rows go from place to place together, so that the logits of one place are all that is held; what the words
        give to the LSTM is computed once a text, and what a latent gives it once a latent.
        """
        samples, width = tf.shape(z)[0], self.settings["embedding_dim"]
        state = self.start(tf.reshape(z, [-1, z.shape[2]]))
        told = self.lstm.project(state[0], first=width)
        words = self.words(tf.transpose(shift_right(ids)))
        words = tf.reshape(
            self.lstm.project(tf.reshape(words, [-1, width])), [tf.shape(words)[0], tf.shape(words)[1], told.shape[1]]
        )

        def add(place, log_prob, state):
            logits, state = self.move(told + tf.tile(words[place], [samples, 1]), state)
            here = tf.tile(ids[:, place], [samples])
            return place + 1, log_prob - tf.where(here == PADDING, 0.0, cross_entropy(logits, here)), state

        nothing = tf.zeros(tf.shape(told)[:1])
        _, log_prob, _ = tf.while_loop(lambda place, *_: place < tf.shape(ids)[1], add, (0, nothing, state))
        return tf.reshape(log_prob, [samples, -1])

    def get_config(self):
        return {**super().get_config(), **self.settings}


def with_average(features, total, count):
    """Features with the average of those so far behind them, from their sum and number."""
    average = total / tf.cast(count, tf.float32)
    return tf.concat([features, tf.cast(average, features.dtype)], axis=-1)
