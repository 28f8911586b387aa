"""The decoding loop: it draws from the distribution that the model states, each text from its own seed alone."""

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen import sampling
from keras_textgen.errors import InputError
from keras_textgen.text import END, PADDING, START, UNKNOWN

PROBABILITIES = np.array([0.0, 0.05, 0.3, 0.0, 0.25, 0.1, 0.3, 0.0])
ALL_WORDS = (1.0, 0, 1.0)  # temperature, top_k, top_p


def logits_of(probabilities):
    with np.errstate(divide="ignore"):
        return np.log(np.asarray(probabilities)).astype(np.float32)


def softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def uniforms(seed, *shape):
    return np.random.default_rng(seed).random(shape, np.float32)


def random_logits(rows=50, words=12):
    return np.random.default_rng(3).normal(0, 2, [rows, words]).astype(np.float32)


def test_a_draw_has_the_distribution_of_the_softmax(chi_square_p):
    num = 20_000
    drawn = sampling.draw(np.tile(logits_of(PROBABILITIES) + 5, [num, 1]), uniforms(0, num))
    counts = np.bincount(drawn, minlength=len(PROBABILITIES))
    assert chi_square_p(counts, PROBABILITIES) > 1e-3
    wrong = PROBABILITIES + np.array([0, 0.02, -0.02, 0, 0, 0, 0, 0])
    assert chi_square_p(counts, wrong) < 1e-3  # so the test can tell distributions apart


def test_a_draw_never_takes_a_word_without_probability_even_at_the_ends():
    ends = np.array([0.0, np.nextafter(np.float32(1), np.float32(0))], np.float32)
    drawn = sampling.draw(np.tile(logits_of(PROBABILITIES), [2, 1]), ends).numpy()
    assert drawn.tolist() == [1, 6]


@pytest.mark.parametrize("k", [1, 2, 5, 12, 40])
def test_top_k_keeps_the_k_likeliest(k):
    logits = random_logits()
    kept = sampling.keep_top_k(tf.constant(logits), tf.constant(k)).numpy()
    for row, result in zip(logits, kept, strict=True):
        best = set(np.argsort(row)[::-1][:k].tolist())
        assert set(np.flatnonzero(np.isfinite(result)).tolist()) == best
        np.testing.assert_array_equal(result[sorted(best)], row[sorted(best)])


def test_top_k_of_0_keeps_all():
    logits = random_logits()
    np.testing.assert_array_equal(sampling.keep_top_k(tf.constant(logits), tf.constant(0)), logits)


@pytest.mark.parametrize("p", [0.01, 0.3, 0.5, 0.9, 0.999])
def test_top_p_keeps_the_fewest_words_that_hold_p(p):
    logits = random_logits()
    kept = sampling.keep_top_p(tf.constant(logits), tf.constant(p)).numpy()
    for row, result in zip(logits, kept, strict=True):
        probabilities, nucleus, held = softmax(row.astype(np.float64)), set(), 0.0
        for word in np.argsort(row)[::-1].tolist():
            if held >= p:
                break
            nucleus.add(word)
            held += probabilities[word]
        assert set(np.flatnonzero(np.isfinite(result)).tolist()) == nucleus


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_temperature_divides_the_logits(temperature, chi_square_p):
    logits, num = np.array([1.0, 0.0, 2.0, -1.0], np.float32), 20_000
    choose = sampling.sample(temperature, 0, 1.0)
    counts = np.bincount(choose(tf.tile(logits[None], [num, 1]), uniforms(1, num)), minlength=4)
    assert chi_square_p(counts, softmax(logits / temperature)) > 1e-3


def test_a_nucleus_is_drawn_from_the_words_that_top_k_left(chi_square_p):
    logits, num = logits_of([0.4, 0.3, 0.2, 0.1]), 20_000
    choose = sampling.sample(1.0, 3, 0.7)  # of 4/9, 3/9, 2/9 the first two hold 7/9
    counts = np.bincount(choose(tf.tile(logits[None], [num, 1]), uniforms(2, num)), minlength=4)
    assert chi_square_p(counts, np.array([4, 3, 0, 0]) / 7) > 1e-3


