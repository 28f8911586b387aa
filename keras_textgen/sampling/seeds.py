"""Random numbers of a row from that row's seed alone."""

import numpy as np
import tensorflow as tf

from keras_textgen.checks import whole


def new_seed() -> int:
    """A seed for a call that was given none."""
    return int(np.random.default_rng().integers(2**31))


def check_seed(seed) -> int:
    """Returns a seed that fits into an int64; `InputError` otherwise."""
    return whole(-(2**63), 2**63 - 1, seed=seed)


def row_seeds(seed, rows, stream: int = 0) -> tf.Tensor:
    """Seeds `int64 [n, 2]`: one for each of `rows` (`int64 [n]`, the row numbers) under a `seed` (a scalar, or `[n]`).

    A row has four independent streams of random numbers, 0 to 3.
    """
    rows = tf.cast(rows, tf.int64) * 4 + stream
    return tf.stack([tf.broadcast_to(tf.cast(seed, tf.int64), tf.shape(rows)), rows], axis=1)


def text_seeds(seed, ids: tf.Tensor) -> tf.Tensor:
    """Seeds `int64 [n, 2]` that depend on `seed` (a scalar, or `[n]`) and on each row of ids `[n, length]`, however
    long it is padded.

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
