"""Diversity and copies against counting by hand and by brute force."""

from collections import Counter

import numpy as np
import pytest

from keras_textgen.errors import InputError
from keras_textgen.metrics import distinct, distinct_n, entropy_n, longest_copies, verbatim


def random_texts(draw, num, words, longest):
    return [" ".join(draw.choice(list(words), draw.integers(longest + 1))) for _ in range(num)]


def n_grams_of(text, n):
    words = text.split()
    return [tuple(words[place : place + n]) for place in range(len(words) - n + 1)]


def corpora():
    """Random corpora, some with empty texts, some with texts too short for any n-gram."""
    draw = np.random.default_rng(0)
    for words in ("a", "ab", "abcde"):
        for _ in range(15):
            yield random_texts(draw, draw.integers(1, 9), words, draw.integers(1, 9))


def test_the_share_of_different_texts_is_that_of_a_set():
    for texts in corpora():
        assert distinct(texts).value == pytest.approx(len(set(texts)) / len(texts), abs=1e-12)
    assert distinct(["a", "b", "a", "a"]).numerators.tolist() == [1 / 3, 1, 1 / 3, 1 / 3]
    assert distinct([("a", "b"), ("a b",)]).value == 1
    assert np.isnan(distinct([]).value)


def test_the_share_of_different_n_grams_is_that_of_a_counter():
    missing = 0
    for texts in corpora():
        for n, found in distinct_n(texts).items():
            counts = Counter(gram for text in texts for gram in n_grams_of(text, n))
            if not counts:
                assert np.isnan(found.value)
                missing += 1
                continue
            assert found.value == pytest.approx(len(counts) / counts.total(), abs=1e-12)
            by_text = [sum(1 / counts[gram] for gram in n_grams_of(text, n)) for text in texts]
            np.testing.assert_allclose(found.numerators, by_text, rtol=0, atol=1e-12)
            assert found.denominators.tolist() == [len(n_grams_of(text, n)) for text in texts]
    assert missing


def test_the_entropy_of_n_grams_is_that_of_a_counter():
    for texts in corpora():
        for n, found in entropy_n(texts).items():
            counts = Counter(gram for text in texts for gram in n_grams_of(text, n))
            shares = np.array(list(counts.values())) / max(counts.total(), 1)
            expected = -(shares * np.log(shares)).sum() if counts else np.nan
            assert found.value == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_different_words_have_the_entropy_of_their_number():
    texts = ["a b c", "d e", "", "f g h"]
    assert entropy_n(texts, 1)[1].value == pytest.approx(np.log(8), abs=1e-12)
    assert entropy_n(["a a", "a a a"])[2].value == 0
    assert distinct_n(texts, 1)[1].value == 1


def test_no_n_gram_reaches_from_one_text_into_the_next():
    assert distinct_n(["a b", "a b"], 2)[2].value == 1 / 2
    assert entropy_n(["a b", "a b"], 2)[2].value == 0
    assert longest_copies(["b c"], ["a b", "c d"]).tolist() == [1]
    assert longest_copies(["b", "c"], ["b c"]).tolist() == [1, 1]


def test_n_runs_from_one_to_the_largest():
    assert list(distinct_n(["a b"], 3)) == list(entropy_n(["a b"], 3)) == [1, 2, 3]
    assert list(distinct_n(["a b"])) == [1, 2, 3, 4]


@pytest.mark.parametrize("figure", [distinct_n, entropy_n], ids=["distinct_n", "entropy_n"])
def test_an_n_below_one_is_refused(figure):
    with pytest.raises(InputError, match="max_n must be at least 1, not 0"):
        figure(["a b"], 0)


def test_figures_of_no_texts_and_of_empty_ones_are_unknown():
    for texts in ([], [""], ["", " "]):
        for found in (*distinct_n(texts).values(), *entropy_n(texts).values()):
            estimate = found.estimate()
            assert np.isnan([estimate.value, *estimate.interval]).all()


def longest_by_search(text, training_texts):
    """Over all runs of words of a text and all places of all training texts."""
    words = text.split()
    runs = [words[begin:end] for begin in range(len(words)) for end in range(begin + 1, len(words) + 1)]
    known = [training_text.split() for training_text in training_texts]
    copied = (
        len(run)
        for run in runs
        if any(run == other[place : place + len(run)] for other in known for place in range(len(other)))
    )
    return max(copied, default=0)


def test_longest_copies_are_those_of_a_search():
    draw = np.random.default_rng(1)
    lengths = set()
    for words in ("ab", "abc", "abcdef"):
        for _ in range(25):
            training_texts = random_texts(draw, draw.integers(5), words, 12)
            texts = random_texts(draw, draw.integers(1, 6), words + "z", 9)
            expected = [longest_by_search(text, training_texts) for text in texts]
            assert longest_copies(texts, training_texts).tolist() == expected
            lengths.update(expected)
    assert lengths >= set(range(6))


def test_a_text_that_was_trained_on_is_copied_as_a_whole():
    training_texts = ["a b c d", "c d e", "the end"]
    texts = ["a b c d", "b c d e", "x", "", "x the end x c d e"]
    assert longest_copies(texts, training_texts).tolist() == [4, 3, 0, 0, 3]
    assert longest_copies(texts, []).tolist() == [0] * 5
    assert longest_copies([], training_texts).shape == (0,)


def test_verbatim_is_the_share_of_texts_that_were_trained_on():
    training_texts = ["a b", "a b c", "", "d"]
    texts = ["a  b", "b c", "a b c", "a b c d", "", "D", "a"]
    assert verbatim(texts, training_texts).numerators.tolist() == [1, 0, 1, 0, 1, 0, 0]
    assert verbatim(texts, training_texts).value == pytest.approx(3 / 7, abs=1e-12)
    assert verbatim([["a", "b"], ["a b"]], training_texts).numerators.tolist() == [1, 0]
    assert verbatim(texts, []).value == 0
    assert np.isnan(verbatim([], training_texts).value)


def test_copies_and_diversity_take_words_one_by_one():
    texts, training_texts = ["a b a", "", "b  a"], ["b a b", "a"]
    split = [text.split() for text in texts]
    assert longest_copies(split, training_texts).tolist() == longest_copies(texts, training_texts).tolist() == [2, 0, 2]
    for n in (1, 2):
        assert distinct_n(split, 2)[n].value == distinct_n(texts, 2)[n].value
        assert entropy_n(split, 2)[n].value == entropy_n(texts, 2)[n].value
