"""The categorical draw and the likeliest words, which take most of the time where the vocabulary is large."""

import numpy as np
import tensorflow as tf

DRAWN = 128  # words in a block of the vocabulary, about, where one block is looked into
RANKED = 32  # where several are


def block_size(vocabulary: int | None, about: int) -> int:
    """Words in a block: a number near `about` that divides the vocabulary, so that no copy has to fill up the last
    block, or else `about`."""
    near = [size for size in range(about // 2, 2 * about) if vocabulary and vocabulary % size == 0]
    return min(near, key=lambda size: abs(size - about), default=about)


def draw(logits: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
    """An exact categorical draw by inverting the distribution function, in two levels: first a block of words, then a
    word of it. It takes one uniform number a row instead of one a word, and sums up one block instead of all words.

    `benchmarks/draws.py` compares it with the other ways.

    Args:
        logits: `float32 [n, vocabulary]`; -inf where nothing may be drawn.
        uniforms: `float32 [n]` in [0, 1).

    Returns:
        `int32 [n]`.
    """
    size = block_size(logits.shape[1], DRAWN)
    weights = in_blocks(tf.nn.softmax(logits), size, 0.0)
    sums = tf.reduce_sum(weights, axis=-1)
    ends = tf.cumsum(sums, axis=-1)
    targets = uniforms * ends[:, -1]
    blocks = first_beyond(ends, sums, targets)
    begins = tf.gather(ends - sums, blocks, batch_dims=1)
    weights = tf.gather(weights, blocks, batch_dims=1)
    return blocks * size + first_beyond(begins[:, None] + tf.cumsum(weights, axis=-1), weights, targets)


def in_blocks(values, size, filling):
    """`[n, vocabulary]` as `[n, blocks, size]`, the last block filled up where it must be."""
    if values.shape[1] is None or values.shape[1] % size:
        values = tf.pad(values, [[0, 0], [0, -tf.shape(values)[1] % size]], constant_values=filling)
    return tf.reshape(values, [tf.shape(values)[0], -1, size])


def top_k(logits: tf.Tensor, k) -> tuple[tf.Tensor, tf.Tensor]:
    """The values and places of the `k` largest logits of each row, largest first, each `[n, k]`: they stand in the `k`
    blocks with the largest maxima, so that only these are ranked."""
    size, block = tf.shape(logits)[1], block_size(logits.shape[1], RANKED)
    logits = in_blocks(logits, block, -np.inf)
    _, blocks = tf.math.top_k(tf.reduce_max(logits, axis=-1), tf.minimum(k, tf.shape(logits)[1]))
    # In their order, so that of equal logits the first comes first.
    blocks = tf.sort(blocks, axis=-1)
    few = tf.gather(logits, blocks, batch_dims=1)
    values, places = tf.math.top_k(tf.reshape(few, [tf.shape(few)[0], -1]), tf.minimum(k, size))
    places = tf.gather(blocks, places // block, batch_dims=1) * block + places % block
    return values, tf.minimum(
        places, size - 1
    )  # where all else is -inf, what fills up the last block may be among them


def first_beyond(cumulative, weights, targets):
    """The first place of each row where the cumulative weight is over the target; one with a weight in any case, also
    where the sums were rounded."""
    places = tf.range(tf.shape(weights)[1])
    first = tf.reduce_min(tf.where(weights > 0, places, tf.size(places) - 1), axis=-1)
    last = tf.reduce_max(tf.where(weights > 0, places, 0), axis=-1)
    beyond = tf.reduce_sum(tf.cast(cumulative <= targets[:, None], tf.int32), axis=-1)
    return tf.clip_by_value(beyond, first, last)
