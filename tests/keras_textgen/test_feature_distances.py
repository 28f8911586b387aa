"""Distances of sets of features against closed forms and loops over all pairs."""

import itertools
import math

import numpy as np
import pytest
from scipy.linalg import sqrtm

from keras_textgen.errors import InputError
from keras_textgen.metrics import feature_distances, frechet_distance, mauve, precision_recall
from keras_textgen.metrics.feature_distances import divergence_area


def with_moments(num, mean, factor, seed=0):
    """Features `[num, dim]` whose mean is exactly `mean` and whose covariance is exactly `factor @ factor.T`."""
    mean, factor = np.asarray(mean, np.float64), np.asarray(factor, np.float64)
    drawn = np.random.default_rng(seed).standard_normal([num, len(mean)])
    drawn -= drawn.mean(axis=0)
    drawn = np.linalg.solve(np.linalg.cholesky(np.atleast_2d(np.cov(drawn, rowvar=False))), drawn.T)
    return mean + (factor @ drawn).T


def test_the_frechet_distance_of_diagonal_gaussians_is_that_of_their_means_and_deviations():
    first_scales, second_scales = np.array([1.0, 0.5, 3.0]), np.array([2.0, 0.5, 0.1])
    real = with_moments(50, [0, 1, 2], np.diag(first_scales))
    written = with_moments(30, [1, 1, -1], np.diag(second_scales), seed=1)
    expected = (1**2 + 0 + 3**2) + np.sum((first_scales - second_scales) ** 2)
    assert frechet_distance(real, written).value == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("dim", [1, 2, 5, 12])
def test_the_frechet_distance_is_that_by_the_root_of_a_matrix(dim):
    draw = np.random.default_rng(dim)
    real, written = (draw.normal(size=[num, dim]) @ draw.normal(size=[dim, dim]) for num in (40, 70))
    written += draw.normal(size=dim)
    first, second = (np.atleast_2d(np.cov(features, rowvar=False)) for features in (real, written))
    roots = np.trace(np.real(sqrtm(first @ second)))
    apart = np.sum((real.mean(axis=0) - written.mean(axis=0)) ** 2)
    expected = apart + np.trace(first) + np.trace(second) - 2 * roots
    assert frechet_distance(real, written).value == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(written, real).value == pytest.approx(expected, rel=1e-6)


def test_fewer_texts_than_features_have_a_frechet_distance():
    # One set varies where the other does not, so that S S' = 0.
    first = with_moments(4, [0, 0], [[1, 0], [2, 1]])
    second = with_moments(4, [1, 0], [[3, 0], [0, 1]], seed=1)
    nothing = np.zeros([4, 3])
    real, written = np.hstack([first, np.zeros([4, 2]), nothing]), np.hstack([np.zeros([4, 2]), second, nothing])
    assert frechet_distance(real, written).value == pytest.approx((1 + 5) + (9 + 1) + 1, abs=1e-6)


def test_a_set_has_no_frechet_distance_from_itself_and_a_shift_adds_its_square():
    features = np.random.default_rng(0).normal(size=[60, 8])
    assert frechet_distance(features, features[::-1]).value == pytest.approx(0, abs=1e-9)
    shifted = frechet_distance(features, features + np.array([3, 0, 0, 0, 0, 0, 0, 4]))
    assert shifted.value == pytest.approx(25, rel=1e-9)
    # Means of 60 draws of deviation 1: the distance of a shift of 5 has a deviation near 2 * 5 * sqrt(2 / 60).
    low, high = shifted.interval
    assert low < shifted.value < high
    assert (high - low) / 2 == pytest.approx(1.96 * 10 * np.sqrt(2 / 60), rel=0.35)


def test_a_seed_repeats_the_interval_of_a_distance():
    draw = np.random.default_rng(1)
    real, written = draw.normal(size=[30, 3]), draw.normal(size=[30, 3])
    assert frechet_distance(real, written, seed=5) == frechet_distance(real, written, seed=5)
    assert frechet_distance(real, written, seed=5).interval != frechet_distance(real, written, seed=6).interval


def inside_by_loop(points, cloud, neighbours):
    """Which points lie within the distance of a point of the cloud to its nearest others in the cloud."""
    found = []
    for point in points:
        hits = 0
        for place, center in enumerate(cloud):
            others = sorted(math.dist(center, other) for at, other in enumerate(cloud) if at != place)
            hits += math.dist(point, center) <= others[neighbours - 1]
        found.append(float(hits > 0))
    return found


