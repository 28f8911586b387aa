"""A latent at every step: the variational recurrent network of Chung et al. 2015, "A Recurrent Latent Variable Model
for Sequential Data"."""

import keras
import numpy as np
import tensorflow as tf

from keras_textgen import replicas, sampling
from keras_textgen.checks import number, whole
from keras_textgen.distributions import TokenSequence
from keras_textgen.errors import InputError
from keras_textgen.layers import RecurrentLatent
from keras_textgen.metrics.latent import active_units
from keras_textgen.models.variational_model import Inference, VariationalTextModel, sample_noise
from keras_textgen.text import PADDING


@keras.saving.register_keras_serializable("keras_textgen")
class SeqVAE(VariationalTextModel):
    """A Gaussian latent for every word, with a prior that an LSTM over the words and latents so far predicts.

    The latent of a text is a sequence, `[sequence_length, latent_dim]`, 0 behind the end of the text; the rate of a
    dimension is summed over the words. The mutual information of texts and such sequences has no estimate that is
    cheap, so `latent_statistics` counts active units only, and aggressive training watches the rate instead.

    Args:
        embedding_dim: width of the word vectors.
        hidden_dim: width of the LSTM.
        output_dim: width of a layer of products between state, latent and words.
        dropout: rate on the embedded words that the likelihood's LSTM reads, and on its states.
        word_dropout: rate at which those words become unknown while training.
        **kwargs: of `VariationalTextModel`, `LatentTextModel` and `TextModel`; `denoising` and `mean_scale` have no
            meaning for a latent a word and must stay 0.
    """

    encoder_is_told = True  # the recurrence of the posterior is that of the likelihood

    def __init__(
        self,
        tokenizer=None,
        *,
        embedding_dim: int = 256,
        hidden_dim: int = 256,
        output_dim: int = 256,
        dropout: float = 0.2,
        word_dropout: float = 0.0,
        kl_weight="linear:25%",
        free_bits: float = 0.28,
        **kwargs,
    ):
        super().__init__(tokenizer, kl_weight=kl_weight, free_bits=free_bits, **kwargs)
        if self.denoising or self.mean_scale:
            raise InputError("seq_vae has a latent a word: denoising and mean_scale must be 0")
        self.embedding_dim = whole(1, embedding_dim=embedding_dim)
        self.hidden_dim = whole(1, hidden_dim=hidden_dim)
        self.output_dim = whole(1, output_dim=output_dim)
        self.dropout = number(0, below=1, dropout=dropout)
        self.word_dropout = number(0, 1, word_dropout=word_dropout)
        self.assemble()

    def build_networks(self):
        self.network = RecurrentLatent(
            self.tokenizer.vocabulary_size,
            self.embedding_dim,
            self.hidden_dim,
            self.latent_dim,
            self.output_dim,
            dropout=self.dropout,
            word_dropout=self.word_dropout,
            dtype=self.dtype_policy,
            name="network",
        )
        self.network.build((None, None), (None, self.attributes.width))

    @property
    def latent_shape(self):
        return [self.sequence_length, self.latent_dim]

    # The distributions

    def infer(self, ids, condition, noise):
        samples, num = tf.shape(noise)[0], tf.shape(ids)[0]
        ids, condition = tf.tile(ids, [samples, 1]), tf.tile(condition, [samples, 1])
        z = self.network.follow(ids, condition, tf.reshape(noise, [samples * num, -1, self.latent_dim]))
        posterior, prior = self.network.gaussians(ids, z, condition)
        real = tf.cast(tf.not_equal(ids, PADDING), tf.float32)
        rate = posterior.distribution.kl_divergence(prior.distribution) * real[..., None]
        log_ratio = tf.reduce_sum((prior.log_prob(z) - posterior.log_prob(z)) * real, axis=1)
        return Inference(
            tf.reshape(z, [samples, num, -1, self.latent_dim]),
            tf.reshape(tf.reduce_sum(rate, axis=1), [samples, num, self.latent_dim]),
            tf.reshape(log_ratio, [samples, num]),
        )

    def likelihood(self, z, ids):
        z, condition = z[..., : self.latent_dim], z[:, 0, self.latent_dim :]
        states = self.network.states(ids, z, condition, dropped=True)
        return TokenSequence(self.network.logits(states, z))

    def beside(self, condition, z):
        return tf.repeat(condition[:, None], tf.shape(z)[1], axis=1)

    def noise(self, ids, seed):
        def draw(place):  # a place has a seed of its own, so that padding changes nothing
            normal = lambda rows: tf.random.stateless_normal([rows, self.latent_dim], tf.add(seed, [0, place]))  # noqa: E731
            return replicas.draw(normal, tf.shape(ids)[0])

        steps = tf.map_fn(draw, tf.range(tf.shape(ids)[1]), fn_output_signature=tf.float32)
        return tf.transpose(steps, [1, 0, 2])[None]

    def noise_by_text(self, seeds, first, samples, length):
        return sample_noise(seeds, first, samples, self.latent_shape)[:, :, :length]

    def inference_variables(self):
        networks = (self.network.posterior_features, self.network.posterior_head)
        return [variable for network in networks for variable in network.trainable_variables]

    # Encoding and writing

    def code(self, ids, condition):
        num, length = tf.shape(ids)[0], tf.shape(ids)[1]
        if condition is None:
            condition = tf.zeros([num, 0])
        z = self.network.follow(ids, condition, tf.zeros([num, length, self.latent_dim]))
        z = tf.where(tf.equal(ids, PADDING)[..., None], 0.0, z)
        z = tf.pad(z, [[0, 0], [0, self.sequence_length - length], [0, 0]])
        return {"latents": tf.ensure_shape(z, [None, *self.latent_shape])}

    def draw(self, seeds):
        return sampling.normal(seeds, self.latent_shape)  # the prior of a word is known when it is written

    def start(self, drawn, condition):
        return self.first_state(drawn, False, condition)

    def begin(self, z, condition):
        return self.first_state(z, True, condition)

    def first_state(self, source, given, condition):
        """The state before the first word. `source` `[n, *latent_shape]` holds the latents if they are given, and the
        noise that they are drawn from the prior by if not."""
        nothing = tf.zeros([tf.shape(source)[0], self.latent_dim])
        state = self.network.initial_state(condition)
        return source, tf.constant(given), condition, nothing, *state, tf.zeros([], tf.int32)

    def step(self, tokens, state):
        source, given, condition, z, hidden, cell, place = state
        after = self.network.advance(self.network.embedding(tokens), z, condition, (hidden, cell))
        hidden, cell = tf.where(place > 0, after[0], hidden), tf.where(place > 0, after[1], cell)
        mean, scale = self.network.prior_head(hidden)
        here = tf.gather(source, place, axis=1)
        z = tf.where(given, here, mean + scale * here)
        return self.network.logits(hidden, z), (source, given, condition, z, hidden, cell, place + 1)

    # What the latents carry

    def latent_statistics(self, texts, *, seed=0, labels=None):
        """The number of active units: dimensions whose posterior means vary over the words of the texts."""
        latents = self.encode(texts, labels=labels)
        return {"active_units": active_units(latents[np.any(latents != 0, axis=2)])}

    def information(self, ids, attributes):
        noise = self.noise(ids, [self.seed, 0])
        return float(tf.reduce_sum(tf.reduce_mean(self.infer(ids, self.told_of(ids, attributes), noise).rate[0], 0)))

    def get_config(self):
        return {
            **super().get_config(),
            "embedding_dim": self.embedding_dim,
            "hidden_dim": self.hidden_dim,
            "output_dim": self.output_dim,
            "dropout": self.dropout,
            "word_dropout": self.word_dropout,
        }
