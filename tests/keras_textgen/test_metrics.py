"""Metrics against numbers known otherwise."""

import warnings

import numpy as np
import pytest
from nltk.translate.bleu_score import corpus_bleu

from keras_textgen.metrics import Perplexity, active_units, exact_match, mutual_information, reconstruction_bleu


def test_perplexity_is_over_the_whole_corpus():
    draw = np.random.default_rng(0)
    metric, nats, tokens = Perplexity(), draw.uniform(5, 90, 30).astype(np.float32), draw.integers(1, 20, 30)
    for batch in np.split(np.arange(30), [4, 5, 19]):
        metric.update_state(nats[batch], tokens[batch])
    assert float(metric.result()) == pytest.approx(np.exp(nats.sum() / tokens.sum()), rel=1e-5)
    assert float(metric.result()) != pytest.approx(np.exp(np.mean(nats / tokens)), rel=1e-2)


def test_perplexity_of_a_uniform_guess_is_the_vocabulary():
    metric = Perplexity()
    metric.update_state([np.log(50.0) * 3, np.log(50.0) * 8], [3, 8])
    assert float(metric.result()) == pytest.approx(50, rel=1e-5)


def test_perplexity_starts_over_after_a_reset():
    metric = Perplexity()
    metric.update_state([10.0], [2])
    metric.reset_state()
    metric.update_state([np.log(3.0)], [1])
    assert float(metric.result()) == pytest.approx(3, rel=1e-5)


def sampled(means, scales, seed=0):
    return means + scales * np.random.default_rng(seed).standard_normal(means.shape)


def test_posteriors_far_apart_carry_the_name_of_the_text():
    means, scales = 100.0 * np.arange(40)[:, None] * np.ones([1, 2]), np.ones([40, 2])
    assert mutual_information(means, scales, sampled(means, scales)) == pytest.approx(np.log(40), abs=1e-9)


def test_equal_posteriors_carry_nothing():
    means, scales = np.full([700, 3], 0.5), np.full([700, 3], 2.0)
    assert mutual_information(means, scales, sampled(means, scales)) == pytest.approx(0, abs=1e-9)


def test_a_linear_gaussian_encoder_carries_what_the_channel_can():
    # x ~ N(0, 1), z = a x + noise: I(x; z) = 1/2 ln(1 + a^2 / s^2) a dimension (the Gaussian channel).
    draw = np.random.default_rng(1)
    gains, noise, num = np.array([1.0, 0.5]), np.array([0.5, 0.5]), 4000
    means, scales = draw.standard_normal([num, 2]) * gains, np.tile(noise, [num, 1])
    exact = 0.5 * np.log1p(gains**2 / noise**2).sum()
    estimate = mutual_information(means, scales, sampled(means, scales, 2))
    # log q(z|x) - log q(z) has a standard deviation of about 1, so 4000 texts give a standard error of 0.016.
    assert estimate == pytest.approx(exact, abs=0.07)


def test_mutual_information_is_the_mean_over_all_pairs():
    draw = np.random.default_rng(2)
    means, scales = draw.normal(size=[520, 3]), draw.uniform(0.2, 2, [520, 3])  # more than one block of rows
    z = sampled(means, scales)
    logs = -0.5 * (((z[:, None] - means) / scales) ** 2 + np.log(2 * np.pi * scales**2)).sum(-1)
    expected = np.mean(np.diagonal(logs) - np.log(np.mean(np.exp(logs), axis=1)))
    assert mutual_information(means, scales, z) == pytest.approx(expected, rel=1e-9)


def test_batches_cap_mutual_information():
    means, scales = 100.0 * np.arange(70)[:, None], np.ones([70, 1])
    z = sampled(means, scales)
    assert mutual_information(means, scales, z, batch_size=32) == pytest.approx(np.log(32), abs=1e-9)
    assert mutual_information(means, scales, z) == pytest.approx(np.log(70), abs=1e-9)


def test_batches_are_averaged_over_the_whole_ones():
    draw = np.random.default_rng(3)
    means, scales = draw.normal(size=[70, 2]), np.full([70, 2], 0.5)
    z = sampled(means, scales)
    parts = [mutual_information(means[part], scales[part], z[part]) for part in (slice(0, 32), slice(32, 64))]
    assert mutual_information(means, scales, z, batch_size=32) == pytest.approx(np.mean(parts), rel=1e-12)


def test_active_units_count_dimensions_whose_means_vary():
    means = np.random.default_rng(4).standard_normal([500, 5]) * [1.0, 0.5, 0.05, 0.0, 0.2] + 3
    assert active_units(means) == 3  # variances 1, 0.25, 0.0025, 0, 0.04 against 0.01
    assert active_units(means, threshold=0.1) == 2


def test_exact_match_is_the_share_of_equal_texts():
    assert exact_match(["a b", "c d", "e", "F  g"], ["a b", "c e", "e", "f g"]) == 0.75


def test_exact_match_wants_as_many_of_each():
    with pytest.raises(ValueError):
        exact_match(["a"], ["a", "b"])


def by_nltk(texts, reconstructions, order=4):
    references = [[text.lower().split()] for text in texts]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of orders without a match
        return corpus_bleu(references, [text.lower().split() for text in reconstructions], [1 / order] * order)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_reconstruction_bleu_is_that_of_nltk(order):
    draw = np.random.default_rng(5)
    for _ in range(30):
        # Shorter and longer, with words changed here and there. NLTK counts an n-gram where a text is too short for
        # any, so every text has at least four words here.
        texts = [" ".join(draw.choice(list("abcdE"), draw.integers(4, 15))) for _ in range(6)]
        back = [
            " ".join(word if draw.random() < 0.8 else "x" for word in text.split()[: draw.integers(4, 15)])
            + draw.choice(["", " a b"])
            for text in texts
        ]
        expected = by_nltk(texts, back, order)
        assert reconstruction_bleu(texts, back, order) == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert 0 < expected < 1


@pytest.mark.parametrize(
    "texts, back, expected",
    [
        (["a b c d", "e f g h i"], ["a b c d", "E f g h i"], 1),
        (["a b c d"], ["e f g h"], 0),  # no word comes back
        (["a b c d"], ["b a d c"], 0),  # every word does, but no pair
        (["a b c", "d e"], ["a b c", "d e"], 0),  # too short for four words in a row
        (["a b c d"], [""], 0),
        (["a b c d e f"], ["a b c d"], np.exp(1 - 6 / 4)),  # too short by a third
        (["the the the the"], ["the the the the the the the the"], (4 / 8 * 3 / 7 * 2 / 6 * 1 / 5) ** 0.25),
    ],
    ids=str,
)
def test_reconstruction_bleu_of_simple_cases(texts, back, expected):
    assert reconstruction_bleu(texts, back) == pytest.approx(expected, abs=1e-12)
    assert by_nltk(texts, back) == pytest.approx(expected, abs=1e-3)  # it puts the least float for a 0


def test_a_text_too_short_for_an_n_gram_does_not_lower_reconstruction_bleu():
    # 5 of 5 words, 3 of 3 pairs, 2 of 2 triples, 1 of 1 quadruple (Papineni et al. 2002, section 2.1.1)
    assert reconstruction_bleu(["a b c d", "e"], ["a b c d", "e"]) == 1
    assert reconstruction_bleu(["a b c d", "e"], ["a b c d", "f"]) == pytest.approx((4 / 5) ** 0.25)
