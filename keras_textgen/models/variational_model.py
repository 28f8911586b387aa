"""VariationalTextModel: three distributions in, an evidence lower bound out, and the remedies for a latent that is not
used."""

from collections.abc import Mapping
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_textgen import replicas, sampling
from keras_textgen.checks import number, whole
from keras_textgen.distributions import diagonal_normal, rate_by_dimension
from keras_textgen.errors import InputError, unknown
from keras_textgen.graph_checks import after, in_range
from keras_textgen.layers.casting import cast_once
from keras_textgen.metrics.latent import active_units, mutual_information
from keras_textgen.models.graph_functions import SEED, SEEDS, TEXTS, WHOLE, Signature
from keras_textgen.models.latent_model import LatentTextModel, with_attributes
from keras_textgen.models.remedies import Remedies, TurnTaking
from keras_textgen.models.text_model import by_text
from keras_textgen.schedules import get_schedule
from keras_textgen.text import as_texts, lengths

FREE_BITS_KINDS = ("dimension", "dimension_text", "total", "total_text")
LOGITS_AT_ONCE = 2**26  # that importance weighting holds together: texts times samples times places times words
SAMPLES_DRAWN = 20  # of a text by one seed


class Inference(NamedTuple):
    """Samples of a posterior, and what they cost.

    Attributes:
        z: `[samples, batch, …]`.
        rate: KL(q||p) of each dimension, `[samples, batch, latent]` or `[1, batch, latent]`, in nats.
        log_ratio: `log p(z) - log q(z|x)`, `[samples, batch]`, in nats.
    """

    z: tf.Tensor
    rate: tf.Tensor
    log_ratio: tf.Tensor


