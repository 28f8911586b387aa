"""What the latent carries: mutual information and active units."""

import numpy as np


def active_units(means: np.ndarray, threshold: float = 0.01) -> int:
    """The number of latent dimensions in use: variance of the posterior means over the texts above `threshold`.

    Burda et al. 2016, section 5.

    Args:
        means: posterior means, float `[n, latent]`.
    """
    return int(np.sum(np.var(np.asarray(means, np.float64), axis=0) > threshold))


def mutual_information(means: np.ndarray, scales: np.ndarray, z: np.ndarray, batch_size: int | None = None) -> float:
    """`I(x; z)` under the encoder, in nats: the mean of `log q(z|x) - log q(z)` (Hoffman & Johnson 2016).

    `q(z)` is the mixture of the posteriors of all `n` texts, so the estimate cannot exceed `ln(n)`. With
    `batch_size`, the mixture is over the texts of one batch (He et al. 2019 use 32), which caps it at
    `ln(batch_size)`: report it beside `n`.

    Args:
        means, scales: parameters of the diagonal Gaussian posteriors, float `[n, latent]`.
        z: one sample of each posterior, float `[n, latent]`.
        batch_size: None for the whole set; otherwise the mean over the whole batches is returned.
    """
    means, scales, z = (np.asarray(array, np.float64) for array in (means, scales, z))
    if batch_size is not None:
        batch_size = min(batch_size, len(z))
        batches = [slice(start, start + batch_size) for start in range(0, len(z) - batch_size + 1, batch_size)]
        return float(np.mean([mutual_information(means[batch], scales[batch], z[batch]) for batch in batches]))
    precisions = scales**-2
    # log N(z_i; mean_j, scale_j) for all pairs as matrix products: the square is multiplied out.
    constant = -0.5 * (np.sum(means**2 * precisions, 1) + np.sum(np.log(2 * np.pi * scales**2), 1))
    total = 0.0
    for start in range(0, len(z), 512):
        rows = z[start : start + 512]
        pairs = rows @ (means * precisions).T - 0.5 * rows**2 @ precisions.T + constant
        highest = pairs.max(axis=1)
        mixture = highest + np.log(np.mean(np.exp(pairs - highest[:, None]), axis=1))
        total += float(np.sum(np.diagonal(pairs, start) - mixture))
    return total / len(z)