@pytest.mark.parametrize("neighbours", [1, 2, 3, 6])
def test_precision_and_recall_are_those_of_a_loop_over_all_pairs(neighbours):
    draw = np.random.default_rng(neighbours)
    shares = set()
    for _ in range(8):
        # On a grid, so that texts coincide and lie on the rim of a neighbourhood.
        real, written = draw.integers(0, 9, [draw.integers(7, 15), 2]), draw.integers(4, 13, [draw.integers(7, 15), 2])
        precision, recall = precision_recall(real, written, neighbours)
        assert precision.numerators.tolist() == inside_by_loop(written, real, neighbours)
        assert recall.numerators.tolist() == inside_by_loop(real, written, neighbours)
        shares |= {precision.value, recall.value}
    assert len(shares) > 5


def test_precision_and_recall_tell_bad_texts_from_missing_ones():
    draw = np.random.default_rng(2)
    near, far = draw.normal(size=[50, 3]), draw.normal(size=[50, 3]) + 100
    both = np.concatenate([near, far])
    assert [share.value for share in precision_recall(near, near[::-1])] == [1, 1]
    assert [share.value for share in precision_recall(near, far)] == [0, 0]
    assert [share.value for share in precision_recall(both, near)] == [1, 0.5]  # half of the real ones are missing
    assert [share.value for share in precision_recall(near, both)] == [0.5, 1]  # half of the written ones are bad


def test_a_thousand_at_a_time_are_as_good_as_all_at_once():
    draw = np.random.default_rng(3)
    real, written = np.sort(draw.normal(size=1100)), np.sort(draw.normal(3, 1, 2001))
    precision, recall = precision_recall(real[:, None], written[:, None])
    for share, points, cloud in ((precision, written, real), (recall, real, written)):
        radii = np.sort(np.abs(cloud[:, None] - cloud), axis=1)[:, 3]
        expected = (np.abs(points[:, None] - cloud) <= radii).any(axis=1)
        assert share.numerators.tolist() == expected.tolist()
        assert 0 < share.value < 1


def area_by_definition(p, q, scale, mixtures):
    """The area under the line through the points of the divergence curve, by trapezoids."""

    def divergence(histogram, mixture):
        return sum(a * math.log(a / b) for a, b in zip(histogram, mixture, strict=True) if a > 0)

    points = [(0.0, 1.0)]
    for weight in np.linspace(1 - 1e-6, 1e-6, mixtures):
        mixture = [weight * a + (1 - weight) * b for a, b in zip(p, q, strict=True)]
        points.append((math.exp(-scale * divergence(q, mixture)), math.exp(-scale * divergence(p, mixture))))
    points.append((1.0, 0.0))
    return sum((x - before) * (y + above) / 2 for (before, above), (x, y) in itertools.pairwise(points))


def random_histograms(num, seed=0):
    draw = np.random.default_rng(seed)
    for _ in range(num):
        bins = draw.integers(2, 12)
        yield [draw.multinomial(30, draw.dirichlet(np.full(bins, 0.7))) / 30 for _ in range(2)]


@pytest.mark.parametrize("scale", [1.0, 5.0])
def test_the_divergence_area_is_that_of_its_definition(scale):
    for p, q in random_histograms(30):
        found = divergence_area(p, q, scale)
        assert found == pytest.approx(area_by_definition(p, q, scale, 25), abs=1e-9)
        assert found == pytest.approx(divergence_area(q, p, scale), abs=1e-9)
        assert 0 < found < 1


def test_25_mixtures_are_nearly_as_good_as_thousands():
    for p, q in random_histograms(5, seed=1):
        assert divergence_area(p, q) == pytest.approx(area_by_definition(p, q, 5.0, 5000), abs=0.003)


def test_histograms_with_nothing_in_common_have_the_area_of_the_beta_function():
    # The curve is ((1 - w)^c, w^c), so its area is c B(c + 1, c).
    for scale in (1.0, 2.0, 5.0):
        expected = scale * math.gamma(scale + 1) * math.gamma(scale) / math.gamma(2 * scale + 1)
        found = divergence_area(np.array([1.0, 0, 0]), np.array([0, 0.5, 0.5]), scale)
        assert found == pytest.approx(expected, abs=0.002)
    assert expected == pytest.approx(1 / 252)


def test_equal_histograms_have_the_whole_area():
    assert divergence_area(np.array([1.0]), np.array([1.0])) == pytest.approx(1, abs=1e-9)
    for p, _ in random_histograms(20):
        assert divergence_area(p, p) == pytest.approx(1, abs=1e-9)


def test_histograms_but_for_the_last_digit_the_same_have_nearly_the_whole_area():
    # Rounding can put their divergence a little below 0, and a point of the curve a little beyond its end.
    draw, beyond = np.random.default_rng(0), 0
    for _ in range(300):
        p = draw.dirichlet(np.ones(2))
        q = p * (1 + draw.uniform(-1e-7, 1e-7, 2))
        q /= q.sum()
        assert divergence_area(p, q) == pytest.approx(1, abs=1e-6)
        first = 1e-6 * p + (1 - 1e-6) * q
        beyond += np.exp(-5 * feature_distances.divergence(q, first[None]))[0] > 1
    assert beyond > 0


