"""The oracle experiment of Yu et al. 2017: a random LSTM stands for the truth, so that what a generator writes can be
scored exactly, and what it has not learned, too."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import tensorflow as tf

import zoo
from keras_textgen import sampling
from keras_textgen.chunking import by_chunks
from keras_textgen.cross_entropy import cross_entropy
from keras_textgen.errors import InputError
from keras_textgen.text import WordTokenizer

WORDS = 5000
LENGTH = 20
WIDTH = 32  # of the oracle's word vectors and states
SPECIAL = 4  # ids before the first word
IMPOSSIBLE = -1e9  # the logit of what the oracle never says
GATES = ("i", "f", "c", "og")  # in the order of `keras_textgen.layers.LSTM`: input, forget, candidate, output
ROWS_AT_ONCE = 500
INVERSE_TEMPERATURES = (0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.8, 2.0, 2.2, 2.5, 3.0)


def oracle_tokenizer() -> WordTokenizer:
    """Words are the numbers from 0 to 4,999; a text has no end token, as all have 20 words."""
    words = [str(number) for number in range(WORDS)]
    counted = dict(splitting="whitespace", lowercase=False, end_token=False)
    return WordTokenizer(vocabulary=words, vocabulary_size=WORDS + SPECIAL, **counted)


def weights_of_oracle(path: Path | None, seed: int) -> dict[str, np.ndarray]:
    """The oracle's weights by name: those that the paper's authors published, from a file, or drawn by seed from a
    standard normal distribution, as they drew theirs. The two are different oracles: their figures cannot be compared.

    Raises:
        InputError: if the file cannot be read, or lacks a weight or has one of another shape.
    """
    shapes = {"embeddings": (WORDS, WIDTH), "Wo": (WIDTH, WORDS), "bo": (WORDS,)}
    for gate in GATES:
        shapes |= {f"W{gate}": (WIDTH, WIDTH), f"U{gate}": (WIDTH, WIDTH), f"b{gate}": (WIDTH,)}
    if path is None:
        generator = np.random.default_rng(seed)
        return {name: generator.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    try:
        with np.load(path, allow_pickle=False) as file:
            weights = {name: np.asarray(file[name], np.float32) for name in shapes}
    except FileNotFoundError:
        raise InputError(f"there is no oracle {path}; leave --oracle out to draw one by seed") from None
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path} is no oracle: {error}") from None
    for name, shape in shapes.items():
        if weights[name].shape != shape:
            raise InputError(f"{path} is no oracle: {name} has shape {weights[name].shape}, not {shape}")
    return weights


class Oracle:
    """A language model with given weights: an LSTM over the words, whose first input is word 0.

    Args:
        path: the published weights; None draws others by `seed`.
    """

    def __init__(self, path: Path | None = None, seed: int = 0):
        weights = weights_of_oracle(path, seed)
        sizes = dict(embedding_dim=WIDTH, hidden_dim=WIDTH, output_dim=0, average_attention=False, dropout=0.0)
        self.model = zoo.build("lstm_lm", tokenizer=oracle_tokenizer(), sequence_length=LENGTH, seed=0, **sizes)
        decoder = self.model.decoder
        first = np.repeat(weights["embeddings"][:1], SPECIAL, axis=0)
        decoder.embedding.embeddings.assign(np.concatenate([first, weights["embeddings"]]))
        decoder.lstm.kernel.assign(np.concatenate([weights[f"W{gate}"] for gate in GATES], axis=1))
        decoder.lstm.recurrent_kernel.assign(np.concatenate([weights[f"U{gate}"] for gate in GATES], axis=1))
        decoder.lstm.bias.assign(np.concatenate([weights[f"b{gate}"] for gate in GATES]))
        decoder.output_layer.kernel.assign(np.pad(weights["Wo"], [[0, 0], [SPECIAL, 0]]))
        decoder.output_layer.bias.assign(np.pad(weights["bo"], [SPECIAL, 0], constant_values=IMPOSSIBLE))

    def write(self, num: int, seed: int) -> np.ndarray:
        """Texts: ids `int32 [num, 20]`."""
        return write(self.model, num, seed)

    def score(self, ids) -> float:
        """The negative log-likelihood of texts under the oracle, in nats a token (NLL_oracle)."""
        return score(self.model, ids)


def write(model, num: int, seed: int, temperature: float = 1.0) -> np.ndarray:
    """Texts of a language model at a temperature: ids `int32 [num, 20]`."""
    first = tf.range(0, num, ROWS_AT_ONCE)
    written = lambda start: writer(model)(tf.minimum(ROWS_AT_ONCE, num - start), [seed, start], temperature)  # noqa: E731
    with ThreadPoolExecutor(2) as both:  # a text at a place waits for the one before; two chunks do not
        return np.concatenate([part.numpy() for part in both.map(written, first)])


def score(model, ids, temperature: float = 1.0) -> float:
    """The mean negative log-likelihood of texts under a language model at a temperature, in nats a token."""
    return float(-tf.reduce_mean(scorer(model)(tf.constant(ids), temperature)) / LENGTH)


def writer(model):
    """The graph function that writes, made once for a model."""
    if not hasattr(model, "oracle_writer"):

        def function(num, seed, temperature):
            limits = model.limits(num, sampling.Options.tensors())
            uniforms = tf.random.stateless_uniform([num, LENGTH], seed)
            draw = lambda logits, uniforms, _: sampling.draw(logits / temperature, uniforms)  # noqa: E731
            strategy = sampling.TokenByToken(draw, limits, uniforms)
            return sampling.decode(model.step, model.decoder.start(tf.zeros([num, 0])), strategy)

        specs = tf.TensorSpec([], tf.int32), tf.TensorSpec([2], tf.int32), tf.TensorSpec([], tf.float32)
        model.oracle_writer = tf.function(function, input_signature=specs, autograph=False)
    return model.oracle_writer


def scorer(model):
    """The graph function that scores, made once for a model."""
    if not hasattr(model, "oracle_scorer"):

        def function(ids, temperature):
            def of(ids):
                logits = model.likelihood(tf.zeros([tf.shape(ids)[0], 0]), ids).logits / temperature
                return -tf.reduce_sum(cross_entropy(logits, ids), axis=1)

            return by_chunks(of, ROWS_AT_ONCE, ids)

        specs = tf.TensorSpec([None, LENGTH], tf.int32), tf.TensorSpec([], tf.float32)
        model.oracle_scorer = tf.function(function, input_signature=specs, autograph=False)
    return model.oracle_scorer


@dataclasses.dataclass
class Standing:
    """Where a model stands between quality and diversity, in nats a token.

    Attributes:
        nll_oracle: of its texts under the oracle: low is like the truth, or like a part of it.
        nll_held_out: of the oracle's texts under the model: low is all of the truth.
        distinct: the share of different texts among its own; well below 1, it has collapsed.
    """

    nll_oracle: float
    nll_held_out: float
    distinct: float

    @classmethod
    def of(cls, model, oracle: Oracle, held_out, *, num: int = 10_000, seed: int = 0, temperature: float = 1.0):
        """Measures a language model at a temperature by `num` of its texts and by texts of the oracle."""
        texts = write(model, num, seed, temperature)
        return cls(oracle.score(texts), score(model, held_out, temperature), len(np.unique(texts, axis=0)) / num)


def sweep(
    model, oracle: Oracle, held_out, *, num: int = 10_000, seed: int = 0, inverse_temperatures=INVERSE_TEMPERATURES
) -> list[dict[str, float]]:
    """The standing at several temperatures: `temperature` and the figures of each (Caccia et al. 2020: one point alone
    proves nothing)."""
    found = []
    for temperature in (1 / inverse for inverse in inverse_temperatures):
        standing = Standing.of(model, oracle, held_out, num=num, seed=seed, temperature=temperature)
        found.append({"temperature": round(temperature, 4), **dataclasses.asdict(standing)})
    return found