class VariationalTextModel(LatentTextModel):
    """A latent model trained by the evidence lower bound (Kingma & Welling 2014).

    Training minimises `distortion + kl_weight(step) * max(rate, free bits)`: the distortion `-log p(x|z)` summed over
    the real tokens, the rate `KL(q(z|x) || p(z))` summed over the dimensions, both averaged over the texts. The metrics
    show the rate without the floor.

    Args:
        kl_weight: a number, a schedule of `keras_textgen.schedules`, or a text such as "linear:2000" or "linear:25%".
        free_bits: the floor under the rate, in nats, of the kind below; 0 is the plain bound.
        free_bits_kind: "dimension": each dimension's mean over the batch (Kingma et al. 2016); "dimension_text": each
            dimension of each text (Li et al. 2019); "total": the whole rate's mean over the batch; "total_text": the
            whole rate of each text. For the first two the floor holds for every dimension, for the others for their
            sum.
        mean_scale: if over 0, the posterior means are normalised over the batch to this standard deviation (Zhu et al.
            2020).
        aggressive: whether the encoder takes as many steps as help before each step of the decoder, until the mutual
            information stops growing from epoch to epoch (He et al. 2019, algorithm 1).
        pretraining_epochs: epochs as an autoencoder, with a KL weight of 0, after which the decoder starts afresh and
            the schedule of the KL weight begins (Li et al. 2019, section 3).
    """

    terms = ("distortion", "rate")
    inference_networks = ("encoder", "head")  # what an aggressive step trains, and what pre-training is for

    def __init__(
        self,
        tokenizer=None,
        *,
        kl_weight=1.0,
        free_bits: float = 0.0,
        free_bits_kind: str = "dimension",
        mean_scale: float = 0.0,
        aggressive: bool = False,
        pretraining_epochs: int = 0,
        **kwargs,
    ):
        super().__init__(tokenizer, **kwargs)
        if free_bits_kind not in FREE_BITS_KINDS:
            raise unknown("free_bits_kind", free_bits_kind, FREE_BITS_KINDS)
        self.kl_weight = get_schedule(kl_weight)
        self.free_bits = number(0, free_bits=free_bits)
        self.free_bits_kind = free_bits_kind
        self.mean_scale = number(0, mean_scale=mean_scale)
        self.aggressive = aggressive
        self.pretraining_epochs = whole(0, pretraining_epochs=pretraining_epochs)

    def get_config(self):
        return {
            **super().get_config(),
            "kl_weight": keras.saving.serialize_keras_object(self.kl_weight),
            "free_bits": self.free_bits,
            "free_bits_kind": self.free_bits_kind,
            "mean_scale": self.mean_scale,
            "aggressive": self.aggressive,
            "pretraining_epochs": self.pretraining_epochs,
        }

    def build_state(self):
        self.turns = TurnTaking(self.aggressive, name="turns")
        # The step at which pre-training ended; -1 before.
        initializer = keras.initializers.Constant(-1 if self.pretraining_epochs else 0)
        self.began = self.add_weight(shape=(), dtype="int64", trainable=False, initializer=initializer, name="began")

    def prior(self):
        return diagonal_normal(tf.zeros(self.latent_dim), tf.ones(self.latent_dim))

    # The bound

    def infer(self, ids, condition, noise) -> Inference:
        """Samples of `q(z|x)` by standard normal `noise` `[samples, batch, …]`, and what they cost."""
        q, p = self.posterior(ids), self.prior()
        normal = q.distribution
        z = normal.loc + normal.scale * noise
        return Inference(z, rate_by_dimension(q, p)[None], p.log_prob(z) - q.log_prob(z))

    def noise(self, ids, seed) -> tf.Tensor:
        """Standard normal numbers for one sample a text: `[1, batch, …]`."""
        normal = lambda rows: tf.random.stateless_normal([1, rows, self.latent_dim], seed)  # noqa: E731
        return replicas.draw(normal, tf.shape(ids)[0], axis=1)

    def call(self, ids, attributes=None):
        """Distortion `[batch]` and rate a dimension `[batch, latent_dim]` of ids `[batch, length]`, in nats."""
        condition = self.told_of(ids, attributes)
        noise = self.noise(ids, tf.cast(self.seed_generator.next(), tf.int32))
        inference = self.infer(self.word_deletion(ids), condition, noise)
        likelihood = self.likelihood(with_attributes(inference.z[0], self.beside(condition, inference.z[0])), ids)
        return {"distortion": -likelihood.log_prob(ids), "rate": inference.rate[0]}

    def beside(self, condition, z):
        """What texts are told, `[batch, width]`, as it stands beside latents `[batch, …, latent]`."""
        return condition

    def current_kl_weight(self):
        """The weight of the rate at the optimizer's step: 0 while pre-training, then as scheduled."""
        step = tf.cast(self.optimizer.iterations, tf.int64)
        began = tf.cast(self.began, tf.int64)
        return tf.where(began < 0, 0.0, self.kl_weight(tf.maximum(step - began, 0)))

    def objective(self, terms):
        return tf.reduce_mean(terms["distortion"]) + self.current_kl_weight() * self.floored(terms["rate"])

    def floored(self, rate):
        """The mean rate of a batch `[batch, latent_dim]` with the free bits as its floor, a scalar."""
        if self.free_bits_kind == "dimension":
            return tf.reduce_sum(self.floor_under(tf.reduce_mean(rate, axis=0)))
        if self.free_bits_kind == "dimension_text":
            return tf.reduce_mean(tf.reduce_sum(tf.maximum(rate, self.free_bits), axis=1))
        if self.free_bits_kind == "total":
            return self.floor_under(tf.reduce_mean(by_text(rate)))
        return tf.reduce_mean(tf.maximum(by_text(rate), self.free_bits))

    def floor_under(self, means):
        """Means of this replica's rates, with the free bits instead where the whole batch's mean is below them."""
        return tf.where(replicas.batch_mean(means) >= self.free_bits, means, self.free_bits)

    def train_step(self, data):
        weight = self.current_kl_weight()
        return {**super().train_step(data), "kl_weight": weight}

    def apply_gradients(self, gradients, loss):
        if not self.aggressive:
            return super().apply_gradients(gradients, loss)
        begun = tf.convert_to_tensor(self.began) >= 0
        sides = self.trainable_variables, self.inference_variables()
        return self.turns.apply(self.optimizer, gradients, *sides, loss, begun)

    def inference_variables(self) -> list:
        """The weights of the posterior."""
        networks = [getattr(self, name) for name in self.inference_networks]
        return [variable for network in networks for variable in network.trainable_variables]

    def own_callbacks(self, batches):
        wanted = self.aggressive or self.pretraining_epochs
        return [Remedies(batches), *super().own_callbacks(batches)] if wanted else super().own_callbacks(batches)

    def plan(self, total_steps, epochs):
        if self.aggressive and self.distribute_strategy.num_replicas_in_sync > 1:
            raise InputError("aggressive training decides step by step whose turn it is; train it on one device")
        self.kl_weight.plan(total_steps)

    @property
    def settled(self) -> bool:
        """Whether the KL weight has reached its end, so that losses of different epochs can be compared."""
        began = int(keras.ops.convert_to_numpy(self.began))
        step = int(keras.ops.convert_to_numpy(self.optimizer.iterations))
        return began >= 0 and self.kl_weight.settled(step - began)

    # Functions inside the graph

    def code(self, ids, condition):
        normal = self.posterior(ids).distribution
        return {"latents": normal.loc, "scales": normal.scale}

    def score_rows(self, texts, num_samples, seeds, *attributes):
        """`log 1/K sum_k p(x, z_k) / q(z_k | x)` (Burda et al. 2016, equation 8), a few texts at a time; each has its
        own seed."""
        num_samples = after(in_range("num_samples", num_samples, lowest=1), num_samples)
        ids = self.tokenizer(texts, sequence_length=self.sequence_length)
        num, length = tf.shape(ids)[0], tf.shape(ids)[1]
        parts = ids, self.condition(num, attributes), sampling.text_seeds(seeds, ids)
        together = tf.maximum(self.rows_at_once(length) // num_samples, 1)

        def advance(group, found):
            ids, *rest = (part[group * together : (group + 1) * together] for part in parts)
            longest = tf.reduce_max(tf.concat([lengths(ids), [1]], axis=0))
            return group + 1, found.write(group, self.bound(ids[:, :longest], *rest, num_samples))

        groups = tf.maximum((num + together - 1) // together, 1)  # no texts are a group, too
        found = tf.TensorArray(tf.float32, size=groups, infer_shape=False, element_shape=[None])
        with cast_once(self._flatten_layers()):
            _, found = tf.while_loop(lambda group, _: group < groups, advance, (0, found))
        return {"log_likelihood": found.concat()}

    def bound(self, ids, condition, seeds, num_samples):
        """The importance-weighted bound of some texts, `float32 [batch]`, as many samples at a time as may be held."""
        num, length = tf.shape(ids)[0], tf.shape(ids)[1]
        most = tf.maximum(self.rows_at_once(length) // tf.maximum(num, 1) // SAMPLES_DRAWN, 1) * SAMPLES_DRAWN

        def add(first, total):
            samples = tf.minimum(most, num_samples - first)
            inference = self.infer(ids, condition, self.noise_by_text(seeds, first, samples, length))
            log_weights = self.log_likelihoods(inference.z, condition, ids) + inference.log_ratio
            return first + samples, tf.reduce_logsumexp(tf.concat([total[None], log_weights], axis=0), axis=0)

        _, total = tf.while_loop(lambda first, _: first < num_samples, add, (0, tf.fill([num], -np.inf)))
        return total - tf.math.log(tf.cast(num_samples, tf.float32))

    def rows_at_once(self, length):
        """How many samples of texts of a length are weighed together."""
        return tf.cast(LOGITS_AT_ONCE // (tf.cast(length, tf.int64) * self.tokenizer.vocabulary_size + 1), tf.int32)

    def log_likelihoods(self, z, condition, ids):
        """`log p(x|z)` of each text with each of its latents `[samples, batch, …]`: `float32 [samples, batch]`."""
        samples, num = tf.shape(z)[0], tf.shape(z)[1]
        z = tf.reshape(z, tf.concat([[-1], tf.shape(z)[2:]], axis=0))
        z = tf.ensure_shape(z, [None] * len(self.latent_shape) + [self.latent_dim])
        told, tiled = self.beside(tf.tile(condition, [samples, 1]), z), tf.tile(ids, [samples, 1])
        return tf.reshape(self.likelihood(with_attributes(z, told), tiled).log_prob(tiled), [samples, num])

    def score_texts(self, texts, num_samples, seed, *attributes):
        """The same with one seed for all texts."""
        return self.functions["score_rows"](texts, num_samples, tf.fill(tf.shape(texts), seed), *attributes)

    def score_each(self, texts, seeds, *attributes):
        """The same with 100 samples."""
        return self.functions["score_rows"](texts, 100, seeds, *attributes)

    def noise_by_text(self, seeds, first, samples, length):
        """Standard normal numbers `[samples, batch, …]`: those of a sample depend on its number and the text alone."""
        return sample_noise(seeds, first, samples, [self.latent_dim])

    def signatures(self):
        return {
            **super().signatures(),
            "score": Signature(self.score_texts, {"texts": TEXTS, "num_samples": WHOLE, "seed": SEED}),
            "score_batched": Signature(self.score_each, {"texts": TEXTS, "seed": SEEDS}),
        }

    def internal_signatures(self):
        inputs = {"texts": TEXTS, "num_samples": WHOLE, "seeds": SEEDS}
        return {**super().internal_signatures(), "score_rows": Signature(self.score_rows, inputs)}

    # Methods on strings and arrays

    def score(self, texts, *, num_samples: int = 100, seed: int = 0, labels: Mapping | None = None) -> np.ndarray:
        """Importance-weighted lower bound of `log p(x)` with `num_samples` samples: `float32 [n]`, in nats.

        It grows with the number of samples on average, towards `log p(x)`; with 1 it is a one-sample ELBO. A text's
        score depends on the text, its labels, `num_samples` and `seed` alone.

        Args:
            labels: the texts' attributes, `{name: value or one a text}`; the score is then of the texts given these.
        """
        self.require_weights()
        num_samples, seed = whole(1, num_samples=num_samples), sampling.check_seed(seed)
        texts = as_texts(texts)
        told = self.attributes.given(labels, len(texts), "labels")
        return self.by_batches("score", texts, num_samples, seed, attributes=told)["log_likelihood"]

    def latent_statistics(self, texts, *, seed: int = 0, labels: Mapping | None = None) -> dict[str, float]:
        """What the latent carries over these texts: mutual information (over all of them, and in batches of 32) in
        nats, the cap `ln(n)` of the former, and the number of active units."""
        codes = self.codes(texts, labels)
        means, scales = codes["latents"], codes["scales"]
        z = means + scales * np.random.default_rng(seed).standard_normal(means.shape)
        return {
            "mutual_information": mutual_information(means, scales, z),
            "mutual_information_cap": float(np.log(len(means))),
            "mutual_information_batch_32": mutual_information(means, scales, z, batch_size=32),
            "active_units": active_units(means),
        }

    def information(self, ids, attributes) -> float:
        """The mutual information of a batch of texts and their latents, in nats, by which aggressive training stops."""
        normal = self.posterior(ids).distribution
        noise = self.noise(ids, [self.seed, 0])[0]
        return mutual_information(*map(np.asarray, (normal.loc, normal.scale, normal.loc + normal.scale * noise)))


def sample_noise(seeds, first, samples, shape):
    """Standard normal numbers `[samples, n, *shape]`, for samples from number `first` on (a multiple of
    `SAMPLES_DRAWN`), from seeds `int64 [n, 2]`."""
    begin = first // SAMPLES_DRAWN
    blocks = tf.range(begin, begin + (samples + SAMPLES_DRAWN - 1) // SAMPLES_DRAWN)

    def draw(block):
        block = tf.cast(block, tf.int64)
        return sampling.normal(seeds + tf.stack([block * 7_919, tf.zeros_like(block)]), [SAMPLES_DRAWN, *shape])

    noise = tf.map_fn(draw, blocks, fn_output_signature=tf.float32)  # [blocks, n, samples of a block, …]
    noise = tf.transpose(noise, [0, 2, 1, *range(3, 3 + len(shape))])
    return tf.reshape(noise, [-1, tf.shape(seeds)[0], *shape])[:samples]
