"""Epochs of training batches: every text once an epoch, in an order that depends on (seed, epoch) alone.

Batches have a number of texts, or a number of tokens: then texts share a batch with others of about their length, as
many as the tokens allow.
"""

import abc

import numpy as np
import tensorflow as tf

from keras_textgen.batching import epoch_numbers, number_of_batches, ordered_batches, shuffled_batches, without_stalls
from keras_textgen.checks import whole
from keras_textgen.text import PADDING

GROWTH = 1.25  # of the lengths from bucket to bucket: at most a fifth of a batch of full size is padding


class Batches(abc.ABC):
    """Training texts as batches: ids `int32 [batch, longest]` padded with 0, and the numbers of their attributes
    `int32 [batch, attributes]`.

    Attributes:
        steps: batches an epoch.
    """

    steps: int

    @abc.abstractmethod
    def once(self) -> tf.data.Dataset:
        """Every text once, in an order that is the same in every call."""

    @abc.abstractmethod
    def epochs(self, first_epoch: int = 0, shuffle: bool = True) -> tf.data.Dataset:
        """Epoch after epoch without end, each `steps` long, beginning with `first_epoch`."""


class Examples(abc.ABC):
    """Training texts that are not in memory."""

    @abc.abstractmethod
    def batches(self, model, batch_size: int, tokens_per_batch: int | None = None) -> Batches:
        """The batches that a model trains on.

        Raises:
            InputError: if the model has another vocabulary or other attributes.
        """


class Buckets:
    """Lengths up to which texts share a batch, and for each how many texts a batch then has.

    Args:
        tokens: of a batch, padding included; at least `longest`.
        longest: text, in tokens.
    """

    def __init__(self, tokens: int, longest: int):
        whole(longest, tokens_per_batch=tokens)
        self.lengths = [min(4, longest)]
        while self.lengths[-1] < longest:
            self.lengths.append(min(longest, int(self.lengths[-1] * GROWTH + 1)))
        self.sizes = [tokens // length for length in self.lengths]

    def steps(self, histogram: np.ndarray) -> int:
        """Batches of an epoch, from the number of texts of each length `0, 1, …, longest`."""
        buckets = np.searchsorted(self.lengths, np.arange(len(histogram)))
        texts = np.bincount(buckets, weights=histogram, minlength=len(self.lengths))
        return int(np.ceil(texts / self.sizes).sum())

    def batches(self, windows: tf.data.Dataset, shuffle: bool = True) -> tf.data.Dataset:
        """Batches of all texts of an epoch.

        Args:
            windows: of texts, each as ragged ids `[n, (length)]`, attributes `[n, …]`, seeds `int64 [2]` of its order,
                and whether it is the last one. What does not fill a batch waits for the next window.
            shuffle: the texts and the batches of a window.
        """
        _, attributes, _, _ = windows.element_spec
        empty = tf.zeros([0], tf.int32), tf.zeros([0], tf.int64), tf.zeros([0, *attributes.shape[1:]], attributes.dtype)

        def turn(waiting, window):
            ids, attributes, seeds, last = window
            if shuffle:
                order = tf.random.experimental.stateless_shuffle(tf.range(ids.nrows()), seed=seeds)
                ids, attributes = tf.gather(ids, order), tf.gather(attributes, order)
            ids = tf.concat([tf.RaggedTensor.from_row_lengths(*waiting[:2]), ids], axis=0)
            attributes = tf.concat([waiting[2], attributes], axis=0)
            groups, rest = self.groups(ids.row_lengths(), last)
            if shuffle:
                order = tf.random.experimental.stateless_shuffle(tf.range(groups.nrows()), seed=seeds + 1)
                groups = tf.gather(groups, order)
            rest_ids = tf.gather(ids, rest)
            waiting = rest_ids.flat_values, rest_ids.row_lengths(), tf.gather(attributes, rest)
            return waiting, (ids, attributes, groups)

        def batches(ids, attributes, groups):
            def batch(start, end):
                rows = groups.flat_values[start:end]
                return tf.gather(ids, rows).to_tensor(PADDING), tf.gather(attributes, rows)

            return tf.data.Dataset.from_tensor_slices((groups.row_starts(), groups.row_limits())).map(batch)

        return windows.scan(empty, turn).flat_map(batches)

    def groups(self, lengths: tf.Tensor, last) -> tuple[tf.RaggedTensor, tf.Tensor]:
        """The rows of each batch, ragged `int64 [batches, (size)]`, and those that fill none; `last` fills with less.

        Args:
            lengths: of the texts, `int64 [n]`.
        """
        bucket = tf.searchsorted(tf.constant(self.lengths, tf.int64), lengths)
        counts = tf.math.bincount(bucket, minlength=len(self.lengths))
        sizes = tf.constant(self.sizes, tf.int32)
        batches = tf.where(last, (counts + sizes - 1) // sizes, counts // sizes)
        order = tf.argsort(bucket, stable=True)
        bucket = tf.gather(bucket, order)
        place = tf.range(tf.size(order)) - tf.gather(tf.cumsum(counts, exclusive=True), bucket)
        batch = place // tf.gather(sizes, bucket)
        full = batch < tf.gather(batches, bucket)
        number = batch + tf.gather(tf.cumsum(batches, exclusive=True), bucket)
        rows = tf.cast(order, tf.int64)
        groups = tf.RaggedTensor.from_value_rowids(tf.boolean_mask(rows, full), tf.boolean_mask(number, full))
        return groups, tf.sort(tf.boolean_mask(rows, ~full))


class InMemory(Batches):
    """Batches of ids in memory.

    Args:
        ids: ragged `int32 [n, (length)]`.
        attributes: `int32 [n, attributes]`.
        seed: of the order.
        tokens_per_batch: in place of `batch_size`.
    """

    def __init__(self, ids, attributes, seed: int, batch_size: int, tokens_per_batch: int | None = None):
        self.ids, self.attributes, self.seed, self.batch_size = ids, attributes, seed, batch_size
        self.buckets = None
        if tokens_per_batch is None:
            self.steps = number_of_batches(int(ids.nrows()), batch_size)
        else:
            lengths = ids.row_lengths().numpy()
            self.buckets = Buckets(tokens_per_batch, int(lengths.max()))
            self.steps = self.buckets.steps(np.bincount(lengths))

    def once(self):
        return self.epochs().take(self.steps)

    def epochs(self, first_epoch=0, shuffle=True):
        if self.buckets is not None:
            epochs = epoch_numbers(first_epoch)
            return without_stalls(epochs.flat_map(lambda number: self.bucketed(number, shuffle)).prefetch(2))
        if shuffle:
            return shuffled_batches(self.ids, self.attributes, self.batch_size, self.seed, first_epoch)
        return ordered_batches(self.ids, self.attributes, self.batch_size).repeat()

    def bucketed(self, number, shuffle):
        """An epoch of batches of about as many tokens."""
        seeds = tf.stack([tf.constant(self.seed, tf.int64), number])
        window = tf.data.Dataset.from_tensors((self.ids, self.attributes, seeds, True))
        return self.buckets.batches(window, shuffle)