def test_temperature_0_is_greedy():
    logits = random_logits()
    chosen = sampling.sample(0.0, 0, 1.0)(tf.constant(logits), uniforms(3, len(logits)))
    np.testing.assert_array_equal(chosen, logits.argmax(axis=1))
    np.testing.assert_array_equal(sampling.greedy(tf.constant(logits), None), logits.argmax(axis=1))


# A Markov chain over three words (4, 5, 6) and the end: rows are the word before (start, 4, 5, 6).

CHAIN = np.array(
    [
        # end, 4, 5, 6
        [0.1, 0.5, 0.2, 0.2],
        [0.3, 0.1, 0.4, 0.2],
        [0.4, 0.3, 0.2, 0.1],
        [0.2, 0.2, 0.3, 0.3],
    ]
)
LENGTH = 3


def chain_step(tokens, state):
    """Steps of the chain, which also offers padding, start and unknown, at logits far above the words'."""
    words = tf.gather(tf.constant(logits_of(CHAIN)), tf.maximum(tokens - UNKNOWN, 0))
    loud = tf.fill([tf.shape(tokens)[0], 1], 9.0)
    return tf.concat([loud, loud, words[:, :1], loud, words[:, 1:]], axis=1), state + 1


def write_chain(seeds_or_uniforms, choose):
    return sampling.decode(chain_step, tf.constant(0), choose, tf.constant(seeds_or_uniforms)).numpy()


def enumerate_chain():
    """Every sequence of the chain, padded to its length, with its probability."""
    found = {}

    def extend(written, probability):
        if len(written) == LENGTH or (written and written[-1] == END):
            found[(*written, *[PADDING] * (LENGTH - len(written)))] = probability
            return
        row = CHAIN[written[-1] - UNKNOWN if written else 0]
        for word, share in zip([END, 4, 5, 6], row, strict=True):
            extend([*written, word], probability * share)

    extend([], 1.0)
    assert sum(found.values()) == pytest.approx(1)
    return found


def test_whole_sequences_have_the_distribution_of_the_chain(chi_square_p):
    exact = enumerate_chain()
    ids = write_chain(uniforms(4, 20_000, LENGTH), sampling.sample(*ALL_WORDS))
    counts = dict.fromkeys(exact, 0)
    for row in ids.tolist():
        counts[tuple(row)] += 1  # a KeyError is a sequence that cannot be
    assert chi_square_p(list(counts.values()), list(exact.values())) > 1e-3


def test_sequences_drawn_from_row_seeds_have_that_distribution_too(chi_square_p):
    exact = enumerate_chain()
    numbers = sampling.uniform(sampling.row_seeds(11, tf.range(3000), stream=1), [LENGTH])
    counts = dict.fromkeys(exact, 0)
    for row in write_chain(numbers, sampling.sample(*ALL_WORDS)).tolist():
        counts[tuple(row)] += 1
    assert chi_square_p(list(counts.values()), list(exact.values())) > 1e-3


def test_greedy_takes_the_likeliest_word_at_every_step():
    expected, word = [], START
    while word != END and len(expected) < 9:
        word = [END, 4, 5, 6][CHAIN[max(word - UNKNOWN, 0)].argmax()]
        expected.append(word)
    assert expected == [4, 5, END]
    assert write_chain(uniforms(5, 2, 9), sampling.greedy).tolist() == [expected] * 2


def test_temperature_0_writes_what_greedy_writes():
    numbers = uniforms(6, 3, 9)
    np.testing.assert_array_equal(
        write_chain(numbers, sampling.sample(0.0, 0, 1.0)), write_chain(numbers, sampling.greedy)
    )


@pytest.mark.parametrize("rule", [(1.0, 0, 1.0), (3.0, 2, 1.0), (1.0, 0, 0.5), (0.0, 0, 1.0)])
def test_padding_start_and_unknown_are_never_written(rule):
    ids = write_chain(uniforms(7, 300, 8), sampling.sample(*rule))
    for row in ids:
        ends = np.flatnonzero(row == END)
        words = row[: ends[0]] if len(ends) else row
        assert (words > UNKNOWN).all()
        if len(ends):
            assert not row[ends[0] + 1 :].any()


