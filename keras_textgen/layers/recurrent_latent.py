"""A latent at every step of a recurrent network (Chung et al. 2015, the VRNN)."""

import keras
import tensorflow as tf
from keras import layers

from keras_textgen.distributions import diagonal_normal
from keras_textgen.layers.bilinear import Bilinear
from keras_textgen.layers.latent import GaussianHead
from keras_textgen.layers.lstm import LSTM
from keras_textgen.layers.word_dropout import WordDropout


@keras.saving.register_keras_serializable("keras_textgen")
class RecurrentLatent(layers.Layer):
    """An LSTM over pairs of a word and its latent, with a Gaussian over the next latent before and after the next word
    is seen.

    With `h_t` the state after `t` words `x` and their latents `z` (Chung et al. 2015, equations 5 to 9): the prior
    `p(z_{t+1} | h_t)`, the posterior `q(z_{t+1} | x_{t+1}, h_t)`, the words `p(x_{t+1} | z_{t+1}, h_t)`, the recurrence
    `h_{t+1} = LSTM([x_{t+1}, z_{t+1}, c], h_t)`, where `c` is what every step is told from outside (attributes).

    Args:
        min_scale: the least standard deviation of the Gaussians.
        output_dim: width of a `Bilinear` layer between `[h, z]` and the words.
    """

    def __init__(
        self, vocabulary_size, embedding_dim, hidden_dim, latent_dim, output_dim, *, dropout=0.0, word_dropout=0.0,
        min_scale=1e-3, **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        self.settings = dict(
            vocabulary_size=vocabulary_size,
            embedding_dim=embedding_dim,
            hidden_dim=hidden_dim,
            latent_dim=latent_dim,
            output_dim=output_dim,
            dropout=dropout,
            word_dropout=word_dropout,
            min_scale=min_scale,
        )
        policy = self.dtype_policy
        self.word_dropout = WordDropout(word_dropout, dtype=policy)
        self.embedding = layers.Embedding(vocabulary_size, embedding_dim, dtype=policy, name="embedding")
        self.dropout = layers.Dropout(dropout, dtype=policy)
        self.initial = layers.Dense(2 * hidden_dim, dtype=policy, name="initial")
        self.lstm = LSTM(hidden_dim, dtype=policy, name="lstm")
        self.posterior_features = layers.Dense(hidden_dim, activation="relu", dtype=policy, name="posterior_features")
        self.posterior_head = GaussianHead(latent_dim, min_scale=min_scale, name="posterior_head")
        self.prior_head = GaussianHead(latent_dim, min_scale=min_scale, name="prior_head")
        self.deep_output = Bilinear(output_dim, dtype=policy, name="deep_output")
        self.output_layer = layers.Dense(vocabulary_size, dtype="float32", name="output_layer")

    def build(self, ids_shape, condition_shape):
        settings = self.settings
        hidden_dim, latent_dim = settings["hidden_dim"], settings["latent_dim"]
        told = settings["embedding_dim"] + latent_dim + condition_shape[-1]
        self.embedding.build(ids_shape)
        self.initial.build((None, 1 + condition_shape[-1]))
        self.lstm.build((None, None, told))
        self.posterior_features.build((None, settings["embedding_dim"] + hidden_dim))
        self.posterior_head.build((None, hidden_dim))
        self.prior_head.build((None, hidden_dim))
        self.deep_output.build((None, None, hidden_dim + latent_dim))
        self.output_layer.build((None, None, settings["output_dim"]))

    def call(self, ids, condition):
        """Only builds the weights; see the methods below."""
        return self.embedding(ids)

    def initial_state(self, condition):
        """The state `(hidden, cell)` before the first word."""
        condition = tf.cast(condition, self.compute_dtype)
        told = tf.pad(condition, [[0, 0], [1, 0]], constant_values=1)
        hidden, cell = tf.split(self.initial(told), 2, axis=-1)
        return tf.tanh(hidden), tf.cast(cell, tf.float32)

    def advance(self, words, z, condition, state):
        """The state after one more word `[batch, embedding_dim]` and its latent `[batch, latent]`."""
        condition, z = tf.cast(condition, self.compute_dtype), tf.cast(z, self.compute_dtype)
        return self.lstm.step(tf.concat([words, z, condition], axis=-1), state)

    def posterior(self, words, hidden):
        """`q(z | x, h)`: mean and scale, from embedded words and the state before them."""
        return self.posterior_head(self.posterior_features(tf.concat([words, hidden], axis=-1)))

    def follow(self, ids, condition, noise):
        """A sample of the posterior: latents `[batch, length, latent]` from `noise` of that shape, by equation 9."""
        words = tf.transpose(self.embedding(ids), [1, 0, 2])
        noise = tf.transpose(noise, [1, 0, 2])
        length = tf.shape(words)[0]

        def step(place, hidden, cell, written):
            mean, scale = self.posterior(words[place], hidden)
            z = mean + scale * noise[place]
            hidden, cell = self.advance(words[place], z, condition, (hidden, cell))
            return place + 1, hidden, cell, written.write(place, z)

        latents = tf.TensorArray(tf.float32, size=length, element_shape=[None, self.settings["latent_dim"]])
        start = (0, *self.initial_state(condition), latents)
        *_, latents = tf.while_loop(lambda place, *_: place < length, step, start)
        return tf.transpose(latents.stack(), [1, 0, 2])

    def states(self, ids, z, condition, dropped=False):
        """The states before each word, `[batch, length, hidden_dim]`, given the words and their latents.

        With `dropped`, word dropout and dropout take their share of the words while training.
        """
        words = self.dropout(self.embedding(self.word_dropout(ids))) if dropped else self.embedding(ids)
        told = tf.repeat(tf.cast(condition, self.compute_dtype)[:, None], tf.shape(ids)[1], axis=1)
        inputs = tf.concat([words, tf.cast(z, self.compute_dtype), told], axis=-1)
        hidden, cell = self.initial_state(condition)
        after = self.lstm(inputs, initial_state=[hidden, cell])
        return tf.concat([hidden[:, None], after[:, :-1]], axis=1)

    def gaussians(self, ids, z, condition):
        """Posterior and prior of each latent `[batch, length, latent]`, given the words and the latents before it."""
        states = self.states(ids, z, condition)
        posterior = diagonal_normal(*self.posterior(self.embedding(ids), states))
        return posterior, self.prior_head.distribution(states)

    def logits(self, states, z):
        """Logits `float32 [..., vocabulary]` of each word, from the state before it and its own latent."""
        features = tf.concat([self.dropout(states), tf.cast(z, self.compute_dtype)], axis=-1)
        return self.output_layer(self.deep_output(features))

    def get_config(self):
        return {**super().get_config(), **self.settings}
