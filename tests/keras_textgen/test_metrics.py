"""Metrics against numbers known otherwise."""

import numpy as np
import pytest

from keras_textgen.metrics import Perplexity, active_units, exact_match, mutual_information


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
