"""How far written texts are from real ones in a space of features, `[texts, dim]` each.

scikit-learn and SciPy take their time to load, so they are imported where they are used.
"""

import numpy as np
from threadpoolctl import threadpool_limits

from keras_textgen.checks import whole
from keras_textgen.errors import InputError
from keras_textgen.metrics.intervals import Estimate, Ratio

ONE_THREAD = threadpool_limits.wrap(limits=1)  # the matrices are so small that threads would wait for each other


@ONE_THREAD
def frechet_distance(real: np.ndarray, written: np.ndarray, seed: int = 0) -> Estimate:
    """The Fréchet distance between Gaussians with the means and covariances of two sets (Heusel et al. 2017; for
    sentences Cífka et al. 2018): `|m - m'|^2 + tr(S + S' - 2 (S S')^{1/2})`. 0 for the same; it shrinks with the number
    of texts, so compare only with as many of them."""
    require(real, written, 2)
    return Estimate.of(distance_of_gaussians, real, written, seed=seed)


def distance_of_gaussians(real, written) -> float:
    """The Fréchet distance of two sets of features."""
    apart = real.mean(axis=0) - written.mean(axis=0)
    first, second = (np.atleast_2d(np.cov(features, rowvar=False)) for features in (real, written))
    values, vectors = np.linalg.eigh(first)
    root = vectors * np.sqrt(np.maximum(values, 0.0)) @ vectors.T
    # The eigenvalues of S S' are those of the symmetric S^{1/2} S' S^{1/2}.
    overlap = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ second @ root), 0.0)).sum()
    return float(max(np.sum(apart**2) + np.trace(first) + np.trace(second) - 2 * overlap, 0.0))


@ONE_THREAD
def precision_recall(real: np.ndarray, written: np.ndarray, neighbours: int = 3) -> tuple[Ratio, Ratio]:
    """Which written texts lie among the real ones, and which real ones among the written: within the distance of some
    text of the other set to its `neighbours`-th nearest of its own (Kynkäänniemi et al. 2019).

    Returns:
        the share of the written texts, precision, and of the real ones, recall.
    """
    require(real, written, whole(1, neighbours=neighbours) + 1)
    return Ratio.mean(inside(written, real, neighbours)), Ratio.mean(inside(real, written, neighbours))


def inside(points, cloud, neighbours) -> np.ndarray:
    """Which points lie within the radius of a point of the cloud: that of its `neighbours`-th nearest in the cloud."""
    from scipy.spatial.distance import cdist

    radii = np.concatenate(
        [np.partition(cdist(part, cloud), neighbours, axis=1)[:, neighbours] for part in in_parts(cloud)]
    )
    return np.concatenate([(cdist(part, cloud) <= radii).any(axis=1) for part in in_parts(points)])


def in_parts(points) -> list[np.ndarray]:
    """A thousand at a time."""
    return np.array_split(points, -(-len(points) // 1000))


@ONE_THREAD
def mauve(
    real: np.ndarray, written: np.ndarray, clusters: int | None = None, scale: float = 5.0, seed: int = 0
) -> Estimate:
    """MAUVE (Pillutla et al. 2021): both sets as histograms over common clusters, and the area under the curve of the
    two divergences from their mixtures, `exp(-scale KL)`. 1 for the same, near 0 for nothing in common. Its interval is
    for the same clusters.

    Args:
        clusters: a tenth of the smaller set if left out, as in the authors' package.
    """
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import normalize

    require(real, written, 2)
    both = normalize(np.concatenate([real, written]))
    both = PCA(0.9, svd_solver="full").fit_transform(both) if both.shape[1] > 1 else both
    if clusters is None:
        clusters = max(2, round(min(len(real), len(written)) / 10))
    clusters = whole(2, len(both), clusters=clusters)
    labels = KMeans(clusters, n_init=5, random_state=seed).fit_predict(both)
    shares = lambda labels: np.bincount(labels, minlength=clusters) / len(labels)  # noqa: E731
    area = lambda *sets: divergence_area(*map(shares, sets), scale)  # noqa: E731
    value, (low, high) = Estimate.of(area, *np.split(labels, [len(real)]), seed=seed)
    return Estimate(value, (max(low, 0.0), min(high, 1.0)))


def divergence_area(p: np.ndarray, q: np.ndarray, scale: float = 5.0) -> float:
    """The area under the divergence curve of two histograms: the points `(exp(-scale KL(q|r)), exp(-scale KL(p|r)))`
    over 25 mixtures `r = w p + (1 - w) q` (Pillutla et al. 2021, equation 2)."""
    from sklearn.metrics import auc

    weights = np.linspace(1e-6, 1 - 1e-6, 25)[:, None]
    mixtures = weights * p + (1 - weights) * q
    # With a growing share of p the mixture goes from q to p: one divergence grows, the other shrinks.
    x, y = (np.exp(-scale * divergence(histogram, mixtures)) for histogram in (q, p))
    x = np.minimum.accumulate(np.minimum(x, 1.0))  # but for the last digit
    return float(auc(np.concatenate([[1.0], x, [0.0]]), np.concatenate([[0.0], y, [1.0]])))


def divergence(p, mixtures) -> np.ndarray:
    """`KL(p | r)` in nats for each mixture `r`, `float64 [mixtures]`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(p > 0, p * np.log(p / mixtures), 0.0).sum(axis=1)


def require(real, written, least) -> None:
    """Refuses sets that are too small, and those of different features."""
    if min(len(real), len(written)) < least:
        raise InputError(f"this comparison needs at least {least} texts on each side")
    if real.shape[1:] != written.shape[1:]:
        raise InputError(
            f"both sides need the same features, [texts, dim], not {list(real.shape)} and {list(written.shape)}"
        )
