"""Rollouts of every beginning of a text: complete, in their place, and from the distribution that the policy states."""

import collections
import math

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen import sampling
from keras_textgen.chunking import by_chunks
from keras_textgen.sampling import monte_carlo
from keras_textgen.text import END, PADDING, START, UNKNOWN

LENGTH = 4
# Each follows a chain of its own, so that a stranger's continuation has another distribution.
TEXTS = [(4, 5, 6, 4), (5, END), (END,), (6, 6, 5, END), (4, 4, 6, 6), (5, 6, END)]
IDS = np.array([[*text, *[PADDING] * (LENGTH - len(text))] for text in TEXTS], np.int32)
KINDS = len(TEXTS)
OPEN = [
    (number, place)
    for number, text in enumerate(TEXTS)
    for place in range(LENGTH - 1)
    if place < len(text) and text[place] != END
]
BARRED = (PADDING, START, UNKNOWN)


@pytest.fixture(scope="module")
def chain(chain_of):
    return chain_of(5, LENGTH, kinds=KINDS)


def roll(chain, num, seed=(3, 8), barred=BARRED, ids=IDS, kinds=range(KINDS)):
    """The rollouts of the texts by the chain, as arrays."""
    found = sampling.rollouts(
        chain.step, chain.start(list(kinds)), tf.constant(ids), num, tf.constant(seed), sampling.barring(barred, 7)
    )
    return sampling.Rollouts(*(tensor.numpy() for tensor in found))


@pytest.fixture(scope="module")
def many(chain):
    return roll(chain, 3000)


def stripped(row):
    """The tokens of a row, behind whose end there must be nothing but padding."""
    row = row.tolist()
    text = row[: row.index(END) + 1] if END in row else row
    assert not any(row[len(text) :]) and PADDING not in text
    return tuple(text)


def law(chain, kind, past, barred=BARRED):
    """The distribution of the token behind a past, `[7]`."""
    weights = np.exp(chain.logits(past, kind) - chain.logits(past, kind).max())
    weights[list(barred)] = 0
    return weights / weights.sum()


def endings(chain, kind, beginning, barred=BARRED, length=LENGTH):
    """The probability of every text that a beginning can become."""
    if END in beginning or len(beginning) == length:
        return {beginning: 1.0}
    found = {}
    for token, share in enumerate(law(chain, kind, beginning, barred)):
        if share:
            texts = endings(chain, kind, (*beginning, token), barred, length)
            found.update({text: share * probability for text, probability in texts.items()})
    return found


def of_beginning(found, number, place):
    return (found.texts == number) & (found.places == place)


def worth(ids):
    """Some number for each text of a batch of ids, another for any other text."""
    return np.sin(np.asarray(ids) @ np.array([1.0, 2.3, 5.1, 11.7])) + np.asarray(ids)[:, -1] / 3


# What there is


def test_there_are_as_many_rollouts_of_every_open_place_but_the_last_as_are_asked_for(chain):
    for num in (1, 3):
        found = roll(chain, num)
        counts = collections.Counter(zip(found.texts.tolist(), found.places.tolist(), strict=True))
        assert counts == {beginning: num for beginning in OPEN}


def test_texts_that_have_all_ended_have_no_rollouts(chain):
    found = roll(chain, 4, ids=np.array([[END, 0], [END, 0]], np.int32), kinds=[0, 1])
    assert [len(part) for part in found] == [0, 0, 0] and found.ids.shape == (0, 2)


def test_every_rollout_begins_as_its_text_and_ends_properly(many):
    assert many.ids.shape == (len(OPEN) * 3000, LENGTH)
    for row, number, place in zip(many.ids, many.texts, many.places, strict=True):
        assert row[: place + 1].tolist() == IDS[number, : place + 1].tolist()
        stripped(row)
    assert {END in row for row in many.ids.tolist()} == {True, False}


def test_rollouts_have_the_distribution_of_what_follows_their_beginning(chain, many, chi_square_p):
    for number, place in OPEN:
        counts = collections.Counter(map(stripped, many.ids[of_beginning(many, number, place)]))
        for kind in (number, (number + 1) % KINDS):  # the second as a check that the test tells two chains apart
            exact = endings(chain, kind, TEXTS[number][: place + 1])
            assert set(counts) <= set(exact) and sum(exact.values()) == pytest.approx(1)
            often = [text for text, share in exact.items() if share * 3000 > 6]
            shares, found = [exact[text] for text in often], [counts[text] for text in often]
            if (1 - sum(shares)) * 3000 > 6:
                shares, found = [*shares, 1 - sum(shares)], [*found, 3000 - sum(found)]
            p = chi_square_p(found, np.array(shares) / sum(shares))
            assert p > 1e-3 if kind == number else p < 1e-6, (number, place, kind)


