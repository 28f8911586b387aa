"""A generative adversarial network (Goodfellow et al. 2014) for texts, by relaxed one-hot words (Kusner & Hernandez-
Lobato 2016, "GANS for Sequences of Discrete Elements with the Gumbel-softmax Distribution")."""

from collections.abc import Sequence
from typing import Literal

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_textgen import replicas, sampling
from keras_textgen.adversarial_losses import LOSSES, gradient_penalty
from keras_textgen.checks import number, whole
from keras_textgen.errors import unknown
from keras_textgen.layers import DenseDecoder, DenseDiscriminator
from keras_textgen.models.adversarial_model import AdversarialTextModel
from keras_textgen.models.dense_networks import widths
from keras_textgen.models.latent_model import with_attributes
from keras_textgen.text import END, PADDING, START, UNKNOWN

tfd = tfp.distributions


@keras.saving.register_keras_serializable("keras_textgen")
class GAN(AdversarialTextModel):
    """Noise through dense layers to a relaxed categorical a place; dense layers judge the whole text.

    The words are independent given the noise. Behind a relaxed end token there is as much padding as there is of it.

    Args:
        latent_dim: width of the noise, standard normal.
        embedding_dim: width of the discriminator's word vectors, and of the generator's features of a place.
        hidden_dims: widths of the generator's layers; the discriminator has them in the reverse order.
        adversarial_loss: "non_saturating", "wasserstein" (with a gradient penalty), "relativistic".
        gradient_penalty: weight of that penalty; of no meaning for the others.
        temperature: of the relaxed words at the start of the game; the noise of a draw counts less the lower it is.
        final_temperature: at its end; in between it falls by the same factor every step.
        annealing_steps: steps of the game over which it falls; None is those of the first `fit`.
        straight_through: whether the discriminator sees the likeliest word, and the gradient that of the relaxed one.
        discriminator_dropout: rate on the discriminator's features.
        **kwargs: of `AdversarialTextModel` and `TextModel`.
    """

    terms = ("surprise",)
    has_pretraining = False
    default_learning_rate = 2e-4

    def __init__(
        self,
        tokenizer=None,
        *,
        latent_dim: int = 64,
        embedding_dim: int = 64,
        hidden_dims: Sequence = (256, 256),
        adversarial_loss: Literal["non_saturating", "wasserstein", "relativistic"] = "wasserstein",
        gradient_penalty: float = 10.0,
        temperature: float = 1.0,
        final_temperature: float = 0.2,
        annealing_steps: int | None = None,
        straight_through: bool = True,
        discriminator_dropout: float = 0.0,
        discriminator_learning_rate: float = 2e-4,
        **kwargs,
    ):
        super().__init__(tokenizer, discriminator_learning_rate=discriminator_learning_rate, **kwargs)
        self.latent_dim = whole(1, latent_dim=latent_dim)
        self.embedding_dim = whole(1, embedding_dim=embedding_dim)
        self.hidden_dims = widths(hidden_dims=hidden_dims)
        if adversarial_loss not in LOSSES:
            raise unknown("adversarial loss", adversarial_loss, LOSSES)
        self.adversarial_loss = adversarial_loss
        self.gradient_penalty = number(0, gradient_penalty=gradient_penalty)
        self.temperature = number(above=0, temperature=temperature)
        self.final_temperature = number(above=0, final_temperature=final_temperature)
        self.annealing_steps = None if annealing_steps is None else whole(1, annealing_steps=annealing_steps)
        self.straight_through = straight_through
        self.discriminator_dropout = number(0, below=1, discriminator_dropout=discriminator_dropout)
        self.assemble()

    def build_networks(self):
        sizes = (self.tokenizer.vocabulary_size, self.embedding_dim, self.sequence_length)
        policy = self.dtype_policy
        self.generator = DenseDecoder(*sizes, self.hidden_dims, dtype=policy, name="generator")
        self.generator.build((None, self.latent_dim + self.attributes.width))
        self.discriminator = DenseDiscriminator(
            *sizes, self.hidden_dims[::-1], dropout=self.discriminator_dropout, dtype=policy, name="discriminator"
        )

    @property
    def game(self):
        return LOSSES[self.adversarial_loss]

    # The generator

    def draw(self, seeds):
        return sampling.normal(seeds, [self.latent_dim])

    def start(self, drawn, condition):
        return self.generator.start(with_attributes(drawn, condition))

    def step(self, tokens, state):
        return self.generator.step(tokens, state)

    def fakes(self, condition, seed):
        normal = lambda rows: tf.random.stateless_normal([rows, self.latent_dim], seed)  # noqa: E731
        noise = replicas.draw(normal, tf.shape(condition)[0])
        logits = self.generator(with_attributes(noise, condition))
        barred = sampling.barring([PADDING, START, UNKNOWN], logits.shape[-1], lowest=-1e9)
        # Not RelaxedOneHotCategorical itself: it draws by a bijector, whose cache would hold the graph for good.
        logarithms = tfd.ExpRelaxedOneHotCategorical(self.current_temperature(), logits + barred)
        words = tf.exp(logarithms.sample(seed=seed + 1 + replicas.first_row()))
        if self.straight_through:
            likeliest = tf.one_hot(tf.argmax(words, axis=-1), words.shape[-1])
            words += tf.stop_gradient(likeliest - words)
        written = tf.math.cumprod(1 - words[..., END], axis=1, exclusive=True)[..., None]
        padding = tf.one_hot(PADDING, words.shape[-1])
        return written * words + (1 - written) * padding

    def current_temperature(self):
        """The temperature at this step of the game."""
        share = tf.cast(self.adversarial_steps, tf.float32) / (self.annealing_steps or 1)
        return self.temperature * (self.final_temperature / self.temperature) ** tf.minimum(share, 1.0)

    # The game

    def generator_loss(self, ids, condition, seed):
        real, fake = self.judge(ids, condition), self.judge(self.fakes(condition, seed), condition)
        return tf.reduce_mean(self.game.generator(real, fake)), {}

    def discriminator_penalty(self, ids, fakes, condition, seed):
        if self.adversarial_loss != "wasserstein":
            return 0.0
        share = replicas.draw(lambda rows: tf.random.stateless_uniform([rows], seed), tf.shape(ids)[0])
        real, fake = self.discriminator.embed(ids), self.discriminator.embed(fakes)
        critic = lambda words: self.discriminator(words, condition, embedded=True)  # noqa: E731
        table = tf.convert_to_tensor(self.discriminator.embedding.embeddings)
        return self.gradient_penalty * tf.reduce_mean(gradient_penalty(critic, real, fake, share, table))

    def plan(self, total_steps, epochs):
        super().plan(total_steps, epochs)
        if self.annealing_steps is None:
            played = epochs - self.pretraining_epochs - self.discriminator_epochs
            self.annealing_steps = max(1, round(total_steps * played / max(epochs, 1)))

    # Texts

    def call(self, ids, attributes=None):
        """The surprise `-log D(x)` `[batch]` at real texts, in nats: the discriminator's cross-entropy."""
        return {"surprise": tf.nn.softplus(-self.judge(ids, self.told_of(ids, attributes)))}

    def report(self, ids, terms, loss):
        super().report(ids, terms, loss)
        return self.results("loss", *self.terms)  # it says nothing of a text's probability

    def get_config(self):
        return {
            **super().get_config(),
            "latent_dim": self.latent_dim,
            "embedding_dim": self.embedding_dim,
            "hidden_dims": self.hidden_dims,
            "adversarial_loss": self.adversarial_loss,
            "gradient_penalty": self.gradient_penalty,
            "temperature": self.temperature,
            "final_temperature": self.final_temperature,
            "annealing_steps": self.annealing_steps,
            "straight_through": self.straight_through,
            "discriminator_dropout": self.discriminator_dropout,
        }
