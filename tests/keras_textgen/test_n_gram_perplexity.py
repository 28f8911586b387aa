"""Perplexities under n-gram models against interpolated modified Kneser-Ney smoothing worked out by hand."""

import importlib
from collections import Counter

import numpy as np
import pytest

from keras_textgen.errors import InputError
from keras_textgen.metrics import n_gram_model, n_gram_perplexity
from keras_textgen.text.ids import SPECIAL_TOKENS


@pytest.fixture(scope="module")
def little_model():
    """It knows one word of context."""
    return n_gram_model(["a b", "a"], ["a", "b"], order=2)


def unigram_nats(texts, training_texts, vocabulary):
    """The negative log-likelihood of each text by Chen & Goodman 1998, equations 24 to 26, without contexts."""
    known = {*vocabulary, "</s>"}
    words = lambda text: [word if word in known else "<unk>" for word in [*text.split(), "</s>"]]  # noqa: E731
    counts = Counter(word for text in training_texts for word in words(text))
    of_counts = Counter(counts.values())
    n1, n2, n3, n4 = (of_counts[count] for count in (1, 2, 3, 4))
    discounts = {1: 0.5, 2: 1.0, 3: 1.5}
    if min(n1, n2, n3, n4):
        y = n1 / (n1 + 2 * n2)
        discounts = {1: 1 - 2 * y * n2 / n1, 2: 2 - 3 * y * n3 / n2, 3: 3 - 4 * y * n4 / n3}
    discounts |= {0: 0.0}
    taken = sum(discounts[min(count, 3)] for count in counts.values())

    def probability(word):
        own = counts[word] - discounts[min(counts[word], 3)]
        return (own + taken / (len(vocabulary) + 2)) / counts.total()

    return np.array([-sum(np.log(probability(word)) for word in words(text)) for text in texts])


# Where no word stands there four times, there is too little to estimate the discounts from.
@pytest.mark.parametrize("times", [(8, 4, 2, 1), (8, 4, 2, 0)], ids=["estimated discounts", "least discounts"])
def test_perplexity_without_contexts_is_that_of_discounted_counts(times):
    draw = np.random.default_rng(0)
    counts = np.repeat([1, 2, 3, 4, 6], [*times, 2])
    vocabulary = [f"word{place}" for place in range(len(counts))]
    words = draw.permutation(np.repeat([*vocabulary[:-1], "zorp"], counts))  # zorp is unknown, the last word not seen
    training_texts = [" ".join(part) for part in np.array_split(words, 9)]
    texts = [" ".join(draw.choice([*vocabulary, "zorp", "quux"], draw.integers(6))) for _ in range(20)]
    texts += ["", f"{vocabulary[-1]} zorp quux"]
    found = n_gram_perplexity(n_gram_model(training_texts, vocabulary, order=1), texts)
    nats = unigram_nats(texts, training_texts, vocabulary)
    tokens = [len(text.split()) + 1 for text in texts]
    np.testing.assert_allclose(found.numerators, nats, rtol=1e-4)
    assert found.denominators.tolist() == tokens
    assert found.value == pytest.approx(np.exp(nats.sum() / sum(tokens)), rel=1e-4)


def test_perplexity_with_one_word_of_context_is_that_worked_out_by_hand(little_model):
    # After the start stands a twice, after a stands b once and the end once, after b the end: so a and b have been seen
    # after one other token each, the end after two. Discounts are 1/2, 1 and 3/2, since there is so little.
    a, b, end, unknown = 0.5 / 4 + 2 / 4 / 4, 0.5 / 4 + 2 / 4 / 4, 1 / 4 + 2 / 4 / 4, 2 / 4 / 4
    assert a + b + end + unknown == 1
    by_hand = {
        "a b": [(2 - 1) / 2 + a / 2, (1 - 0.5) / 2 + b / 2, (1 - 0.5) / 1 + end / 2],
        "a": [(2 - 1) / 2 + a / 2, (1 - 0.5) / 2 + end / 2],
        "": [end / 2],
        "b a": [b / 2, a / 2, (1 - 0.5) / 2 + end / 2],
        "zorp": [unknown / 2, end],
    }
    found = n_gram_perplexity(little_model, list(by_hand))
    np.testing.assert_allclose(np.exp(-found.numerators), [np.prod(row) for row in by_hand.values()], rtol=1e-5)
    nats = -sum(np.log(row).sum() for row in by_hand.values())
    assert found.value == pytest.approx(np.exp(nats / (3 + 2 + 1 + 3 + 2)), rel=1e-5)


