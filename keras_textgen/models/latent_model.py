"""LatentTextModel: a text to a latent and back."""

from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from keras_textgen import sampling
from keras_textgen.checks import number, whole
from keras_textgen.errors import InputError, unknown
from keras_textgen.graph_checks import after, in_range, require
from keras_textgen.layers import WordDeletion
from keras_textgen.models.graph_functions import TEXTS, WHOLE, Signature, strings
from keras_textgen.models.text_model import TextModel
from keras_textgen.text import as_texts


class LatentTextModel(TextModel):
    """A model with a latent `z`: a subclass states `posterior(ids)`, `prior()` and `likelihood(z, ids)`.

    The decoder is told `z` with the attributes behind it, one-hot; the posterior is not told the attributes, so that
    `z` need not carry them.

    Args:
        latent_dim: width of `z`.
        denoising: rate at which words are left out of what the encoder reads while training (Shen et al. 2020).
    """

    def __init__(self, tokenizer=None, *, latent_dim: int = 32, denoising: float = 0.0, **kwargs):
        super().__init__(tokenizer, **kwargs)
        self.latent_dim = whole(1, latent_dim=latent_dim)
        self.denoising = number(0, below=1, denoising=denoising)
        self.word_deletion = WordDeletion(self.denoising)
        self.seed_generator = keras.random.SeedGenerator(self.seed)

    def get_config(self):
        return {**super().get_config(), "latent_dim": self.latent_dim, "denoising": self.denoising}

    # What a subclass states

    def posterior(self, ids):
        """`q(z|x)` of ids `int32 [batch, length]`: a distribution over `[batch, latent_dim]`."""
        raise NotImplementedError

    def prior(self):
        """`p(z)`: a distribution over `[latent_dim]`."""
        raise NotImplementedError

    def likelihood(self, z, ids):
        """`p(x|z)`: a distribution over `int32 [batch, length]` that can give `log_prob(ids)`.

        `z` has the attributes behind it, `[batch, latent_dim + width of the attributes]`.
        """
        raise NotImplementedError

    def code(self, ids, condition) -> dict[str, tf.Tensor]:
        """What `encode` gives of ids: the most likely latents, `latents`, and what else the posterior has."""
        return {"latents": self.posterior(ids).mean()}

    @property
    def latent_shape(self) -> list[int]:
        """The shape of a text's latent."""
        return [self.latent_dim]

    # Functions inside the graph: those that others are made of are called by their name, so that each is traced, stored
    # in an export and optimized once

    def draw(self, seeds):
        draw = lambda seed: self.prior().sample(seed=tf.cast(seed, tf.int32))  # noqa: E731
        return tf.map_fn(draw, seeds, fn_output_signature=tf.float32)

    def start(self, drawn, condition):
        return self.begin(drawn, condition)

    def begin(self, z, condition):
        """The state in which the text of a latent starts."""
        return self.decoder.start(with_attributes(z, condition))

    def step(self, tokens, state):
        return self.decoder.step(tokens, state)

    def encode_texts(self, texts, *attributes):
        ids = self.tokenizer(texts, sequence_length=self.sequence_length)
        return self.code(ids, self.condition(tf.shape(ids)[0], attributes) if attributes else None)

    def decode_latents(self, latents, *attributes):
        num = tf.shape(latents)[0]
        return {"texts": self.write_likeliest(self.begin(latents, self.condition(num, attributes)), num)}

    def reconstruct_texts(self, texts, *attributes):
        return self.functions["decode"](self.latents_of(texts, attributes), *attributes)

    def interpolate_texts(self, a, b, steps, spherical, *attributes):
        """Strings `[n, steps]` on the way from each text of `a` to its partner in `b`."""
        checks = in_range("steps", steps, lowest=2)
        checks += [require(tf.size(a) == tf.size(b), "a and b must be as many texts, not", tf.size(a), tf.size(b))]
        rows = tf.size(a, tf.int64) * tf.cast(steps, tf.int64)
        checks += [require(rows <= sampling.MOST, f"texts times steps must be at most {sampling.MOST}, not", rows)]
        steps = after(checks, steps)
        path = paths(self.latents_of(a, attributes), self.latents_of(b, attributes), steps, spherical)
        num = tf.shape(path)[0]
        attributes = [tf.repeat(tf.broadcast_to(column, [num]), steps) for column in attributes]
        texts = self.functions["decode"](tf.reshape(path, [-1, *self.latent_shape]), *attributes)["texts"]
        return {"texts": tf.reshape(texts, [num, steps])}

    def interpolate_each(self, a, b, *attributes):
        """The same in 5 steps on a line."""
        return self.functions["interpolate"](a, b, 5, False, *attributes)

    def latents_of(self, texts, attributes):
        return self.functions["encode"](texts, *(attributes if self.encoder_is_told else ()))["latents"]

    encoder_is_told = False  # whether `encode` needs the attributes

    def signatures(self):
        latents = tf.TensorSpec([None, *self.latent_shape], tf.float32)
        path = {"a": TEXTS, "b": TEXTS, "steps": WHOLE, "spherical": tf.TensorSpec([], tf.bool)}
        return {
            **super().signatures(),
            "encode": Signature(self.encode_texts, {"texts": TEXTS}, takes_attributes=self.encoder_is_told),
            "decode": Signature(self.decode_latents, {"latents": latents}),
            "reconstruct": Signature(self.reconstruct_texts, {"texts": TEXTS}),
            "interpolate": Signature(self.interpolate_texts, path),
            "interpolate_batched": Signature(self.interpolate_each, {"a": TEXTS, "b": TEXTS}),
        }

    # Methods on strings and arrays

    def encode(self, texts, *, labels: Mapping | None = None) -> np.ndarray:
        """The most likely latents of the texts: `float32 [n, latent_dim]` (`latent_shape` for other models).

        Args:
            labels: the texts' attributes, `{name: value or one a text}`, for a model whose posterior is told them.
        """
        return self.codes(texts, labels)["latents"]

    def codes(self, texts, labels=None) -> dict[str, np.ndarray]:
        """All that the posterior says of the texts: `latents`, and for a Gaussian its `scales`."""
        self.require_weights()
        texts = as_texts(texts)
        told = self.attributes.given(labels, len(texts), "labels") if self.encoder_is_told else ()
        return self.by_batches("encode", texts, attributes=told)

    def decode(self, z, *, attributes: Mapping | None = None) -> list[str]:
        """The likeliest texts, word by word, of latents `[n, latent_dim]`.

        Args:
            attributes: what the texts shall be, as {"sentiment": "positive"}, or a list of `n` values each.
        """
        self.require_weights()
        shape = ", ".join(map(str, ["n", *self.latent_shape]))
        try:
            z = np.asarray(z, np.float32)
        except (TypeError, ValueError):
            raise InputError(f"z must be numbers of shape [{shape}]") from None
        z = z[None] if z.ndim == len(self.latent_shape) else z
        if list(z.shape[1:]) != self.latent_shape or not np.isfinite(z).all():
            raise InputError(f"z must be finite numbers of shape [{shape}], not {list(z.shape)}")
        told = self.attributes.given(attributes, len(z))
        return strings(self.functions["decode"](tf.constant(z), *map(tf.constant, told))["texts"])

    def reconstruct(self, texts, *, attributes: Mapping | None = None) -> list[str]:
        """Encodes the texts and decodes their latents.

        Args:
            attributes: what the texts shall be. With others than the texts have, this is a transfer: what the latent
                holds stays, the attributes change.
        """
        self.require_weights()
        texts = as_texts(texts)
        told = self.attributes.given(attributes, len(texts))
        return strings(self.by_batches("reconstruct", texts, attributes=told)["texts"])

    def interpolate(self, a, b, steps: int = 5, *, method: str = "linear", attributes: Mapping | None = None):
        """Decodes `steps` points on the way from text `a` to text `b`, both ends included.

        Args:
            a, b: two strings, or two lists of as many strings.
            method: "linear" or "spherical" (Shoemake 1985; keeps the norm, as a Gaussian prior has it).
            attributes: what the texts on the way shall be; a list has one value a pair.

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
        if len(first) * steps > sampling.MOST:
            raise InputError(f"texts times steps must be at most {sampling.MOST}, not {len(first) * steps}")
        told = self.attributes.given(attributes, len(first))
        spherical = method == "spherical"
        texts = self.functions["interpolate"](first, last, steps, spherical, *map(tf.constant, told))["texts"].numpy()
        paths = [strings(row) for row in texts]
        return paths[0] if isinstance(a, (str, bytes)) else paths

    def analogy(self, a, b, c, *, attributes: Mapping | None = None):
        """`decode(encode(a) - encode(b) + encode(c))`: what is to `c` as `a` is to `b` (Mikolov et al. 2013).

        Args:
            a, b, c: three strings, or three lists of as many strings.
            attributes: what the texts shall be.

        Returns:
            A string for three strings; a list of strings for three lists.
        """
        groups = [as_texts(group, name) for group, name in ((a, "a"), (b, "b"), (c, "c"))]
        if len({len(group) for group in groups}) > 1:
            counts = ", ".join(str(len(group)) for group in groups)
            raise InputError(f"a, b and c must be as many texts, not {counts}")
        labels = attributes if self.encoder_is_told else None
        first, second, third = (self.encode(group, labels=labels) for group in groups)
        texts = self.decode(first - second + third, attributes=attributes)
        return texts[0] if isinstance(a, (str, bytes)) else texts

    def neighbours(self, texts, among, num: int = 5, *, labels: Mapping | None = None) -> list[list[tuple[str, float]]]:
        """The texts of `among` whose latents are nearest to those of `texts`, with their Euclidean distances.

        Args:
            labels: the attributes of all of them, one value each, for a model whose posterior is told them.

        Returns:
            For each text, `num` pairs (neighbour, distance), nearest first.
        """
        texts, among = as_texts(texts), as_texts(among, "among")
        num = whole(1, len(among), num=num)
        codes, others = (self.encode(group, labels=labels).reshape(len(group), -1) for group in (texts, among))
        found = []
        for code in codes:
            distances = np.linalg.norm(others - code, axis=1)
            nearest = np.argsort(distances, kind="stable")[:num]
            found.append([(among[place], float(distances[place])) for place in nearest])
        return found


def with_attributes(z, condition):
    """Latents `[..., latent]` with what their texts are told behind them."""
    return tf.concat([tf.cast(z, tf.float32), condition], axis=-1)


def paths(a, b, steps, spherical):
    """Points `[n, steps, …]` from latents `a` to latents `b` (each `[n, …]`), on a line or a great arc."""
    shape = tf.shape(a)[1:]
    a, b = (tf.reshape(latents, [tf.shape(latents)[0], tf.reduce_prod(shape)]) for latents in (a, b))
    share = tf.linspace(0.0, 1.0, steps)[None, :, None]
    norms = tf.norm(a, axis=-1, keepdims=True) * tf.norm(b, axis=-1, keepdims=True)
    cosine = tf.math.divide_no_nan(tf.reduce_sum(a * b, axis=-1, keepdims=True), norms)
    angle = tf.acos(tf.clip_by_value(cosine, -1.0, 1.0))[:, None]
    num = tf.shape(a)[0]
    a, b = a[:, None], b[:, None]
    line = a + (b - a) * share
    arc = (tf.sin((1 - share) * angle) * a + tf.sin(share * angle) * b) / tf.maximum(tf.sin(angle), 1e-6)
    # Where the two point the same way, or opposite ways, the arc is not defined.
    return tf.reshape(tf.where(spherical & (tf.sin(angle) > 1e-3), arc, line), tf.concat([[num, steps], shape], 0))
