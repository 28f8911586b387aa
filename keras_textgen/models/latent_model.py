"""LatentTextModel: three distributions in, an evidence lower bound out."""

import keras
import numpy as np
import tensorflow as tf

from keras_textgen import sampling
from keras_textgen.checks import number, whole
from keras_textgen.distributions import rate_by_dimension
from keras_textgen.errors import InputError, unknown
from keras_textgen.metrics.latent import active_units, mutual_information
from keras_textgen.models.text_model import SEED, TEXTS, WHOLE, Signature, TextModel, by_text, strings
from keras_textgen.schedules import get_schedule
from keras_textgen.text import as_texts

FREE_BITS_KINDS = ("dimension", "dimension_text", "total", "total_text")
ROWS_AT_ONCE = 1024  # rows (texts times samples) that importance weighting decodes together


class LatentTextModel(TextModel):
    """A model with a latent `z`: a subclass states `posterior(ids)`, `prior()` and `likelihood(z, ids)`.

    Training minimises `distortion + kl_weight(step) * max(rate, free bits)`: the distortion `-log p(x|z)` summed over
    the real tokens, the rate `KL(q(z|x) || p(z))` summed over the dimensions, both averaged over the texts. The metrics
    show the rate without the floor.

    Args:
        latent_dim: width of `z`.
        kl_weight: a number, a schedule of `keras_textgen.schedules`, or a text such as "linear:2000" or "linear:25%".
        free_bits: the floor under the rate, in nats, of the kind below; 0 is the plain bound.
        free_bits_kind: "dimension": each dimension's mean over the batch (Kingma et al. 2016); "dimension_text": each
            dimension of each text (Li et al. 2019); "total": the whole rate's mean over the batch; "total_text": the
            whole rate of each text. For the first two the floor holds for every dimension, for the others for their
            sum.
    """

    terms = ("distortion", "rate")

    def __init__(
        self,
        tokenizer=None,
        *,
        latent_dim: int = 32,
        kl_weight=1.0,
        free_bits: float = 0.0,
        free_bits_kind: str = "dimension",
        **kwargs,
    ):
        super().__init__(tokenizer, **kwargs)
        if free_bits_kind not in FREE_BITS_KINDS:
            raise unknown("free_bits_kind", free_bits_kind, FREE_BITS_KINDS)
        self.latent_dim = whole(1, latent_dim=latent_dim)
        self.kl_weight = get_schedule(kl_weight)
        self.free_bits = number(0, free_bits=free_bits)
        self.free_bits_kind = free_bits_kind
        self.seed_generator = keras.random.SeedGenerator(self.seed)

    def get_config(self):
        return {
            **super().get_config(),
            "latent_dim": self.latent_dim,
            "kl_weight": keras.saving.serialize_keras_object(self.kl_weight),
            "free_bits": self.free_bits,
            "free_bits_kind": self.free_bits_kind,
        }

    # What a subclass states

    def posterior(self, ids):
        """`q(z|x)` of ids `int32 [batch, length]`: a distribution over `[batch, latent_dim]`."""
        raise NotImplementedError

    def prior(self):
        """`p(z)`: a distribution over `[latent_dim]`."""
        raise NotImplementedError

    def likelihood(self, z, ids):
        """`p(x|z)`: a distribution over `int32 [batch, length]` that can give `log_prob(ids)`."""
        raise NotImplementedError

    # The bound

    def call(self, ids):
        """Distortion `[batch]` and rate a dimension `[batch, latent_dim]` of ids `[batch, length]`, in nats."""
        q = self.posterior(ids)
        z = q.sample(seed=tf.cast(self.seed_generator.next(), tf.int32))
        return {"distortion": -self.likelihood(z, ids).log_prob(ids), "rate": rate_by_dimension(q, self.prior())}

    def objective(self, terms):
        weight = self.kl_weight(self.optimizer.iterations)
        return tf.reduce_mean(terms["distortion"]) + weight * self.floored(terms["rate"])

    def floored(self, rate):
        """The mean rate of a batch `[batch, latent_dim]` with the free bits as its floor, a scalar."""
        if self.free_bits_kind == "dimension":
            return tf.reduce_sum(tf.maximum(tf.reduce_mean(rate, axis=0), self.free_bits))
        if self.free_bits_kind == "dimension_text":
            return tf.reduce_mean(tf.reduce_sum(tf.maximum(rate, self.free_bits), axis=1))
        if self.free_bits_kind == "total":
            return tf.maximum(tf.reduce_mean(by_text(rate)), self.free_bits)
        return tf.reduce_mean(tf.maximum(by_text(rate), self.free_bits))

    def train_step(self, data):
        weight = self.kl_weight(self.optimizer.iterations)
        return {**super().train_step(data), "kl_weight": weight}

    def plan(self, total_steps):
        self.kl_weight.plan(total_steps)

    @property
    def settled(self) -> bool:
        """Whether the KL weight has reached its end, so that losses of different epochs can be compared."""
        return self.kl_weight.settled(int(keras.ops.convert_to_numpy(self.optimizer.iterations)))

    # Functions inside the graph

    def start(self, seeds):
        draw = lambda seed: self.prior().sample(seed=tf.cast(seed, tf.int32))  # noqa: E731
        return self.decoder.start(tf.map_fn(draw, seeds, fn_output_signature=tf.float32))

    def step(self, tokens, state):
        return self.decoder.step(tokens, state)

    def sample_posterior(self, ids, num_samples, seed):
        """`q`, and `num_samples` samples `[n, num_samples, latent]` of it that depend on `seed` and each text alone."""
        q = self.posterior(ids)
        noise = sampling.normal(sampling.text_seeds(seed, ids), [num_samples, self.latent_dim])
        normal = q.distribution
        return q, normal.loc[:, None] + normal.scale[:, None] * noise

    def score_texts(self, texts, num_samples, seed):
        """`log 1/K sum_k p(x, z_k) / q(z_k | x)` (Burda et al. 2016, equation 8), a chunk of samples at a time."""
        ids = self.tokenizer(texts, sequence_length=self.sequence_length)
        num = tf.shape(ids)[0]
        chunk = tf.clip_by_value(ROWS_AT_ONCE // tf.maximum(num, 1), 1, num_samples)
        q, samples = self.sample_posterior(ids, num_samples, seed)

        def add(first, total):
            z = tf.transpose(samples[:, first : first + chunk], [1, 0, 2])
            rows = tf.reshape(z, [-1, self.latent_dim])
            tiled = tf.tile(ids, [tf.shape(z)[0], 1])
            log_likelihood = tf.reshape(self.likelihood(rows, tiled).log_prob(tiled), tf.shape(z)[:2])
            log_weights = log_likelihood + self.prior().log_prob(z) - q.log_prob(z)
            return first + chunk, tf.reduce_logsumexp(tf.concat([total[None], log_weights], axis=0), axis=0)

        nothing = tf.fill([num], -np.inf)
        _, total = tf.while_loop(lambda first, total: first < num_samples, add, (0, nothing))
        return {"log_likelihood": total - tf.math.log(tf.cast(num_samples, tf.float32))}

    def encode_texts(self, texts):
        normal = self.posterior(self.tokenizer(texts, sequence_length=self.sequence_length)).distribution
        return {"latents": normal.loc, "scales": normal.scale}

    def decode_latents(self, latents):
        uniforms = tf.zeros([tf.shape(latents)[0], self.sequence_length])
        return {"texts": self.write(self.decoder.start(latents), sampling.greedy, uniforms)}

    def reconstruct_texts(self, texts):
        return self.decode_latents(self.encode_texts(texts)["latents"])

    def interpolate_texts(self, a, b, steps, spherical):
        """Strings `[n, steps]` on the way from each text of `a` to its partner in `b`."""
        path = paths(self.encode_texts(a)["latents"], self.encode_texts(b)["latents"], steps, spherical)
        texts = self.decode_latents(tf.reshape(path, [-1, self.latent_dim]))["texts"]
        return {"texts": tf.reshape(texts, tf.shape(path)[:2])}

    def signatures(self):
        latents = tf.TensorSpec([None, self.latent_dim], tf.float32)
        flag = tf.TensorSpec([], tf.bool)
        return {
            **super().signatures(),
            "encode": Signature(self.encode_texts, {"texts": TEXTS}),
            "decode": Signature(self.decode_latents, {"latents": latents}),
            "reconstruct": Signature(self.reconstruct_texts, {"texts": TEXTS}),
            "interpolate": Signature(
                self.interpolate_texts, {"a": TEXTS, "b": TEXTS, "steps": WHOLE, "spherical": flag}
            ),
            "score": Signature(self.score_texts, {"texts": TEXTS, "num_samples": WHOLE, "seed": SEED}),
        }

    # Methods on strings and arrays

    def score(self, texts, *, num_samples: int = 100, seed: int = 0) -> np.ndarray:
        """Importance-weighted lower bound of `log p(x)` with `num_samples` samples: `float32 [n]`, in nats.

        It grows with the number of samples on average, towards `log p(x)`; with 1 it is a one-sample ELBO. A text's
        score depends on the text, `num_samples` and `seed` alone.
        """
        num_samples, seed = whole(1, num_samples=num_samples), sampling.check_seed(seed)
        return self.by_batches("score", texts, num_samples, seed)["log_likelihood"]

    def encode(self, texts) -> np.ndarray:
        """Posterior means of the texts: `float32 [n, latent_dim]`."""
        return self.by_batches("encode", texts)["latents"]

    def decode(self, z) -> list[str]:
        """The likeliest texts, word by word, of latents `[n, latent_dim]`."""
        self.require_weights()
        try:
            z = np.atleast_2d(np.asarray(z, np.float32))
        except (TypeError, ValueError):
            raise InputError(f"z must be numbers of shape [n, {self.latent_dim}]") from None
        if z.ndim != 2 or z.shape[1] != self.latent_dim or not np.isfinite(z).all():
            raise InputError(f"z must be finite numbers of shape [n, {self.latent_dim}], not {list(z.shape)}")
        return strings(self.functions["decode"](tf.constant(z))["texts"])

    def reconstruct(self, texts) -> list[str]:
        """Encodes the texts and decodes their posterior means."""
        return strings(self.by_batches("reconstruct", texts)["texts"])

    def interpolate(self, a, b, steps: int = 5, *, method: str = "linear"):
        """Decodes `steps` points on the way from text `a` to text `b`, both ends included.

        Args:
            a, b: two strings, or two lists of as many strings.
            method: "linear" or "spherical" (Shoemake 1985; keeps the norm, as a Gaussian prior has it).

        Returns:
            A list of `steps` strings for two strings; a list of such lists for two lists.
        """
        self.require_weights()
        if method not in ("linear", "spherical"):
            raise unknown("interpolation method", method, ["linear", "spherical"])
        first, last = as_texts(a, "a"), as_texts(b, "b")
        if len(first) != len(last):
            raise InputError(f"a and b must be as many texts, not {len(first)} and {len(last)}")
        steps = whole(2, steps=steps)
        texts = self.functions["interpolate"](first, last, steps, method == "spherical")["texts"].numpy()
        paths = [strings(row) for row in texts]
        return paths[0] if isinstance(a, (str, bytes)) else paths

    def latent_statistics(self, texts, *, seed: int = 0) -> dict[str, float]:
        """What the latent carries over these texts: mutual information (over all of them, and in batches of 32) in
        nats, the cap `ln(n)` of the former, and the number of active units."""
        posterior = self.by_batches("encode", texts)
        means, scales = posterior["latents"], posterior["scales"]
        z = means + scales * np.random.default_rng(seed).standard_normal(means.shape)
        return {
            "mutual_information": mutual_information(means, scales, z),
            "mutual_information_cap": float(np.log(len(means))),
            "mutual_information_batch_32": mutual_information(means, scales, z, batch_size=32),
            "active_units": active_units(means),
        }


def paths(a, b, steps, spherical):
    """Points `[n, steps, latent]` from latents `a` to latents `b` (each `[n, latent]`), on a line or a great arc."""
    share = tf.linspace(0.0, 1.0, steps)[None, :, None]
    norms = tf.norm(a, axis=-1, keepdims=True) * tf.norm(b, axis=-1, keepdims=True)
    cosine = tf.math.divide_no_nan(tf.reduce_sum(a * b, axis=-1, keepdims=True), norms)
    angle = tf.acos(tf.clip_by_value(cosine, -1.0, 1.0))[:, None]
    a, b = a[:, None], b[:, None]
    line = a + (b - a) * share
    arc = (tf.sin((1 - share) * angle) * a + tf.sin(share * angle) * b) / tf.maximum(tf.sin(angle), 1e-6)
    # Where the two point the same way, or opposite ways, the arc is not defined.
    return tf.where(spherical & (tf.sin(angle) > 1e-3), arc, line)