def test_rollouts_of_a_beginning_are_independent_of_each_other_and_of_the_next_beginning(many):
    """Whether the last token is the word 5, beside the next rollout and beside those of the place before."""
    draws = [(many.ids[of_beginning(many, number, 1)][:, 3] == 5).astype(float) for number in (0, 4)]
    draws += [(many.ids[of_beginning(many, number, 2)][:, 3] == 5).astype(float) for number in (0, 4)]
    pairs = [(one[:-1], one[1:]) for one in draws] + [
        (one, other) for index, one in enumerate(draws) for other in draws[:index]
    ]
    for one, other in pairs:  # a correlation of independent draws has a standard error of 1 / sqrt(n)
        assert abs(np.corrcoef(one, other)[0, 1]) < 4 / math.sqrt(len(one))


def test_a_seed_gives_the_same_rollouts_again_and_another_one_others(chain):
    first, again, other = (roll(chain, 20, seed) for seed in ((1, 2), (1, 2), (2, 2)))
    np.testing.assert_array_equal(first.ids, again.ids)
    assert (first.ids != other.ids).any()


def test_barred_tokens_are_never_drawn(chain):
    found = roll(chain, 200, barred=(*BARRED, 5))
    drawn = [row[place + 1 :] for row, place in zip(found.ids, found.places, strict=True)]
    assert set(np.concatenate(drawn).tolist()) == {PADDING, END, 4, 6}
    for row in found.ids:
        stripped(row)
    without_end = roll(chain, 200, barred=(*BARRED, END))
    assert set(np.unique(without_end.ids[:, -1]).tolist()) == {4, 5, 6}
    unbarred = roll(chain, 20, barred=())
    assert {START, UNKNOWN} <= set(unbarred.ids.ravel().tolist())  # the chain offers them loudly


@pytest.mark.parametrize("size", [1, 7, 40])
def test_chunks_of_any_size_take_the_same_steps(chain, monkeypatch, size):
    expected = roll(chain, 5)
    steps = []
    monkeypatch.setattr(monte_carlo, "ROWS_AT_ONCE", size)
    step = lambda tokens, state: steps.append(len(tokens)) or chain.step(tokens, state)  # noqa: E731
    found = sampling.rollouts(
        step, chain.start(list(range(KINDS))), IDS, 5, tf.constant([3, 8]), sampling.barring(BARRED, 7)
    )
    assert max(steps) == size and len(steps) > LENGTH
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_graph_for_any_number_and_length_of_texts_gives_the_same(chain):
    barred = sampling.barring(BARRED, 7)

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32)])
    def graph(ids, kinds):
        state = (kinds, tf.zeros_like(kinds), tf.constant(0))
        return sampling.rollouts(chain.step, state, ids, 3, tf.constant([3, 8]), barred)

    for texts, length in ((KINDS, LENGTH), (2, 3)):
        ids, kinds = IDS[:texts, :length], list(range(texts))
        expected = roll(chain, 3, ids=ids, kinds=kinds)
        for one, other in zip(graph(ids, kinds), expected, strict=True):
            np.testing.assert_array_equal(one, other)


# What they are worth


def test_the_mean_over_rollouts_is_the_expected_worth_of_the_finished_text(chain, many):
    values = tf.constant(worth(many.ids), tf.float32)
    means = sampling.Rollouts(*map(tf.constant, many)).mean(values, KINDS).numpy()
    assert means.shape == (KINDS, LENGTH)
    for number, place in OPEN:
        exact = endings(chain, number, TEXTS[number][: place + 1])
        values = worth([[*text, *[PADDING] * (LENGTH - len(text))] for text in exact])
        shares = np.array(list(exact.values()))
        mean = shares @ values
        error = math.sqrt(shares @ (values - mean) ** 2 / 3000)
        assert error > 0.005  # the worth is no constant
        assert abs(means[number, place] - mean) < 4.5 * error, (number, place)
    assert {tuple(place) for place in np.argwhere(means).tolist()} <= set(OPEN)


