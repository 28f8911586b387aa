"""Features of sentences against their definition."""

import warnings
from collections import Counter

import numpy as np
import pytest

from keras_textgen.errors import InputError
from keras_textgen.metrics import NGramFeatures, WordLlamaFeatures, frechet_distance, sentence_features

TEXTS = ["the cat sat", "the dog sat", "a cat ran off", "a dog ran off again", "it sat", "the bird", "a bird ran"]


def marked(text, longest):
    words = ["<s>", *text.split(), "</s>"]
    return Counter(
        tuple(words[place : place + n]) for n in range(1, longest + 1) for place in range(len(words) - n + 1)
    )


def weights_by_definition(texts, longest):
    """`(1 + ln count) (1 + ln((1 + texts) / (1 + texts that have it)))`, each text of length 1: `[texts, n-grams]`."""
    counts = [marked(text, longest) for text in texts]
    known = sorted({gram for found in counts for gram in found})
    rarity = {gram: 1 + np.log((1 + len(texts)) / (1 + sum(gram in found for found in counts))) for gram in known}
    rows = np.array(
        [[(1 + np.log(found[gram])) * rarity[gram] if gram in found else 0.0 for gram in known] for found in counts]
    )
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("longest", [1, 2, 3])
def test_features_keep_the_angles_between_weighted_n_grams(longest):
    # With one text twice, as many dimensions as there are texts but one lose nothing.
    texts = [*TEXTS, "the the the cat sat sat", TEXTS[0]]
    weights = weights_by_definition(texts, longest)
    features = NGramFeatures(texts, longest=longest)(texts)
    assert features.shape == (len(texts), len(texts) - 1)
    np.testing.assert_allclose(features @ features.T, weights @ weights.T, rtol=0, atol=1e-9)


def test_fewer_dimensions_are_the_best_of_all_of_their_number():
    # Eckart & Young 1936: what is left over are the smaller singular values.
    weights = weights_by_definition(TEXTS, 2)
    features = NGramFeatures(TEXTS, dim=3)(TEXTS)
    values = np.linalg.svd(weights, compute_uv=False)
    assert features.shape == (len(TEXTS), 3)
    np.testing.assert_allclose(np.linalg.svd(features, compute_uv=False), values[:3], rtol=1e-6)


def test_a_seed_repeats_the_features():
    draw = np.random.default_rng(0)
    texts = [" ".join(draw.choice(list("abcdefghij"), draw.integers(1, 12))) for _ in range(200)]
    once, again = (NGramFeatures(texts, dim=16, seed=3)(texts) for _ in range(2))
    np.testing.assert_array_equal(once, again)


def test_the_same_words_in_the_same_order_have_the_same_features():
    features = NGramFeatures(TEXTS)
    first, spaced, split, turned = features(["the cat sat", " the  cat\tsat ", ["the", "cat", "sat"], "sat cat the"])
    np.testing.assert_array_equal(first, spaced)
    np.testing.assert_array_equal(first, split)
    assert np.abs(first - turned).max() > 0.1
    bags = NGramFeatures(TEXTS, longest=1)
    np.testing.assert_allclose(*bags(["the cat sat", "sat cat the"]), rtol=0, atol=1e-12)


def test_features_of_a_text_do_not_depend_on_the_others():
    features = NGramFeatures(TEXTS)
    together = features(TEXTS)
    for place, text in enumerate(TEXTS):
        np.testing.assert_allclose(features([text])[0], together[place], rtol=0, atol=1e-12)
    assert features([]).shape == (0, together.shape[1])


def test_unknown_words_and_empty_texts_have_features():
    features = NGramFeatures(TEXTS)
    unknown, others, empty, cat = features(["zorp", "quux zorp", "", "cat"])
    assert np.isfinite([unknown, others, empty]).all()
    np.testing.assert_allclose(unknown, others, rtol=0, atol=1e-12)  # nothing of either is known but its ends
    assert np.abs(unknown - cat).max() > 0.01


@pytest.mark.parametrize("texts", [[""], ["", ""], ["a"], ["a", "a"], ["a b", "c"]], ids=repr)
def test_tiny_corpora_have_features(texts):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        features = NGramFeatures(texts)([*texts, "zorp"])
    assert features.shape == (len(texts) + 1, 1)
    assert np.isfinite(features).all() and np.abs(features[0]).max() > 0.5


@pytest.mark.parametrize(
    ("learn", "message"),
    [
        (lambda: NGramFeatures([]), "at least one text"),
        (lambda: NGramFeatures(TEXTS, dim=0), "dim must be at least 1, not 0"),
        (lambda: NGramFeatures(TEXTS, longest=0), "longest must be at least 1, not 0"),
    ],
    ids=["no texts", "no dimension", "no words"],
)
def test_features_of_nothing_are_refused(learn, message):
    with pytest.raises(InputError, match=message) as refusal:
        learn()
    assert "\n" not in str(refusal.value)


@pytest.fixture(scope="module")
def encoder():
    pytest.importorskip("wordllama")
    return WordLlamaFeatures()


def test_an_encoder_knows_what_words_mean(encoder):
    cat, kitten, prices = encoder(
        ["the cat sleeps on a mat", "a kitten naps on the rug", "prices of shares fell today"]
    )
    cosine = lambda a, b: a @ b / np.linalg.norm(a) / np.linalg.norm(b)  # noqa: E731
    assert cosine(cat, kitten) > cosine(cat, prices) + 0.2
    by_words = NGramFeatures(["the cat sleeps on a mat", "a kitten naps on the rug", "prices of shares fell today"] * 2)
    assert cosine(*by_words(["the cat sleeps", "kitten naps"])) < 0.2  # no word in common


def test_an_encoder_takes_lists_of_words_and_texts_without_any(encoder):
    line, words, empty, spaces = encoder(["a cat sat", ["a", "cat", "sat"], [], "  "])
    np.testing.assert_array_equal(line, words)
    assert np.any(line) and not np.any(empty) and not np.any(spaces)
    assert encoder([]).shape == (0, len(line))


def test_an_encoder_sees_other_topics_as_farther_away(encoder):
    real = [
        f"the {animal} {does} in the {place}"
        for animal in ("cat", "dog", "cow")
        for does in ("sat", "ran", "ate")
        for place in ("barn", "yard", "field")
    ]
    alike = [text.replace("the", "a") for text in real]
    other = [text.replace("cat", "bank").replace("dog", "fund").replace("cow", "firm") for text in real]
    near, far = (frechet_distance(encoder(real), encoder(texts)).value for texts in (alike, other))
    assert near < far


def test_an_encoder_that_is_not_installed_is_one_line(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "wordllama", None)
    with pytest.raises(InputError, match=r'run: pip install "keras-textgen\[encoder\]"'):
        sentence_features("wordllama", TEXTS)


def test_features_are_found_by_name():
    assert isinstance(sentence_features("n_grams", TEXTS), NGramFeatures)
    with pytest.raises(InputError, match="n_grams"):
        sentence_features("n_gram", TEXTS)
