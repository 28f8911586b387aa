"""Epochs of training batches: every text once an epoch, in an order that depends on (seed, epoch) alone.

Batches have a number of texts, or a number of tokens: then texts share a batch with others of about their length, as
many as the tokens allow.
"""

import abc

import numpy as np
import tensorflow as tf

from keras_textgen.batching import number_of_batches, ordered_batches, shuffled_batches, without_stalls
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

    def batches(self, texts: tf.data.Dataset) -> tf.data.Dataset:
        """From pairs (ids `[length]`, attributes) to batches; what is left at the end of the set makes smaller ones."""
        return texts.bucket_by_sequence_length(
            lambda ids, attributes: tf.shape(ids)[0],
            bucket_boundaries=[length + 1 for length in self.lengths[:-1]],
            bucket_batch_sizes=self.sizes,
            padding_values=(PADDING, None),
        )


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
            epochs = tf.data.Dataset.counter(start=first_epoch)
            return without_stalls(epochs.flat_map(lambda number: self.bucketed(number, shuffle)).prefetch(2))
        if shuffle:
            return shuffled_batches(self.ids, self.attributes, self.batch_size, self.seed, first_epoch)
        return ordered_batches(self.ids, self.attributes, self.batch_size).repeat()

    def bucketed(self, number, shuffle):
        """An epoch of batches of about as many tokens."""
        order = tf.range(self.ids.nrows())
        if shuffle:
            seeds = tf.stack([tf.constant(self.seed, tf.int64), number])
            order = tf.random.experimental.stateless_shuffle(order, seed=seeds)
        return self.buckets.batches(rows_of(self.ids, self.attributes, order))


def rows_of(ids: tf.RaggedTensor, attributes, order: tf.Tensor) -> tf.data.Dataset:
    """The pairs of ids `int32 [length]` and attributes of each text, in an order `int64 [n]` of the rows."""
    parts = ids.row_starts(), ids.row_limits(), attributes
    spans = tf.data.Dataset.from_tensor_slices(tuple(tf.gather(part, order) for part in parts))
    return spans.map(lambda start, end, attributes: (ids.flat_values[start:end], attributes))