@pytest.mark.parametrize("num", [1, 2, 5])
def test_every_value_goes_to_its_own_text_and_place(chain, num):
    found = roll(chain, num)
    planted = 100.0 * (found.texts + 1) + found.places  # what it must be, and for no other word
    noise = np.random.default_rng(1).normal(size=len(planted))
    means = sampling.Rollouts(*map(tf.constant, found)).mean(tf.constant(planted + noise, tf.float32), KINDS).numpy()
    for number in range(KINDS):
        for place in range(LENGTH):
            expected = 0.0
            if (number, place) in OPEN:
                expected = 100.0 * (number + 1) + place + noise[of_beginning(found, number, place)].mean()
            assert means[number, place] == pytest.approx(expected, rel=1e-6), (number, place)


def test_a_worth_of_the_first_word_comes_back_at_every_place_of_its_text(chain):
    """By the finished texts alone: the first word and the kind of a text tell whose it is."""
    ids = np.array([[4, 5, 6, 4], [5, 5, 5, 5], [6, 4, 4, 5]], np.int32)
    found = roll(chain, 7, ids=ids, kinds=[0, 1, 2])
    values = tf.constant(found.ids[:, 0], tf.float32)
    means = sampling.Rollouts(*map(tf.constant, found)).mean(values, 3).numpy()
    np.testing.assert_allclose(means, [[4, 4, 4, 0], [5, 5, 5, 0], [6, 6, 6, 0]], rtol=1e-6)


# Chunks


@pytest.mark.parametrize("rows", [0, 1, 9, 10])
@pytest.mark.parametrize("size", [1, 3, 5, 9, 10, 64])
def test_chunks_are_joined_to_what_all_rows_give(rows, size):
    draw = np.random.default_rng(rows)
    numbers, pairs = draw.normal(size=[rows]).astype(np.float32), draw.integers(0, 9, [rows, 2])
    seen = []

    def function(first, nest):
        seen.append(len(first))
        return {"sum": first[:, None] + tf.cast(nest["pairs"], tf.float32), "rest": (nest["none"], nest["scalar"] + 1)}

    nest = {"pairs": tf.constant(pairs), "none": tf.zeros([rows, 0]), "scalar": tf.constant(5)}
    found = by_chunks(function, size, tf.constant(numbers), nest)
    np.testing.assert_array_equal(found["sum"], numbers[:, None] + pairs.astype(np.float32))
    assert found["rest"][0].shape == (rows, 0) and int(found["rest"][1]) == 6
    whole, left = divmod(rows, size)
    assert seen == ([size] * whole + [left] * (left > 0) or [0])


def test_chunks_in_a_graph_are_those_outside():
    @tf.function(input_signature=[tf.TensorSpec([None, 3]), tf.TensorSpec([None], tf.int32), tf.TensorSpec([])])
    def graph(table, numbers, scale):
        return by_chunks(lambda *rows: (rows[0] * rows[2], rows[1] + 1, rows[2]), 4, table, numbers, scale)

    for rows in (0, 1, 4, 7, 8):
        table = np.random.default_rng(rows).normal(size=[rows, 3]).astype(np.float32)
        scaled, numbers, scale = graph(table, np.arange(rows, dtype=np.int32), 2.0)
        np.testing.assert_array_equal(scaled, 2 * table)
        np.testing.assert_array_equal(numbers, np.arange(rows) + 1)
        assert float(scale) == 2


def test_of_scalars_the_last_chunk_counts():
    found, total = by_chunks(lambda rows: (rows, tf.reduce_sum(rows)), 4, tf.range(10))
    assert found.numpy().tolist() == list(range(10)) and int(total) == 8 + 9


def test_a_step_by_chunks_advances_a_counter_once(chain):
    tokens, state = tf.fill([KINDS], START), chain.start(list(range(KINDS)))
    _, (kinds, _, steps) = by_chunks(chain.step, 2, tokens, state)
    assert kinds.numpy().tolist() == list(range(KINDS)) and int(steps) == 1


def test_barring_adds_to_the_barred_tokens_alone():
    np.testing.assert_array_equal(sampling.barring([0, 3], 5), [-np.inf, 0, 0, -np.inf, 0])
    np.testing.assert_array_equal(sampling.barring([], 2), [0, 0])
    assert sampling.barring([1], 2, lowest=-7).tolist() == [0, -7]
