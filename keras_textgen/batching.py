"""Texts as a `tf.data` set of padded batches of similar length, in an order that depends on (seed, epoch) alone."""

import math

import tensorflow as tf

from keras_textgen.text import PADDING

WINDOW = 64  # batches; texts are sorted by length inside a window of the shuffled order, so that little is padding


def without_stalls(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Switches tf.data's autotuner off: it can stall for seconds at the end of an epoch."""
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def number_of_batches(num: int, batch_size: int) -> int:
    """Batches in an epoch of `num` texts; the last one may be smaller."""
    return math.ceil(num / batch_size)


def ordered_batches(ids: tf.RaggedTensor, batch_size: int) -> tf.data.Dataset:
    """Every text once, shortest first: `int32 [batch, longest]` padded with 0."""
    order = tf.argsort(ids.row_lengths(), stable=True)
    rows = tf.data.Dataset.from_tensor_slices(order).batch(batch_size)
    return without_stalls(rows.map(lambda row: tf.gather(ids, row).to_tensor(PADDING)).prefetch(2))


def shuffled_batches(ids: tf.RaggedTensor, batch_size: int, seed: int, first_epoch: int = 0) -> tf.data.Dataset:
    """Epoch after epoch without end, each `number_of_batches` long, starting with `first_epoch`.

    The order of an epoch is a function of `seed` and the epoch's number, so a run that is resumed at an epoch sees the
    batches that an uninterrupted one would have seen.
    """
    num = int(ids.nrows())
    batches = number_of_batches(num, batch_size)
    lengths = ids.row_lengths()

    def epoch(number):
        seeds = tf.stack([tf.constant(seed, tf.int64), number])
        order = tf.random.experimental.stateless_shuffle(tf.range(num, dtype=tf.int64), seed=seeds)
        window = tf.range(num, dtype=tf.int64) // (WINDOW * batch_size)
        longest = tf.reduce_max(lengths) + 1
        order = tf.gather(order, tf.argsort(window * longest + tf.gather(lengths, order), stable=True))
        order = tf.pad(order, [[0, batches * batch_size - num]], constant_values=-1)
        rows = tf.reshape(order, [batches, batch_size])
        return tf.data.Dataset.from_tensor_slices(tf.random.experimental.stateless_shuffle(rows, seed=seeds + 1))

    def batch(rows):
        return tf.gather(ids, tf.boolean_mask(rows, rows >= 0)).to_tensor(PADDING)

    epochs = tf.data.Dataset.counter(start=first_epoch)
    return without_stalls(epochs.flat_map(epoch).map(batch).prefetch(2))
