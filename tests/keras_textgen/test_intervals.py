"""The bootstrap against the normal approximation and against how often it is right."""

import numpy as np
import pytest

from keras_textgen.metrics import Estimate, Ratio, intervals


def pairs(num, seed=0):
    """Lengths and nats of texts, nearly in proportion."""
    draw = np.random.default_rng(seed)
    lengths = draw.integers(1, 30, num).astype(np.float64)
    return lengths * 2 + draw.normal(size=num), lengths


def test_a_ratio_is_the_quotient_of_sums_and_not_the_mean_of_quotients():
    assert Ratio(np.array([1.0, 2.0, 6.0]), np.array([1.0, 1.0, 2.0])).value == 9 / 4
    assert Ratio.mean([True, False, True, True]).value == 3 / 4
    assert Ratio.mean([2, 5]).value == 3.5


def test_the_interval_of_a_mean_is_that_of_the_normal_distribution():
    values = np.random.default_rng(1).normal(3, 2, 500)
    value, (low, high) = Ratio.mean(values).estimate(resamples=10_000)
    error = values.std() / np.sqrt(500)
    assert value == pytest.approx(values.mean(), abs=1e-12)
    # A 2.5 % quantile of 10,000 draws has a standard error of 0.027 of their deviation.
    assert low == pytest.approx(value - 1.96 * error, abs=0.11 * error)
    assert high == pytest.approx(value + 1.96 * error, abs=0.11 * error)


def test_the_interval_of_a_ratio_is_that_of_the_delta_method():
    numerators, denominators = pairs(500)
    value, (low, high) = Ratio(numerators, denominators).estimate(resamples=10_000)
    error = np.std(numerators - value * denominators) / denominators.mean() / np.sqrt(500)
    assert low == pytest.approx(value - 1.96 * error, abs=0.11 * error)
    assert high == pytest.approx(value + 1.96 * error, abs=0.11 * error)


def test_a_95_percent_interval_holds_the_truth_in_95_of_100_data_sets():
    truth, sets, inside = 2.0, 1000, 0
    for seed in range(sets):
        low, high = Ratio(*pairs(100, seed)).estimate(resamples=300, seed=seed).interval
        inside += low <= truth <= high
    # Four standard errors of a share.
    assert inside / sets == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / sets))


def test_a_seed_repeats_the_interval_and_another_does_not():
    ratio = Ratio(*pairs(40))
    assert ratio.estimate(seed=3) == ratio.estimate(seed=3)
    assert ratio.estimate(seed=3).interval != ratio.estimate(seed=4).interval
    assert ratio.estimate(seed=3).value == ratio.estimate(seed=4).value


def test_a_perplexity_is_the_exponential_of_its_ratio_and_so_is_its_interval():
    numerators, denominators = pairs(60)
    nats, perplexity = Ratio(numerators, denominators).estimate(), Ratio(numerators, denominators, np.exp).estimate()
    assert perplexity.value == pytest.approx(np.exp(numerators.sum() / denominators.sum()), rel=1e-12)
    assert perplexity.interval == pytest.approx(np.exp(nats.interval), rel=1e-12)


def test_equal_texts_leave_nothing_uncertain():
    assert Ratio(np.full(9, 3.0), np.full(9, 2.0)).estimate() == (1.5, (1.5, 1.5))
    assert Ratio.mean([0.25]).estimate() == (0.25, (0.25, 0.25))


@pytest.mark.parametrize("num", [0, 3])
def test_a_share_of_nothing_is_unknown(num):
    estimate = Ratio(np.zeros(num), np.zeros(num)).estimate()
    assert np.isnan([estimate.value, *estimate.interval]).all()


def test_draws_without_anything_to_divide_by_are_left_out():
    # Two of three texts give nothing, so that 8 draws of 27 have nothing to divide by.
    ratio = Ratio(np.array([0.0, 0.0, 3.0]), np.array([0.0, 0.0, 2.0]))
    drawn = intervals.resampled(ratio.numerators, ratio.denominators, 2000, 0)
    assert np.isnan(drawn).mean() == pytest.approx(8 / 27, abs=4 * np.sqrt(8 * 19 / 27**2 / 2000))
    assert ratio.estimate() == (1.5, (1.5, 1.5))


@pytest.mark.parametrize("at_once", [1, 100, 999])
def test_what_is_held_at_a_time_changes_nothing(monkeypatch, at_once):
    ratio = Ratio(*pairs(37))
    expected = ratio.estimate(resamples=250)
    drawn, divide = [], intervals.divide
    monkeypatch.setattr(intervals, "AT_ONCE", at_once)
    monkeypatch.setattr(intervals, "divide", lambda *sums: drawn.append(np.size(sums[0])) or divide(*sums))
    assert ratio.estimate(resamples=250) == expected
    assert sum(drawn) == 250 + 1 and max(drawn) == max(1, at_once // 37)  # and the value itself


def test_an_estimate_is_as_wide_as_the_error_of_a_difference_of_means():
    draw = np.random.default_rng(2)
    first, second = draw.normal(1, 3, 400), draw.normal(0, 1, 50)
    value, (low, high) = Estimate.of(lambda a, b: a.mean() - b.mean(), first, second, resamples=2000)
    error = np.sqrt(first.var() / 400 + second.var() / 50)
    assert value == pytest.approx(first.mean() - second.mean(), abs=1e-12)
    # A deviation of 2,000 draws has a standard error of 1.6 %.
    assert (high - value, value - low) == pytest.approx([1.96 * error] * 2, rel=0.065)


def test_an_estimate_draws_whole_rows_of_each_set():
    first, second = np.arange(30.0).reshape(10, 3), -np.arange(8.0).reshape(4, 2) - 1
    seen = []
    Estimate.of(lambda a, b: seen.append((a, b)) or 0.0, first, second, resamples=20)
    assert len(seen) == 21 and (seen[0][0] == first).all() and (seen[0][1] == second).all()
    for a, b in seen:
        assert a.shape == first.shape and b.shape == second.shape
        assert {*map(tuple, a)} <= {*map(tuple, first)} and {*map(tuple, b)} <= {*map(tuple, second)}
    assert any((a != first).any() for a, _ in seen) and any((b != second).any() for _, b in seen)


def test_an_estimate_repeats_itself_by_its_seed():
    values = np.random.default_rng(3).normal(size=30)
    once, again, other = (Estimate.of(np.median, values, seed=seed) for seed in (1, 1, 2))
    assert once == again and once.value == other.value and once.interval != other.interval
    assert Estimate.of(np.mean, np.full(5, 2.0)) == (2.0, (2.0, 2.0))