def test_mauve_is_near_1_for_halves_of_a_set_and_near_0_for_sets_far_apart():
    features = np.random.default_rng(4).normal(size=[600, 4])
    halves = mauve(features[:300], features[300:])
    assert 0.9 < halves.value <= 1
    assert halves.interval[0] < halves.value and halves.interval[1] <= 1
    apart = np.array([50.0, 0, 0, 0])
    nothing = mauve(features[:300] + apart, features[300:] - apart)
    assert nothing.value == pytest.approx(1 / 252, abs=0.002)
    assert nothing.interval == pytest.approx([nothing.value] * 2, abs=1e-9)
    assert mauve(features[:300], features[:300]).value == pytest.approx(1, abs=1e-9)


def test_mauve_of_clear_clusters_is_the_area_of_their_shares():
    draw = np.random.default_rng(5)
    centers = 100 * np.eye(3)

    def texts(*counts):
        return np.repeat(centers, counts, axis=0) + draw.normal(size=[sum(counts), 3])

    real, written = texts(50, 30, 20), texts(10, 20, 30)
    expected = divergence_area(np.array([0.5, 0.3, 0.2]), np.array([10, 20, 30]) / 60)
    found = mauve(real, written, clusters=3)
    assert found.value == pytest.approx(expected, abs=1e-9)
    assert found.interval[0] < expected < found.interval[1]
    sharper = divergence_area(np.array([0.5, 0.3, 0.2]), np.array([10, 20, 30]) / 60, 10.0)
    assert mauve(real, written, clusters=3, scale=10.0).value == pytest.approx(sharper, abs=1e-9)
    assert sharper < expected


def test_a_tenth_of_the_smaller_set_are_the_clusters_of_mauve(monkeypatch):
    draw = np.random.default_rng(6)
    real, written = draw.normal(size=[90, 3]), draw.normal(size=[41, 3])
    seen = []
    monkeypatch.setattr(feature_distances, "divergence_area", lambda p, q, scale: seen.append((p, q)) or 0.5)
    mauve(real, written)
    assert {p.shape + q.shape for p, q in seen} == {(4, 4)}
    for shares, num in zip(seen[0], (90, 41), strict=True):
        assert shares.sum() == pytest.approx(1) and shares * num == pytest.approx(np.rint(shares * num))


def test_mauve_repeats_itself_and_takes_features_of_one_dimension():
    draw = np.random.default_rng(7)
    real, written = draw.normal(size=[40, 5]), draw.normal(0.3, 1, [40, 5])
    assert mauve(real, written, seed=2) == mauve(real, written, seed=2)
    positive = mauve(np.full([6, 1], 2.0), np.array([[2.0], [2.0], [-2.0], [-2.0]]))
    assert positive.value == pytest.approx(divergence_area(np.array([1.0, 0.0]), np.array([0.5, 0.5])), abs=1e-9)


FEW = np.arange(12.0).reshape(4, 3)


@pytest.mark.parametrize(
    ("compare", "message"),
    [
        (lambda: frechet_distance(FEW[:1], FEW), "at least 2 texts on each side"),
        (lambda: frechet_distance(FEW, FEW[:0]), "at least 2 texts on each side"),
        (lambda: mauve(FEW, FEW[:1]), "at least 2 texts on each side"),
        (lambda: precision_recall(FEW[:3], FEW), "at least 4 texts on each side"),
        (lambda: precision_recall(FEW, FEW, 4), "at least 5 texts on each side"),
        (lambda: precision_recall(FEW, FEW, 0), "neighbours must be at least 1, not 0"),
        (lambda: mauve(FEW, FEW, clusters=1), "clusters must be at least 2, not 1"),
        (lambda: mauve(FEW, FEW, clusters=9), "clusters must be at most 8, not 9"),
        (lambda: frechet_distance(FEW, FEW[:, :2]), r"the same features, .* not \[4, 3\] and \[4, 2\]"),
        (lambda: mauve(FEW, FEW[:, :2]), r"the same features, .* not \[4, 3\] and \[4, 2\]"),
        (lambda: precision_recall(FEW, FEW[:, :2]), r"the same features, .* not \[4, 3\] and \[4, 2\]"),
    ],
    ids=[
        "distance of one",
        "distance of none",
        "mauve of one",
        "neighbours of three",
        "four neighbours of four",
        "no neighbours",
        "one cluster",
        "nine clusters of eight",
        "distance of other features",
        "mauve of other features",
        "neighbours of other features",
    ],
)
def test_sets_that_cannot_be_compared_are_refused(compare, message):
    with pytest.raises(InputError, match=message) as refusal:
        compare()
    assert "\n" not in str(refusal.value)
