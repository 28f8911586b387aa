"""Figures with what is uncertain about them."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

LEVEL = 0.95  # of all intervals
AT_ONCE = 2**22  # drawn numbers of texts that are held at a time


class Estimate(NamedTuple):
    """A figure and between which numbers it lies if the texts are drawn anew."""

    value: float
    interval: tuple[float, float]

    @classmethod
    def of(cls, statistic: Callable[..., float], *sets: np.ndarray, resamples: int = 100, seed: int = 0) -> "Estimate":
        """`statistic(*sets)`, give or take 1.96 of its standard deviations when the rows of each set are drawn anew
        (Efron 1979). Its percentiles would not do for a distance between sets, which rows that stand there twice make
        larger."""
        draw = np.random.default_rng(seed)
        drawn = lambda rows: rows[draw.integers(len(rows), size=len(rows))]  # noqa: E731
        value = float(statistic(*sets))
        margin = 1.96 * float(np.std([statistic(*map(drawn, sets)) for _ in range(resamples)], ddof=1))
        return cls(value, (value - margin, value + margin))


class Ratio(NamedTuple):
    """A figure of a sum over texts divided by another: a mean, a share, a perplexity.

    Attributes:
        numerators, denominators: what each text gives to the two sums, float `[n]`.
        of: what is taken of the quotient, a growing function: `np.exp` where it is nats a token and the perplexity is
            wanted.
    """

    numerators: np.ndarray
    denominators: np.ndarray
    of: Callable = float

    @classmethod
    def mean(cls, values) -> "Ratio":
        """The mean of a number, or the share of a truth value, of each text."""
        values = np.asarray(values, np.float64)
        return cls(values, np.ones_like(values))

    @property
    def value(self) -> float:
        """The figure; nan where there is nothing to divide by."""
        return float(self.of(divide(np.sum(self.numerators), np.sum(self.denominators))))

    def estimate(self, resamples: int = 1000, seed: int = 0) -> Estimate:
        """The figure with its percentile bootstrap over the texts."""
        low, high = ends_of(resampled(self.numerators, self.denominators, resamples, seed))
        return Estimate(self.value, (float(self.of(low)), float(self.of(high))))


def resampled(numerators, denominators, resamples, seed) -> np.ndarray:
    """The ratio for texts drawn with replacement, `float64 [resamples]`."""
    draw, num, values = np.random.default_rng(seed), len(numerators), []
    while len(values) < resamples:
        few = min(resamples - len(values), max(1, AT_ONCE // max(num, 1)))
        rows = draw.integers(num, size=(few, num))
        values.extend(divide(numerators[rows].sum(axis=1), denominators[rows].sum(axis=1)))
    return np.array(values)


def ends_of(values) -> tuple[float, float]:
    """Between which numbers the middle 95 % of those values lie that are any."""
    known = values[~np.isnan(values)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def divide(numerators, denominators) -> np.ndarray:
    """A quotient; nan where there is nothing to divide by."""
    numerators, denominators = np.asarray(numerators, np.float64), np.asarray(denominators, np.float64)
    return np.divide(numerators, denominators, out=np.full_like(numerators, np.nan), where=denominators != 0)
