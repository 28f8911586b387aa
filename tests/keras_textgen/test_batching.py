"""Batches: every text once an epoch, in an order that depends on seed and epoch alone."""

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen import batching
from keras_textgen.batching import number_of_batches, ordered_batches, shuffled_batches

NUMBERS = np.arange(53, dtype=np.int32)[
    :, None
]  # in the place of the attributes, to see that they stay with their text


@pytest.fixture(scope="module")
def ids():
    """53 texts of 1 to 9 tokens; the first token of each is its number from 100 on."""
    lengths = np.random.default_rng(0).integers(1, 10, 53)
    return tf.ragged.constant([[100 + index] + [7] * (length - 1) for index, length in enumerate(lengths)], tf.int32)


def epochs_of(dataset, num, batches):
    """The numbers of the texts, a list of batches an epoch."""
    taken = iter(dataset)

    def texts():
        batch, numbers = next(taken)
        found = (batch.numpy()[:, 0] - 100).tolist()
        assert numbers.numpy()[:, 0].tolist() == found
        return found

    return [[texts() for _ in range(batches)] for _ in range(num)]


def flat(epoch):
    return [text for batch in epoch for text in batch]


@pytest.mark.parametrize("num, size, expected", [(53, 8, 7), (56, 8, 7), (57, 8, 8), (1, 8, 1), (8, 8, 1), (5, 1, 5)])
def test_the_last_batch_may_be_smaller(num, size, expected):
    assert number_of_batches(num, size) == expected


@pytest.mark.parametrize("size", [1, 8, 53, 100])
def test_every_epoch_has_every_text_once(ids, size):
    batches = number_of_batches(53, size)
    for epoch in epochs_of(shuffled_batches(ids, NUMBERS, size, seed=3), 3, batches):
        assert sorted(flat(epoch)) == list(range(53))
        assert sorted(map(len, epoch)) == sorted(len(range(53)[first : first + size]) for first in range(0, 53, size))


def test_windows_lose_no_text(ids, monkeypatch):
    monkeypatch.setattr(batching, "WINDOW", 2)
    for epoch in epochs_of(shuffled_batches(ids, NUMBERS, 4, seed=3), 2, 14):
        assert sorted(flat(epoch)) == list(range(53))


def test_the_order_is_the_same_for_the_same_seed_and_differs_between_epochs_and_seeds(ids):
    one, again, other = (epochs_of(shuffled_batches(ids, NUMBERS, 8, seed=seed), 4, 7) for seed in (3, 3, 4))
    assert one == again
    assert len({tuple(map(tuple, epoch)) for epoch in [*one, *other]}) == 8


def test_starting_at_an_epoch_is_skipping_those_before(ids):
    assert (
        epochs_of(shuffled_batches(ids, NUMBERS, 8, 3, first_epoch=3), 2, 7)
        == epochs_of(shuffled_batches(ids, NUMBERS, 8, 3), 5, 7)[3:]
    )


def test_different_texts_share_a_batch_in_different_epochs(ids):
    first, second = epochs_of(shuffled_batches(ids, NUMBERS, 8, seed=3), 2, 7)
    assert {frozenset(batch) for batch in first} != {frozenset(batch) for batch in second}


def test_short_texts_do_not_always_come_first(ids):
    lengths = ids.row_lengths().numpy()
    means = [
        [lengths[batch].mean() for batch in epoch] for epoch in epochs_of(shuffled_batches(ids, NUMBERS, 8, 3), 6, 7)
    ]
    assert not all(epoch == sorted(epoch) for epoch in means)


def test_a_batch_holds_texts_of_similar_length(ids):
    lengths = ids.row_lengths().numpy()
    (epoch,) = epochs_of(shuffled_batches(ids, NUMBERS, 8, seed=3), 1, 7)
    spread = np.mean([np.ptp(lengths[batch]) for batch in epoch])
    assert spread <= 2  # nine lengths in seven batches; a plain shuffle spreads over 6 and more


def test_ordered_batches_are_every_text_once_shortest_first(ids):
    batches = [batch.numpy() for batch, _ in ordered_batches(ids, NUMBERS, 8)]
    assert len(batches) == 7
    texts = [batch[row, : np.count_nonzero(batch[row])].tolist() for batch in batches for row in range(len(batch))]
    assert texts == sorted(ids.to_list(), key=len)


@pytest.mark.parametrize(
    "make", [lambda ids: ordered_batches(ids, NUMBERS, 8), lambda ids: shuffled_batches(ids, NUMBERS, 8, 0).take(7)]
)
def test_a_batch_is_padded_to_its_longest_text_and_no_further(ids, make):
    texts = ids.to_list()
    for batch, _ in make(ids):
        assert batch.dtype == tf.int32
        assert batch.shape[1] == np.count_nonzero(batch, axis=1).max()
        for row in batch.numpy():
            assert row[: np.count_nonzero(row)].tolist() == texts[row[0] - 100]


@pytest.mark.parametrize(
    "make", [lambda ids: ordered_batches(ids, NUMBERS, 8), lambda ids: shuffled_batches(ids, NUMBERS, 8, 0)]
)
def test_the_autotuner_is_off(ids, make):
    assert make(ids).options().autotune.enabled is False
