"""Batches of about as many tokens: every text once an epoch, in as many batches as promised, little padding."""

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.epochs import Buckets, InMemory
from keras_textgen.errors import InputError

LENGTHS = np.random.default_rng(0).integers(1, 20, 211)


def rows(first, lengths):
    return tf.ragged.constant([[first + place] * length for place, length in enumerate(lengths)], tf.int32)


@pytest.fixture(scope="module")
def memory():
    numbers = np.arange(len(LENGTHS), dtype=np.int32)[:, None]
    return InMemory(rows(100, LENGTHS), numbers, seed=3, batch_size=8, tokens_per_batch=60)


def epoch_of(dataset, steps):
    """The texts of each batch, after a look at its shape."""
    found = []
    for ids, numbers in dataset.take(steps):
        assert (ids[:, 0] - 100 == numbers[:, 0]).numpy().all()
        assert ids.shape[0] * ids.shape[1] <= 60
        assert [np.count_nonzero(row) for row in ids.numpy()] == LENGTHS[numbers.numpy()[:, 0]].tolist()
        found.append(numbers.numpy()[:, 0].tolist())
    return found


@pytest.mark.parametrize("shuffle", [True, False])
def test_every_epoch_has_every_text_once_within_the_tokens(memory, shuffle):
    epoch = epoch_of(memory.epochs(2, shuffle), memory.steps)
    assert sorted(text for batch in epoch for text in batch) == list(range(len(LENGTHS)))


def test_the_order_depends_on_the_epoch_and_starting_there_is_skipping(memory):
    two = epoch_of(memory.epochs(), 2 * memory.steps)
    assert two[memory.steps :] == epoch_of(memory.epochs(1), memory.steps) != two[: memory.steps]
    assert epoch_of(memory.epochs(), memory.steps) == epoch_of(memory.once(), memory.steps + 5)


def test_the_buckets_cover_all_lengths_and_waste_little():
    buckets = Buckets(1000, 50)
    assert buckets.lengths[-1] == 50 and buckets.lengths == sorted(set(buckets.lengths))
    assert all(size * length <= 1000 for size, length in zip(buckets.sizes, buckets.lengths, strict=True))
    with pytest.raises(InputError, match="tokens_per_batch must be at least 50"):
        Buckets(49, 50)


def test_what_does_not_fill_a_batch_waits_for_the_next_window():
    buckets = Buckets(60, 19)
    none = tf.RaggedTensor.from_row_lengths(tf.zeros([0], tf.int32), tf.zeros([0], tf.int64))
    parts = [rows(100, LENGTHS[:90]), rows(190, LENGTHS[90:]), none]

    def windows():
        for number, part in enumerate(parts):
            numbers = np.zeros([int(part.nrows()), 1], np.int32)
            yield part, numbers, np.array([0, number]), number == 2

    shapes = tf.RaggedTensorSpec([None, None], tf.int32), tf.TensorSpec([None, 1], tf.int32)
    spec = (*shapes, tf.TensorSpec([2], tf.int64), tf.TensorSpec([], tf.bool))
    batches = list(buckets.batches(tf.data.Dataset.from_generator(windows, output_signature=spec)))
    assert sorted(row[0] - 100 for ids, _ in batches for row in ids.numpy()) == list(range(len(LENGTHS)))
    assert len(batches) == buckets.steps(np.bincount(LENGTHS))
