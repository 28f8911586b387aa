"""What `fit` and `evaluate` are given, as a `tf.data` set of padded batches of ids with the attributes of the texts.

Texts in memory are batched with others of similar length, in an order that depends on (seed, epoch) alone.
"""

import math

import numpy as np
import tensorflow as tf

from keras_textgen.attributes import Attributes
from keras_textgen.errors import InputError
from keras_textgen.text import PADDING, Tokenizer, as_texts

WINDOW = 64  # batches; texts are sorted by length inside a window of the shuffled order, so that little is padding


def without_stalls(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Switches tf.data's autotuner off: it can stall for seconds at the end of an epoch."""
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def ragged_ids(x, tokenizer: Tokenizer, sequence_length: int) -> tf.RaggedTensor:
    """Strings, or ids `int [n, length]` padded with 0, to ragged ids `int32 [n, (length)]`, cut to `sequence_length`.

    Raises:
        InputError: if there are no rows, a text cannot be used, or an id is out of range.
    """
    if isinstance(x, tf.RaggedTensor):
        x = x.to_tensor(PADDING)
    array = x.numpy() if hasattr(x, "numpy") else x
    if isinstance(array, np.ndarray) and np.issubdtype(array.dtype, np.integer):
        check_ids(array, tokenizer.vocabulary_size)
        ids = tf.constant(array[:, :sequence_length], tf.int32)
    else:
        ids = tokenizer(tf.constant(as_texts(x)), sequence_length=sequence_length)
    return tf.RaggedTensor.from_tensor(ids, padding=PADDING, row_splits_dtype=tf.int64)


def check_ids(ids: np.ndarray, vocabulary_size: int) -> None:
    """Raises `InputError` unless `ids` are rows `[n, length]` of ids, each with at least one that is not padding."""
    if ids.ndim != 2 or 0 in ids.shape:
        raise InputError(f"ids must have shape [n, length] with at least one row, not {list(ids.shape)}")
    if ids.min() < 0 or ids.max() >= vocabulary_size:
        raise InputError(f"ids must lie in [0, {vocabulary_size}), and {ids.min()} to {ids.max()} were given")
    empty = np.flatnonzero((ids == PADDING).all(axis=1))
    if empty.size:
        raise InputError(f"row {empty[0]} of the ids is all padding; remove it")


def batches_of_dataset(
    dataset: tf.data.Dataset, tokenizer: Tokenizer, attributes: Attributes, sequence_length: int, batch_size: int
) -> tf.data.Dataset:
    """A `tf.data` set of strings or ids, one text or one batch an element, to one of padded batches of ids.

    Elements may be pairs of a text and its labels, `{name: string}`; what stands beside a text is left out for a model
    without attributes. A set of such batches as this function gives is given back as it is.

    Raises:
        InputError: if its elements are none of these.
    """
    if is_batched(dataset.element_spec, attributes):
        return dataset
    spec = dataset.element_spec[0] if isinstance(dataset.element_spec, tuple) else dataset.element_spec
    kind = getattr(spec, "dtype", None)
    if kind is None or not (kind == tf.string or kind.is_integer):
        raise InputError(f"a data set must hold strings or whole-number ids, not {spec}")
    labels = labels_of(dataset.element_spec)
    missing = [name for name in attributes.values if name not in labels]
    if missing:
        raise InputError(
            f"the attribute {missing[0]!r} is missing; the data set must hold pairs (text, {{{missing[0]!r}: label}})"
        )

    def parts(x, beside=None, *rest):
        return x, tuple(beside[name] for name in attributes.values)

    dataset = dataset.map(parts)
    if spec.shape.rank == (0 if kind == tf.string else 1):
        dataset = dataset.padded_batch(batch_size)

    def batch(x, columns):
        ids = tokenizer(x, sequence_length=sequence_length) if kind == tf.string else x[:, :sequence_length]
        return tf.cast(ids, tf.int32), attributes.look_up(columns, tf.shape(ids)[0])

    return without_stalls(dataset.map(batch).prefetch(2))


def is_batched(element_spec, attributes: Attributes) -> bool:
    """Whether the elements of a data set are batches of ids with the numbers of their attributes."""
    parts = element_spec if isinstance(element_spec, tuple) and len(element_spec) == 2 else ()
    kinds = [isinstance(part, tf.TensorSpec) and part.dtype == tf.int32 and part.shape.rank == 2 for part in parts]
    return kinds == [True, True] and parts[1].shape[1] == len(attributes)


def labels_of(element_spec) -> dict:
    """The labels that the elements of a data set hold: `{name: spec}`."""
    beside = element_spec[1] if isinstance(element_spec, tuple) and len(element_spec) > 1 else None
    return beside if isinstance(beside, dict) else {}


def first_examples(dataset: tf.data.Dataset, num: int = 100_000) -> tuple[list[str], dict[str, list[str]]]:
    """The first texts of a `tf.data` set of strings, and their labels, for learning a vocabulary and attributes."""
    texts, labels = [], {name: [] for name in labels_of(dataset.element_spec)}
    for element in dataset:
        x, beside = (element[0], element[1]) if isinstance(element, tuple) else (element, None)
        if x.dtype != tf.string:
            raise InputError("a model without a vocabulary needs strings; build it with texts= or tokenizer= for ids")
        texts += np.ravel(x.numpy()).tolist()
        for name, values in labels.items():
            values += [value.decode() for value in np.ravel(beside[name].numpy())]
        if len(texts) >= num:
            break
    return as_texts(texts), labels


def number_of_batches(num: int, batch_size: int) -> int:
    """Batches in an epoch of `num` texts; the last one may be smaller."""
    return math.ceil(num / batch_size)


def ordered_batches(ids: tf.RaggedTensor, attributes, batch_size: int) -> tf.data.Dataset:
    """Every text once, shortest first: ids `int32 [batch, longest]` padded with 0, and `attributes`
    `int32 [batch, …]`."""
    rows = tf.data.Dataset.from_tensor_slices(tf.argsort(ids.row_lengths(), stable=True)).batch(batch_size)
    take = lambda row: (tf.gather(ids, row).to_tensor(PADDING), tf.gather(attributes, row))  # noqa: E731
    return without_stalls(rows.map(take).prefetch(2))


def shuffled_batches(
    ids: tf.RaggedTensor, attributes, batch_size: int, seed: int, first_epoch: int = 0
) -> tf.data.Dataset:
    """Epoch after epoch without end, each `number_of_batches` long, starting with `first_epoch`.

    The order of an epoch is a function of `seed` and the epoch's number, so a run that is resumed at an epoch sees the
    batches that an uninterrupted one would have seen.
    """

    def epoch(number):
        return shuffled_epoch(ids, attributes, batch_size, tf.stack([tf.constant(seed, tf.int64), number]))

    return without_stalls(epoch_numbers(first_epoch).flat_map(epoch).prefetch(2))


def epoch_numbers(first: int) -> tf.data.Dataset:
    """The numbers of the epochs, without end."""
    return tf.data.Dataset.range(first, tf.int64.max)  # counter() would leave two graphs behind for good


def shuffled_epoch(ids: tf.RaggedTensor, attributes, batch_size: int, seeds: tf.Tensor) -> tf.data.Dataset:
    """Batches of every text once, in an order that depends on `seeds` `int64 [2]` alone."""
    num, lengths = ids.nrows(), ids.row_lengths()
    batches = (num + batch_size - 1) // batch_size
    order = tf.random.experimental.stateless_shuffle(tf.range(num), seed=seeds)
    window = tf.range(num) // (WINDOW * batch_size)
    longest = tf.reduce_max(lengths) + 1
    order = tf.gather(order, tf.argsort(window * longest + tf.gather(lengths, order), stable=True))
    order = tf.pad(order, [[0, batches * batch_size - num]], constant_values=-1)
    rows = tf.reshape(order, [batches, batch_size])
    rows = tf.random.experimental.stateless_shuffle(rows, seed=seeds + 1)

    def batch(rows):
        rows = tf.boolean_mask(rows, rows >= 0)
        return tf.gather(ids, rows).to_tensor(PADDING), tf.gather(attributes, rows)

    return tf.data.Dataset.from_tensor_slices(rows).map(batch)


def known_batches(x) -> int | None:
    """The number of batches an epoch, where a data set knows it."""
    size = int(x.cardinality()) if isinstance(x, tf.data.Dataset) else len(x) if hasattr(x, "__len__") else -1
    return size if size > 0 else None