def test_writing_stops_when_every_row_has_ended():
    numbers = np.zeros([4, 50], np.float32)  # the lowest number draws the end
    assert write_chain(numbers, sampling.sample(*ALL_WORDS)).tolist() == [[END]] * 4


def test_writing_is_cut_at_the_number_of_positions():
    numbers = np.full([2, 5], 0.999, np.float32)  # the highest draws the last word, again and again
    assert write_chain(numbers, sampling.sample(*ALL_WORDS)).tolist() == [[6] * 5] * 2


def test_no_rows_are_no_ids():
    assert write_chain(np.zeros([0, 5], np.float32), sampling.greedy).shape[0] == 0


def test_the_state_goes_from_step_to_step():
    seen = []

    def step(tokens, state):
        seen.append(int(state))
        return chain_step(tokens, state)

    sampling.decode(step, tf.constant(0), sampling.sample(*ALL_WORDS), tf.fill([1, 4], 0.999))
    assert seen == [0, 1, 2, 3]


# Seeds


@pytest.mark.parametrize("draw", [sampling.uniform, sampling.normal])
def test_a_row_depends_on_its_own_seed_alone(draw):
    few = draw(sampling.row_seeds(9, tf.range(3)), [5]).numpy()
    many = draw(sampling.row_seeds(9, tf.range(7)), [5]).numpy()
    np.testing.assert_array_equal(few, many[:3])
    alone = draw(sampling.row_seeds(9, tf.constant([6])), [5]).numpy()
    np.testing.assert_array_equal(alone[0], many[6])
    assert len(np.unique(many)) == many.size


def test_rows_seeds_and_streams_are_different_and_uncorrelated():
    columns = [
        sampling.normal(sampling.row_seeds(seed, tf.range(1000), stream=stream), []).numpy()
        for seed in (0, 1)
        for stream in range(4)
    ]
    correlations = np.corrcoef(columns)[np.triu_indices(8, 1)]
    assert np.abs(correlations).max() < 4 / np.sqrt(1000)
    assert len(np.unique(columns)) > 0.999 * np.size(columns)  # float32 has a few chance collisions


def test_rows_and_streams_share_no_seed():
    seeds = [tuple(row) for stream in range(4) for row in sampling.row_seeds(5, tf.range(50), stream).numpy().tolist()]
    assert len(set(seeds)) == 200


def test_numbers_have_their_distributions():
    seeds = sampling.row_seeds(2, tf.range(1500))
    even, bell = np.sort(sampling.uniform(seeds, []).numpy()), sampling.normal(seeds, [2]).numpy().ravel()
    assert even.min() >= 0 and even.max() < 1
    # Kolmogorov-Smirnov: 1.95 / sqrt(n) is exceeded once in a thousand.
    assert np.abs(even - np.arange(1500) / 1500).max() < 1.95 / np.sqrt(1500)
    cumulative = 0.5 * (1 + tf.math.erf(np.sort(bell) / np.sqrt(2)).numpy())
    assert np.abs(cumulative - np.arange(3000) / 3000).max() < 1.95 / np.sqrt(3000)


def test_a_text_has_the_same_seed_however_it_is_padded():
    ids = tf.constant([[5, 6, 2, 0], [7, 2, 0, 0]])
    np.testing.assert_array_equal(sampling.text_seeds(3, ids), sampling.text_seeds(3, tf.pad(ids, [[0, 0], [0, 9]])))


def test_different_texts_and_seeds_have_different_seeds():
    words = range(4, 14)
    ids = tf.constant([[a, b, c, 2] for a in words for b in words for c in words])
    seeds = [tuple(row) for seed in (0, 1) for row in sampling.text_seeds(seed, ids).numpy().tolist()]
    assert len(set(seeds)) == 2000


def test_new_seeds_differ():
    assert len({sampling.new_seed() for _ in range(20)}) > 1


def test_an_unknown_strategy_gets_a_suggestion():
    assert sampling.check_strategy("greedy") == "greedy"
    with pytest.raises(InputError, match="did you mean 'greedy'"):
        sampling.check_strategy("gready")
