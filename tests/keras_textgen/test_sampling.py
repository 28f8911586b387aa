"""Writing token by token: from the distribution that the model and the options state, each text from its own seed
alone."""

import math

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen import sampling
from keras_textgen.errors import InputError
from keras_textgen.models.writing import pieces
from keras_textgen.text import END, PADDING, START, UNKNOWN

PROBABILITIES = np.array([0.0, 0.05, 0.3, 0.0, 0.25, 0.1, 0.3, 0.0])


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


def kept_words(logits):
    return [set(np.flatnonzero(np.isfinite(row)).tolist()) for row in np.asarray(logits)]


# The draw


def large_vocabulary():
    """Probabilities of 700 words, six blocks of 128: the first and third block have none, nor has every other word."""
    weights = np.random.default_rng(8).random(700) + 0.2
    weights[:128] = weights[256:384] = weights[1::2] = weights[690:] = 0
    return weights / weights.sum()


@pytest.mark.parametrize("probabilities", [PROBABILITIES, large_vocabulary()], ids=["one block", "six blocks"])
def test_a_draw_has_the_distribution_of_the_softmax(chi_square_p, probabilities):
    num, logits = 20_000, np.broadcast_to(logits_of(probabilities) + 5, [1000, len(probabilities)])
    numbers = uniforms(0, num // 1000, 1000)
    counts = sum(np.bincount(sampling.draw(logits, row), minlength=len(probabilities)) for row in numbers)
    assert counts.sum() == num and chi_square_p(counts, probabilities) > 1e-3
    first, second = np.flatnonzero(probabilities)[:2]
    wrong = probabilities.copy()
    wrong[[first, second]] += np.array([1, -1]) * 0.4 * min(probabilities[first], probabilities[second])
    wrong = np.where(wrong > 0, np.where(np.arange(len(wrong)) % 4 == 2, 1.2, 1.0) * wrong, 0)
    assert chi_square_p(counts, wrong / wrong.sum()) < 1e-3  # so the test can tell distributions apart


@pytest.mark.parametrize("size", [5, 127, 128, 129, 700])
def test_a_draw_inverts_the_distribution_function(size):
    rows = 400
    logits = np.random.default_rng(size).normal(0, 2, [rows, size]).astype(np.float32)
    logits[:, ::3] = -np.inf
    numbers = uniforms(1, rows)
    drawn = sampling.draw(logits, numbers).numpy()
    ends = np.cumsum(softmax(logits.astype(np.float64)), axis=1)
    begins = np.pad(ends, [[0, 0], [1, 0]])[:, :-1]
    row, tie = np.arange(rows), 1e-5  # where a word begins and ends is a matter of rounding
    assert (begins[row, drawn] - tie <= numbers).all() and (numbers <= ends[row, drawn] + tie).all()
    assert np.isfinite(logits[row, drawn]).all()
    plain = (ends <= numbers[:, None]).sum(axis=1)
    assert (drawn == plain).mean() > 0.99


@pytest.mark.parametrize(
    "probabilities, ends", [(PROBABILITIES, [1, 6]), (large_vocabulary(), [128, 688])], ids=["one block", "six blocks"]
)
def test_the_ends_of_the_range_draw_the_first_and_the_last_word_that_has_a_probability(probabilities, ends):
    numbers = np.array([0.0, np.nextafter(np.float32(1), np.float32(0))], np.float32)
    assert sampling.draw(np.tile(logits_of(probabilities), [2, 1]), numbers).numpy().tolist() == ends


def test_a_draw_never_takes_a_word_without_probability_where_blocks_meet():
    weights = np.random.default_rng(0).random([20, 8, 128]).astype(np.float32)
    weights[:, :, :100] = 0
    meetings = weights.sum(axis=2).cumsum(axis=1)
    meetings = (meetings / meetings[:, -1:])[:, :-1].ravel()
    logits = np.repeat(logits_of(weights.reshape(20, -1)), 7, axis=0)
    for ulps in range(-3, 4):  # as near to them as numbers are to each other
        numbers = (meetings.view(np.int32) + ulps).view(np.float32)
        drawn = sampling.draw(logits, numbers).numpy()
        assert np.isfinite(logits[np.arange(len(drawn)), drawn]).all()


def test_no_rows_draw_nothing():
    assert sampling.draw(tf.zeros([0, 300]), tf.zeros([0])).shape == (0,)


# Rules


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


def fewest(order, probabilities, p):
    """The first words of an order that hold `p` of the probability."""
    kept, held = [], 0.0
    for word in order:
        if held >= p:
            break
        kept.append(word)
        held += probabilities[word]
    return kept


def by_typicality(probabilities):
    """The words that have a probability, those first whose information is nearest to the entropy."""
    words = [word for word, probability in enumerate(probabilities) if probability > 0]
    entropy = sum(-probabilities[word] * math.log(probabilities[word]) for word in words)
    return sorted(words, key=lambda word: abs(-math.log(probabilities[word]) - entropy))


@pytest.mark.parametrize("p", [0.01, 0.3, 0.5, 0.9, 0.999])
def test_top_p_keeps_the_fewest_words_that_hold_p(p):
    logits = random_logits()
    expected = [set(fewest(np.argsort(row)[::-1].tolist(), row, p)) for row in softmax(logits.astype(np.float64))]
    assert kept_words(sampling.keep_top_p(tf.constant(logits), tf.constant(p))) == expected


@pytest.mark.parametrize("p", [0.01, 0.3, 0.5, 0.9, 0.999])
def test_the_typical_set_holds_p_in_the_fewest_words_nearest_to_the_entropy(p):
    logits = random_logits()
    logits[::2, :4] = -np.inf
    found = sampling.keep_typical(tf.constant(logits), tf.constant(p)).numpy()
    expected = [set(fewest(by_typicality(row), row, p)) for row in softmax(logits.astype(np.float64))]
    assert kept_words(found) == expected
    np.testing.assert_array_equal(found[np.isfinite(found)], logits[np.isfinite(found)])


def test_words_that_are_as_typical_as_the_last_stay():
    logits = tf.constant(logits_of([[0.25, 0.0, 0.25, 0.25, 0.25], [0.4, 0.05, 0.3, 0.2, 0.05]]))
    assert kept_words(sampling.keep_typical(logits, tf.constant(0.25))) == [{0, 2, 3, 4}, {2}]  # not the likeliest
    assert kept_words(sampling.keep_typical(logits, tf.constant(0.97)))[1] == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_temperature_divides_the_logits(temperature, chi_square_p):
    logits, num = np.array([1.0, 0.0, 2.0, -1.0], np.float32), 20_000
    choose = sampling.rule(temperature)
    counts = np.bincount(choose(tf.tile(logits[None], [num, 1]), uniforms(1, num)), minlength=4)
    assert chi_square_p(counts, softmax(logits / temperature)) > 1e-3


def test_a_nucleus_is_drawn_from_the_words_that_top_k_left(chi_square_p):
    logits, num = logits_of([0.4, 0.3, 0.2, 0.1]), 20_000
    choose = sampling.rule(1.0, 3, 0.7)  # of 4/9, 3/9, 2/9 the first two hold 7/9
    counts = np.bincount(choose(tf.tile(logits[None], [num, 1]), uniforms(2, num)), minlength=4)
    assert chi_square_p(counts, np.array([4, 3, 0, 0]) / 7) > 1e-3


def test_temperature_0_is_greedy_whatever_else_is_asked():
    logits = random_logits()
    for others in ((), (5, 0.5, 0.5)):
        chosen = sampling.rule(0.0, *others)(tf.constant(logits), uniforms(3, len(logits)))
        np.testing.assert_array_equal(chosen, logits.argmax(axis=1))
    np.testing.assert_array_equal(sampling.greedy(tf.constant(logits), None), logits.argmax(axis=1))


# Whole texts. The brute force knows every text of a chain of three words, and the probability of its next token.

LENGTH = 3
ALL_WORDS = sampling.rule()


def next_token(logits, past, longest_prompt=(), *, temperature=1.0, top_k=0, top_p=1.0, typical_p=1.0,
               repetition_penalty=1.0, shortest=1, banned=()):  # fmt: skip
    """The distribution of the token behind a past, `[7]`."""
    if len(past) < len(longest_prompt):
        return np.eye(7)[longest_prompt[len(past)]]
    logits = np.array(logits)
    for word in set(past):
        logits[word] = logits[word] / repetition_penalty if logits[word] > 0 else logits[word] * repetition_penalty
    logits[[PADDING, START, UNKNOWN, *banned]] = -np.inf
    if len(past) + 1 < shortest:
        logits[END] = -np.inf
    probabilities = softmax(logits / temperature)
    ranked = np.argsort(-probabilities).tolist()
    kept = np.isin(np.arange(7), ranked[: top_k or None])
    probabilities = np.where(kept, probabilities, 0) / probabilities[kept].sum()
    kept = np.isin(np.arange(7), fewest(ranked, probabilities, top_p))
    probabilities = np.where(kept, probabilities, 0) / probabilities[kept].sum()
    kept = np.isin(np.arange(7), fewest(by_typicality(probabilities), probabilities, typical_p))
    return np.where(kept, probabilities, 0) / probabilities[kept].sum()


def probabilities_of_texts(chain, kind=0, longest=LENGTH, prompt=(), **options):
    """Every text with its probability."""
    found = {}
    for text in chain.texts(longest):
        pasts = [text[:place] for place in range(len(text))]
        laws = [next_token(chain.logits(past, kind), past, prompt, **options) for past in pasts]
        found[text] = math.prod(law[token] for law, token in zip(laws, text, strict=True))
    assert sum(found.values()) == pytest.approx(1)
    return found


def write(chain, kinds, numbers, choose=ALL_WORDS, longest=LENGTH, **limits):
    """Ids of texts of those kinds, each by its row of uniform numbers."""
    limits = sampling.Limits.of(len(kinds), longest, **limits)
    strategy = sampling.TokenByToken(choose, limits, None if numbers is None else tf.constant(numbers))
    return sampling.decode(chain.step, chain.start(kinds), strategy).numpy()


def stripped(row):
    """The tokens of a row, behind whose end there must be nothing but padding."""
    row = row.tolist()
    text = row[: row.index(END) + 1] if END in row else row
    assert not any(row[len(text) :])
    return tuple(text)


def assert_written(ids, exact, chi_square_p):
    """That rows of ids are draws from an exact distribution over texts; those too rare for the test count as one."""
    groups = {text: text if probability * len(ids) > 6 else "rare" for text, probability in exact.items()}
    counts, probabilities = ({group: 0 for group in groups.values()} for _ in range(2))
    for text, probability in exact.items():
        probabilities[groups[text]] += probability
    for row in ids:
        text = stripped(row)
        assert exact[text] > 0  # a KeyError is a text that cannot be, too
        counts[groups[text]] += 1
    if 0 < probabilities.get("rare", 0) * len(ids) <= 6:
        del counts["rare"], probabilities["rare"]
    probabilities = np.array(list(probabilities.values()))
    assert np.count_nonzero(probabilities) > 1
    assert chi_square_p(list(counts.values()), probabilities / probabilities.sum()) > 1e-3


RULES = [
    {},
    {"temperature": 0.6},
    {"temperature": 1.8},
    {"top_k": 2},
    {"top_p": 0.7},
    {"typical_p": 0.6},
    {"temperature": 1.5, "top_k": 3, "top_p": 0.9, "typical_p": 0.7},
]
LIMITS = [
    {"repetition_penalty": 2.5},
    {"shortest": 3},
    {"banned": (5,)},
    {"shortest": 2, "banned": (4, 6), "repetition_penalty": 3.0},
]


@pytest.mark.parametrize("options", RULES, ids=str)
def test_texts_have_the_distribution_that_the_rule_makes_of_the_chain(chain_of, chi_square_p, options):
    chain, num = chain_of(1, LENGTH), 20_000
    ids = write(chain, [0] * num, uniforms(20, num, LENGTH), sampling.rule(**options))
    assert_written(ids, probabilities_of_texts(chain, **options), chi_square_p)


@pytest.mark.parametrize("limits", LIMITS, ids=str)
def test_texts_have_the_distribution_that_the_limits_leave_of_the_chain(chain_of, chi_square_p, limits):
    chain, num = chain_of(1, LENGTH), 20_000
    exact = probabilities_of_texts(chain, **limits)
    assert_written(write(chain, [0] * num, uniforms(5, num, LENGTH), **limits), exact, chi_square_p)
    without = probabilities_of_texts(chain)
    assert sum(abs(without[text] - exact[text]) for text in exact) > 0.05  # so that they limit something


def test_texts_drawn_from_row_seeds_have_the_distribution_of_the_chain(chain_of, chi_square_p):
    chain, longest = chain_of(1, LENGTH), 2
    numbers = sampling.uniform(sampling.row_seeds(11, tf.range(3000), stream=1), [longest])
    ids = write(chain, [0] * 3000, numbers, longest=longest)
    assert_written(ids, probabilities_of_texts(chain, longest=longest), chi_square_p)


PROMPTS = [(), (6,), (5, 4), (4, 4, 6)]


@pytest.mark.parametrize("limits", [{}, {"repetition_penalty": 2.0, "shortest": 3, "banned": (6,)}], ids=str)
def test_behind_a_prompt_a_text_goes_on_as_the_chain_does(chain_of, chi_square_p, limits):
    """The prompts are of different lengths, beside each other in a batch, each before a chain of its own. What is
    banned may stand in a prompt."""
    chain, each, longest = chain_of(2, 4, kinds=4), 5000, 4
    padded = np.array([[*prompt, *[PADDING] * (5 - len(prompt))] for prompt in PROMPTS * each], np.int32)
    numbers = uniforms(6, 4 * each, longest)
    ids = write(chain, list(range(4)) * each, numbers, longest=longest, prompts=padded, **limits)
    for kind, prompt in enumerate(PROMPTS):
        exact = probabilities_of_texts(chain, kind, longest, prompt, **limits)
        assert_written(ids[kind::4], exact, chi_square_p)


def test_a_prompt_that_is_too_long_is_cut(chain_of):
    prompts = np.array([[4, 5, 6, 6, 5], [4, 0, 0, 0, 0]], np.int32)
    ids = write(chain_of(1, 3), [0, 0], uniforms(0, 2, 3), longest=3, prompts=prompts)
    assert ids[0].tolist() == [4, 5, 6] and ids[1, 0] == 4


def test_greedy_takes_the_likeliest_word_at_every_step(chain_of):
    chain, kinds = chain_of(3, 5, kinds=20), list(range(20))
    expected = []
    for kind in kinds:
        text = ()
        while END not in text and len(text) < 5:
            text += (int(np.argmax(next_token(chain.logits(text, kind), text))),)
        expected.append(text)
    assert len(set(map(len, expected))) > 2
    assert list(map(stripped, write(chain, kinds, None, sampling.greedy, longest=5))) == expected
    ids = write(chain, kinds, uniforms(6, 20, 5), sampling.rule(0.0, 2, 0.5), longest=5)
    assert list(map(stripped, ids)) == expected


@pytest.mark.parametrize("rule", [(1.0, 0, 1.0), (3.0, 2, 1.0), (1.0, 0, 0.5), (1.0, 0, 1.0, 0.4), (0.0, 0, 1.0)])
def test_padding_start_and_unknown_are_never_written(chain_of, rule):
    chain = chain_of(7, 6)  # it offers them at the highest logits
    for row in write(chain, [0] * 300, uniforms(7, 300, 6), sampling.rule(*rule), longest=6):
        assert all(token in (END, 4, 5, 6) for token in stripped(row))


def test_writing_stops_when_every_text_has_ended(chain_of):
    chain = chain_of(0, 3)
    chain.table[:, :, END] = 50.0
    calls = []

    def step(tokens, state):
        calls.append(len(tokens))
        return chain.step(tokens, state)

    strategy = sampling.TokenByToken(ALL_WORDS, sampling.Limits.of(4, 50, shortest=2), tf.fill([4, 50], 0.5))
    ids = sampling.decode(step, chain.start([0] * 4), strategy).numpy()
    assert ids.shape == (4, 2) and (ids[:, 1] == END).all() and calls == [4, 4]


def test_writing_is_cut_at_the_longest_length(chain_of):
    ids = write(chain_of(1, 5), [0, 0], np.full([2, 5], 0.999999, np.float32), longest=5)
    assert ids.tolist() == [[6] * 5] * 2  # the highest number draws the last word, again and again


def test_no_rows_are_no_ids(chain_of):
    assert write(chain_of(1, 5), [], np.zeros([0, 5], np.float32), longest=5).shape[0] == 0


def test_dropping_the_rows_that_have_ended_changes_no_text(chain_of):
    chain, longest, num = chain_of(9, 8, kinds=5), 8, 40
    draw = np.random.default_rng(1)
    kinds, numbers = draw.integers(0, 5, num).tolist(), uniforms(10, num, longest)
    prompts = np.where(np.arange(3) < draw.integers(0, 4, num)[:, None], draw.integers(4, 7, [num, 3]), 0)
    options = dict(longest=longest, repetition_penalty=1.3, banned=(5,))
    rows = []

    def step(tokens, state):
        rows.append(len(tokens))
        assert all(len(part) == len(tokens) for part in state[:2]) and int(state[2]) == len(rows) - 1
        return chain.step(tokens, state)

    limits = sampling.Limits.of(num, prompts=prompts.astype(np.int32), **options)
    strategy = sampling.TokenByToken(sampling.rule(1.2), limits, tf.constant(numbers))
    ids = sampling.decode(step, chain.start(kinds), strategy).numpy()
    assert rows == sorted(rows, reverse=True) and rows[0] == num and 0 < rows[-1] < num / 3
    for row in range(num):
        one = slice(row, row + 1)
        limits = dict(options, prompts=prompts[one].astype(np.int32))
        alone = write(chain, kinds[one], numbers[one], sampling.rule(1.2), **limits)
        assert stripped(ids[row]) == stripped(alone[0])


def test_the_loop_is_the_same_inside_a_graph(chain_of):
    chain, kinds, numbers = chain_of(9, 6, kinds=3), [0, 1, 2] * 5, uniforms(12, 15, 6)
    prompts = np.array([[4, 5], [0, 0], [6, 0]] * 5, np.int32)
    options = dict(shortest=3, repetition_penalty=1.5)

    specs = [([None], tf.int32), ([None, None], tf.float32), ([None, None], tf.int32), ([], tf.float32)]

    @tf.function(input_signature=[tf.TensorSpec(*spec) for spec in specs], autograph=False)
    def decode(kinds, numbers, prompts, temperature):
        limits = sampling.Limits.of(tf.shape(kinds)[0], tf.shape(numbers)[1], prompts=prompts, **options)
        state = kinds, tf.zeros_like(kinds), tf.constant(0)
        strategy = sampling.TokenByToken(sampling.rule(temperature, 3, 0.95, 0.9), limits, numbers)
        return sampling.decode(chain.step, state, strategy)

    for temperature in (0.0, 1.5):
        rule = sampling.rule(temperature, 3, 0.95, 0.9)
        expected = write(chain, kinds, numbers, rule, longest=6, prompts=prompts, **options)
        np.testing.assert_array_equal(decode(kinds, numbers, prompts, temperature), expected)


# Options


def test_options_without_a_value_have_their_defaults_and_are_tensors():
    tensors = sampling.Options.tensors(top_k=7, banned=["a"])
    for name, default in sampling.Options._field_defaults.items():
        value = {"top_k": 7, "banned": [b"a"], "prompt": [b""]}.get(name, default)
        assert getattr(tensors, name).numpy().tolist() == value
    assert {value.dtype for value in tensors} == {tf.float32, tf.int32, tf.string}


def test_checked_options_say_what_a_strategy_means():
    checked = sampling.Options(top_k=3, prompt=["a"]).check("sample", 20)
    assert checked == sampling.Options(top_k=3, prompt=("a",), max_length=20)
    assert sampling.Options(max_length=9).check("sample", 20).max_length == 9
    assert sampling.Options(temperature=0.7).check("greedy", 20).temperature == 0
    assert sampling.Options().check("beam", 20).num_beams == 5
    assert sampling.Options(num_best=8).check("beam", 20).num_beams == 8
    assert sampling.Options(num_beams=3, num_best=3).check("beam", 20)[4:6] == (3, 3)


NAN, INFINITY = float("nan"), float("inf")
WRONG = {
    "temperature": [-0.1, 1e9, NAN, INFINITY, None, "hot", True],
    "top_k": [-1, 1.5, None, 2**31, "3"],
    "top_p": [0, -0.1, 1.01, NAN, None],
    "typical_p": [0, -0.1, 1.01, NAN, None],
    "num_beams": [0, -3, 2.5, None, 10**9],
    "num_best": [0, 1.5, None],
    "length_penalty": [NAN, INFINITY, None, "1", 99],
    "repetition_penalty": [0.5, 0, -1, NAN, None],
    "min_length": [0, 1.5, 21, None],
    "max_length": [-1, 1.5, 21, None],
    "banned": ["word", [3], [None], [b"word"], None, 3],
    "prompt": ["word", [3], [None], [b"word"], None, 3],
}


@pytest.mark.parametrize("name", sampling.Options._fields)
def test_wrong_options_are_refused_in_one_line(name):
    for value in WRONG[name]:
        with pytest.raises(InputError, match=name) as error:
            sampling.Options(**{name: value}).check("beam" if name == "num_beams" else "sample", 20)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "strategy, options, said",
    [
        ("sample", {"min_length": 8, "max_length": 7}, "min_length (8) is over max_length (7)"),
        ("sample", {"num_beams": 2}, "num_beams is for the strategy 'beam', not 'sample'"),
        ("greedy", {"num_beams": 2}, "num_beams is for the strategy 'beam', not 'greedy'"),
        ("sample", {"num_best": 2}, "num_best (2) is over num_beams (1)"),
        ("beam", {"num_beams": 2, "num_best": 3}, "num_best (3) is over num_beams (2)"),
        ("gready", {}, "did you mean 'greedy'"),
        (None, {}, "unknown strategy None"),
    ],
)  # fmt: skip
def test_contradictory_options_are_refused_in_one_line(strategy, options, said):
    with pytest.raises(InputError) as error:
        sampling.Options(**options).check(strategy, 20)
    assert said in str(error.value) and "\n" not in str(error.value)


# Pieces of a text that is streamed


def test_pieces_are_what_a_text_gains():
    assert list(pieces(["a", "ab", "ab", "abc d", "abc d."])) == ["a", "b", "c d", "."]
    assert list(pieces([""])) == list(pieces([])) == []


def test_a_character_whose_bytes_are_not_complete_is_held_back():
    whole = "ä 語 e\u0301 🙂."
    growing = [whole.encode()[:end].decode("utf-8", "replace") for end in range(1, len(whole.encode()) + 1)]
    assert list(pieces(growing)) == list(whole)


def test_bytes_that_are_no_character_are_shown_in_the_end():
    growing = [b"a\xe8"[:end].decode("utf-8", "replace") for end in (1, 2)]
    assert list(pieces(growing)) == ["a", "\ufffd"]
    growing = [b"a\xffb"[:end].decode("utf-8", "replace") for end in (1, 2, 3)]
    assert "".join(pieces(growing)) == "a\ufffdb"


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


def test_a_seed_that_is_no_int64_is_refused():
    assert sampling.check_seed(np.int64(-3)) == -3
    for wrong in (2**63, -(2**63) - 1, 1.5, "a", None, True):
        with pytest.raises(InputError, match="seed"):
            sampling.check_seed(wrong)
