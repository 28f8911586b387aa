"""The decoding loop and its strategies, inside the graph.

A model gives `step(tokens, state) -> (logits, state)`; `decode` runs it until every row has ended. Randomness is
drawn for each row from that row's own seed before the loop starts, so that a text depends on its seed alone: not on
its neighbours in the batch, not on how many there are.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from keras_textgen.checks import whole
from keras_textgen.errors import unknown
from keras_textgen.text import END, PADDING, START, UNKNOWN

STRATEGIES = ("sample", "greedy")


def new_seed() -> int:
    """A seed for a call that was given none."""
    return int(np.random.default_rng().integers(2**31))


def check_seed(seed) -> int:
    """Returns a seed that fits into an int64; `InputError` otherwise."""
    return whole(-(2**63), 2**63 - 1, seed=seed)


def row_seeds(seed, rows, stream: int = 0) -> tf.Tensor:
    """Seeds `int64 [n, 2]`: one for each of `rows` (`int64 [n]`, the row numbers) under one `seed` (a scalar).

    A row has four independent streams of random numbers, 0 to 3.
    """
    rows = tf.cast(rows, tf.int64) * 4 + stream
    return tf.stack([tf.fill(tf.shape(rows), tf.cast(seed, tf.int64)), rows], axis=1)


def text_seeds(seed, ids: tf.Tensor) -> tf.Tensor:
    """Seeds `int64 [n, 2]` that depend on `seed` and on each row of ids `[n, length]`, however long it is padded.

    A text's score is then the same in any company.
    """
    powers = tf.math.cumprod(tf.fill([tf.shape(ids)[1]], tf.constant(6364136223846793005, tf.int64)))
    return row_seeds(seed, tf.reduce_sum(tf.cast(ids, tf.int64) * powers, axis=1))  # wraps around, as a hash may


def uniform(seeds: tf.Tensor, shape) -> tf.Tensor:
    """Uniform numbers in [0, 1), `float32 [n, *shape]`, each row from its own seed."""
    draw = lambda seed: tf.random.stateless_uniform(shape, seed)  # noqa: E731
    return tf.map_fn(draw, seeds, fn_output_signature=tf.float32)


def normal(seeds: tf.Tensor, shape) -> tf.Tensor:
    """Standard normal numbers, `float32 [n, *shape]`, each row from its own seed."""
    draw = lambda seed: tf.random.stateless_normal(shape, seed)  # noqa: E731
    return tf.map_fn(draw, seeds, fn_output_signature=tf.float32)


def draw(logits: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
    """An exact categorical draw by inverting the distribution function: one uniform number a row, not one a word.

    Args:
        logits: `float32 [n, vocabulary]`; -inf where nothing may be drawn.
        uniforms: `float32 [n]` in [0, 1).

    Returns:
        `int32 [n]`.
    """
    cumulative = tf.cumsum(tf.nn.softmax(logits), axis=-1)
    below = cumulative <= uniforms[:, None] * cumulative[:, -1:]
    return tf.minimum(tf.reduce_sum(tf.cast(below, tf.int32), axis=-1), tf.shape(logits)[-1] - 1)


def keep_top_k(logits: tf.Tensor, k) -> tf.Tensor:
    """-inf for all but the `k` likeliest words of each row (Fan et al. 2018); `k` of 0 keeps all. Ties stay."""
    size = tf.shape(logits)[-1]
    k = tf.where(k > 0, tf.minimum(k, size), size)
    least = tf.sort(logits, axis=-1, direction="DESCENDING")[:, k - 1]
    return tf.where(logits < least[:, None], -np.inf, logits)


def keep_top_p(logits: tf.Tensor, p) -> tf.Tensor:
    """-inf outside the nucleus: the fewest likeliest words that hold `p` of the probability (Holtzman et al. 2020)."""
    ranked = tf.sort(logits, axis=-1, direction="DESCENDING")
    before = tf.cumsum(tf.nn.softmax(ranked), axis=-1, exclusive=True)
    least = tf.reduce_min(tf.where(before < p, ranked, np.inf), axis=-1)
    return tf.where(logits < least[:, None], -np.inf, logits)


def sample(temperature, top_k, top_p) -> Callable:
    """The rule "sample": divides logits by `temperature`, keeps `top_k`, then the `top_p` nucleus, and draws.

    All three may be tensors, as in an exported model. A temperature of 0 takes the likeliest word; a `top_k` of 0 and a
    `top_p` of 1 keep every word.
    """
    temperature, top_p = tf.cast(temperature, tf.float32), tf.cast(top_p, tf.float32)

    def choose(logits, uniforms):
        logits = logits / tf.maximum(temperature, 1e-6)
        logits = tf.cond(top_k > 0, lambda: keep_top_k(logits, top_k), lambda: logits)
        logits = tf.cond(top_p < 1, lambda: keep_top_p(logits, top_p), lambda: logits)
        return draw(logits, uniforms)

    return lambda logits, uniforms: tf.cond(
        temperature > 0, lambda: choose(logits, uniforms), lambda: greedy(logits, uniforms)
    )


def greedy(logits: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
    """The rule "greedy": the likeliest word; the first one where several are."""
    return tf.argmax(logits, axis=-1, output_type=tf.int32)


def check_strategy(strategy: str) -> str:
    """Returns the name of a strategy, or raises `InputError` if there is none of that name."""
    if strategy not in STRATEGIES:
        raise unknown("strategy", strategy, STRATEGIES)
    return strategy


def decode(step: Callable, state, choose: Callable, uniforms: tf.Tensor) -> tf.Tensor:
    """Writes token after token until every row has ended or is full.

    Args:
        step: `(tokens int32 [n], state) -> (logits [n, vocabulary], state)`.
        state: what `step` needs at the start, a nest of tensors.
        choose: a rule as above, `(logits float32 [n, vocabulary], uniforms [n]) -> int32 [n]`.
        uniforms: `float32 [n, length]`, the randomness of every position; its shape sets the longest text.

    Returns:
        ids `int32 [n, longest]`, without the start token, with the end token, padded with 0. Padding, start and unknown
        are never chosen: a text is made of words.
    """
    num, length = tf.shape(uniforms)[0], tf.shape(uniforms)[1]
    never = tf.constant([PADDING, START, UNKNOWN])

    def more(position, tokens, ended, state, written):
        return (position < length) & ((position == 0) | ~tf.reduce_all(ended))

    def write(position, tokens, ended, state, written):
        logits, state = step(tokens, state)
        logits = tf.cast(logits, tf.float32)
        banned = tf.reduce_any(tf.equal(tf.range(tf.shape(logits)[-1])[:, None], never), axis=-1)
        tokens = choose(tf.where(banned, -np.inf, logits), uniforms[:, position])
        tokens = tf.where(ended, PADDING, tokens)
        return position + 1, tokens, ended | tf.equal(tokens, END), state, written.write(position, tokens)

    written = tf.TensorArray(tf.int32, size=0, dynamic_size=True, element_shape=[None])
    start = (0, tf.fill([num], START), tf.zeros([num], tf.bool), state, written)
    written = tf.while_loop(more, write, start)[-1]
    return tf.transpose(tf.reshape(written.stack(), [-1, num]))
