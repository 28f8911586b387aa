"""BLEU and Self-BLEU against NLTK and against numbers counted by hand."""

import numpy as np
import pytest
from nltk.translate.bleu_score import SmoothingFunction
from nltk.translate.bleu_score import sentence_bleu as nltk_sentence_bleu

from keras_textgen.errors import InputError
from keras_textgen.metrics import bleu, self_bleu, sentence_bleu, sentence_self_bleu

# The candidates and references of Papineni et al. 2002, section 2.1.
REAL = [
    "It is a guide to action which ensures that the military always obeys the commands of the party .",
    "It is to insure the troops forever hearing the activity guidebook that party direct .",
    "It is a guide to action that ensures that the military will forever heed Party commands .",
    "It is the guiding principle which guarantees the military forces always being under the command of the Party .",
    "It is the practical guide for the army always to heed the directions of the party .",
]


def by_nltk(text, references, n):
    references = [reference.split() for reference in references]
    smoothing = SmoothingFunction().method1
    return nltk_sentence_bleu(references, text.split(), weights=(1 / n,) * n, smoothing_function=smoothing)


def random_texts(draw, num, words, longest):
    """Texts of few words, so that they share and repeat n-grams; some are empty and some stand there twice."""
    texts = [" ".join(draw.choice(list(words), draw.integers(longest + 1))) for _ in range(num)]
    return [texts[place] for place in draw.integers(num, size=num)]


@pytest.mark.parametrize(("words", "longest"), [("a", 7), ("ab", 5), ("abc", 12), ("abcdefgh", 9)])
def test_bleu_of_random_texts_is_that_of_nltk(words, longest):
    draw = np.random.default_rng(0)
    for _ in range(20):
        references = random_texts(draw, draw.integers(1, 6), words, longest)
        texts = random_texts(draw, draw.integers(1, 6), words + "z", longest)
        found = sentence_bleu(texts, references)
        for n in range(1, 6):
            expected = [by_nltk(text, references, n) for text in texts]
            np.testing.assert_allclose(found[n], expected, rtol=0, atol=1e-9)
            assert bleu(texts, references)[n] == pytest.approx(np.mean(expected), abs=1e-9)


@pytest.mark.parametrize(("words", "longest"), [("a", 7), ("ab", 5), ("abc", 12), ("abcdefgh", 9)])
def test_self_bleu_of_random_texts_is_that_of_nltk_against_all_others(words, longest):
    draw = np.random.default_rng(1)
    for _ in range(20):
        texts = random_texts(draw, draw.integers(2, 8), words, longest)
        found = sentence_self_bleu(texts)
        for n in range(1, 6):
            expected = [by_nltk(text, texts[:place] + texts[place + 1 :], n) for place, text in enumerate(texts)]
            np.testing.assert_allclose(found[n], expected, rtol=0, atol=1e-9)
            assert self_bleu(texts)[n] == pytest.approx(np.mean(expected), abs=1e-9)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6])
def test_real_sentences_score_as_in_nltk(n):
    expected = [by_nltk(text, REAL[2:], n) for text in REAL[:2]]
    np.testing.assert_allclose(sentence_bleu(REAL[:2], REAL[2:], 6)[n], expected, rtol=0, atol=1e-9)
    assert 0 < expected[1] < expected[0] < 1  # the first is the better one, as in the paper
    others = [by_nltk(text, [other for other in REAL if other != text], n) for text in REAL]
    np.testing.assert_allclose(sentence_self_bleu(REAL, 6)[n], others, rtol=0, atol=1e-9)


def test_an_n_gram_counts_as_often_as_in_the_one_reference_that_has_most_of_it():
    # Papineni et al. 2002, example 2: the references hold "the" twice and once.
    references = ["the cat is on the mat", "there is a cat on the mat"]
    assert bleu(["the the the the the the the"], references, 1)[1] == pytest.approx(2 / 7, abs=1e-12)
    found = sentence_self_bleu(["a a a", "a a", "a"], 1)[1]
    # Three of which two are known; both known; known, but shorter than the nearest other text.
    np.testing.assert_allclose(found, [2 / 3, 1, np.exp(-1)], rtol=0, atol=1e-12)