def test_an_empty_text_is_one_token_the_end():
    model = n_gram_model(["", "a", "", ""], ["a"], order=1)
    found = n_gram_perplexity(model, [""])
    assert found.denominators.tolist() == [1]
    # The end four times of five tokens, a once: discounts 3/2 and 1/2, and three tokens to share them.
    assert found.value == pytest.approx(1 / ((4 - 1.5 + 2 / 3) / 5), rel=1e-5)
    nothing = n_gram_model([""], [], order=3)
    # Only the end and the unknown word are possible, and the end has been seen once: 1/2 + 1/2 * p.
    lower = 0.5 + 0.5 / 2
    assert n_gram_perplexity(nothing, ["", ""]).value == pytest.approx(1 / (0.5 + 0.5 * lower), rel=1e-5)


def test_texts_of_any_length_are_counted_and_judged_as_a_whole():
    training_texts, texts = ["a " * 70 + "b " * 60, "c"], ["b a " * 80, "c"]
    found = n_gram_perplexity(n_gram_model(training_texts, [*"abc"], order=1), texts)
    np.testing.assert_allclose(found.numerators, unigram_nats(texts, training_texts, "abc"), rtol=1e-4)
    assert found.denominators.tolist() == [161, 2]


def test_words_are_taken_as_they_are():
    vocabulary = ["the", "The", "don't", "end.", "end", "."]
    model = n_gram_model(["The end.", "the end .", "don't"], vocabulary, order=1)
    texts = ["The", "the", "THE", "end.", "end .", "don't"]
    found = n_gram_perplexity(model, texts)
    assert found.denominators.tolist() == [2, 2, 2, 2, 3, 2]
    np.testing.assert_allclose(
        found.numerators, unigram_nats(texts, ["The end.", "the end .", "don't"], vocabulary), rtol=1e-4
    )


def test_the_marks_of_the_tokenizer_are_unknown_words_in_a_text(little_model):
    found = n_gram_perplexity(little_model, [f"a {mark} b" for mark in (*SPECIAL_TOKENS, "zorp")])
    assert found.denominators.tolist() == [4] * 5
    np.testing.assert_allclose(found.numerators, found.numerators[-1], rtol=1e-6)


def test_strings_and_words_one_by_one_are_judged_alike():
    training_texts, texts = ["a b a", "", "b  c"], ["a\tb", "", "c c a"]
    split = [[text.split() for text in some] for some in (training_texts, texts)]
    by_strings = n_gram_perplexity(n_gram_model(training_texts, [*"abc"], order=3), texts)
    by_words = n_gram_perplexity(n_gram_model(split[0], [*"abc"], order=3), split[1])
    np.testing.assert_array_equal(by_strings.numerators, by_words.numerators)
    assert by_words.denominators.tolist() == [3, 1, 4]


def test_texts_judged_a_few_at_a_time_have_the_same_perplexity(monkeypatch, little_model):
    texts = ["a b b", "", "b b b b b", "b", "a zorp", "b a a", "a"]
    expected = n_gram_perplexity(little_model, texts)
    monkeypatch.setattr(importlib.import_module("keras_textgen.metrics.n_gram_perplexity"), "AT_ONCE", 2)
    found = n_gram_perplexity(little_model, texts)
    np.testing.assert_allclose(found.numerators, expected.numerators, rtol=1e-6)
    assert found.denominators.tolist() == expected.denominators.tolist()


def test_more_context_tells_the_order_of_words():
    training_texts = ["a b c d e"] * 5 + ["e d c b a"] * 5
    shuffled, seen = ["c a e b d"], ["a b c d e"]
    without, within = (n_gram_model(training_texts, [*"abcde"], order) for order in (1, 3))
    assert n_gram_perplexity(without, shuffled).value == pytest.approx(n_gram_perplexity(without, seen).value)
    assert n_gram_perplexity(within, seen).value < 2 < 5 < n_gram_perplexity(within, shuffled).value


def test_the_interval_of_a_perplexity_lies_around_it(little_model):
    texts = ["a b", "b", "", "a a b a", "zorp", "b b"] * 5
    value, (low, high) = n_gram_perplexity(little_model, texts).estimate()
    assert 1 < low < value < high


@pytest.mark.parametrize(
    ("learn", "message"),
    [
        (lambda: n_gram_model([], ["a"]), "give at least one text"),
        (lambda: n_gram_model(["a"], ["a"], 0), "order must be at least 1, not 0"),
        (lambda: n_gram_model(["a"], ["a", "a"]), "the vocabulary holds 'a' twice"),
    ],
    ids=["nothing", "no order", "a word twice"],
)
def test_what_cannot_be_learned_is_refused(learn, message):
    with pytest.raises(InputError, match=message) as refusal:
        learn()
    assert "\n" not in str(refusal.value)


def test_the_perplexity_of_no_texts_is_refused(little_model):
    with pytest.raises(InputError, match="give at least one text"):
        n_gram_perplexity(little_model, [])