def test_of_two_references_as_near_in_length_the_shorter_counts():
    assert bleu(["a b c"], ["a b", "a b c d"], 1)[1] == 1
    assert bleu(["a b c"], ["a b c d"], 1)[1] == pytest.approx(np.exp(1 - 4 / 3), abs=1e-12)
    assert sentence_self_bleu(["a b c", "a b c d", "a b"], 1)[1][0] == 1
    assert sentence_self_bleu(["a b c", "a b c d", "a"], 1)[1][0] == pytest.approx(np.exp(1 - 4 / 3), abs=1e-12)


def test_a_match_that_is_missing_counts_a_tenth():
    # 3 of 4 words, 1 of 3 pairs, 0 of 2 triples and 0 of 1 quadruple.
    found = bleu(["a b x c"], ["a b c d"], 4)
    expected = np.cumprod([3 / 4, 1 / 3, 0.1 / 2, 0.1 / 1]) ** (1 / np.arange(1, 5))
    np.testing.assert_allclose([found[n] for n in range(1, 5)], expected, rtol=1e-12)
    assert bleu(["x y"], ["a b"]) == dict.fromkeys(range(1, 6), 0.0)  # no word is known


def test_a_text_is_no_reference_of_its_own_but_one_like_it_is():
    assert sentence_self_bleu(["a b c d e", "f g h i j"])[1].tolist() == [0, 0]
    found = sentence_self_bleu(["a b c d e", "a b c d e", "f g h i j"])
    for n in range(1, 6):
        np.testing.assert_allclose(found[n], [1, 1, 0], rtol=0, atol=1e-12)
    assert self_bleu(["a b c d e"] * 7) == pytest.approx(dict.fromkeys(range(1, 6), 1.0))


def test_references_that_stand_there_twice_change_nothing():
    references = ["a b a", "b c a b", "a"]
    texts = ["a b a b", "c", "", "b b b"]
    assert bleu(texts, references) == bleu(texts, references[::-1] * 3)


def test_empty_texts_score_nothing_and_do_not_disturb_the_others():
    assert bleu(["", "  "], ["a b", ""]) == dict.fromkeys(range(1, 6), 0.0)
    assert self_bleu(["", ""]) == dict.fromkeys(range(1, 6), 0.0)
    alone, among = sentence_bleu(["a b"], ["a b"]), sentence_bleu(["", "a b", ""], ["a b"])
    for n in range(1, 6):
        np.testing.assert_allclose(among[n], [0, alone[n][0], 0], rtol=1e-12)


def test_strings_and_words_one_by_one_score_alike():
    texts, references = ["a b  a", "", "b\tc a"], ["a b", "c a b a"]
    split = [text.split() for text in texts]
    assert bleu(texts, references) == bleu(split, [tuple(text.split()) for text in references])
    assert self_bleu(texts) == self_bleu(split) == self_bleu(np.array(texts))
    assert bleu([["a b"]], ["a b"])[1] == 0  # a word that holds a space is one word


def test_bleu_up_to_a_smaller_n_is_the_beginning_of_that_up_to_a_larger_one():
    texts, references = ["a b a c", "c b a"], ["a b c", "b a c"]
    for n in range(1, 5):
        assert bleu(texts, references, n) == {k: bleu(texts, references, 6)[k] for k in range(1, n + 1)}
        assert self_bleu(texts, n) == {k: self_bleu(texts, 6)[k] for k in range(1, n + 1)}


@pytest.mark.parametrize(
    ("compare", "message"),
    [
        (lambda: bleu([], ["a"]), "at least one text and one reference"),
        (lambda: bleu(["a"], []), "at least one text and one reference"),
        (lambda: self_bleu(["a"]), "at least two texts"),
        (lambda: self_bleu([]), "at least two texts"),
        (lambda: bleu(["a"], ["a"], 0), "max_n must be at least 1, not 0"),
        (lambda: self_bleu(["a", "b"], 2.5), "max_n must be a whole number, not 2.5"),
    ],
    ids=["no text", "no reference", "one text", "nothing", "no n", "half an n"],
)
def test_what_cannot_be_compared_is_refused(compare, message):
    with pytest.raises(InputError, match=message) as refusal:
        compare()
    assert "\n" not in str(refusal.value)
