"""Kernel distance between two sets of features, unbiased for sets of any size.

It is the squared maximum mean discrepancy (MMD) with a cubic kernel (Binkowski et al. 2018,
section 4); "KID" with features of the Inception network.
"""

import numpy as np

from cascade_tf.counts import checked_count
from cascade_tf.metrics.features import checked_sets


def kernel_distance(
    samples: np.ndarray,
    reference: np.ndarray,
    *,
    subsets: int = 100,
    subset_size: int = 1000,
    seed: int = 0,
) -> tuple[float, float | None]:
    """Mean and standard deviation of the squared MMD over random subsets of both sets.

    Args:
        samples: [N, D].
        reference: [M, D].
        subsets: number of pairs of subsets.
        subset_size: images in each, 2 or more; if a set is smaller, subsets are of its size.
        seed: of the random subsets.

    Returns:
        The mean, which may be below 0, and the standard deviation over subsets, not of the mean.
        The latter is None for a single subset. If subsets are whole sets, there is only one.

    Raises:
        UserError: fewer than 2 images, different numbers of features, or non-finite values.
        SettingError: `subsets` is below 1, or `subset_size` below 2.

    >>> a, b = np.zeros([4, 1]), np.ones([4, 1])
    >>> kernel_distance(a, a), kernel_distance(a, b)  # 1 + 2^3 - 2
    ((0.0, None), (7.0, None))
    """
    subsets = checked_count("subsets", subsets, at_least=1)
    checked_count("subset_size", subset_size, at_least=2)
    checked_sets(samples, reference, fewest=2)
    size = min(subset_size, len(samples), len(reference))
    if size == len(samples) == len(reference):
        subsets = 1  # all would be equal
    generator = np.random.default_rng(seed)
    distances = [
        squared_mmd(
            samples[generator.choice(len(samples), size, replace=False)],
            reference[generator.choice(len(reference), size, replace=False)],
        )
        for _ in range(subsets)
    ]
    deviation = float(np.std(distances)) if subsets > 1 else None
    return float(np.mean(distances)), deviation


def squared_mmd(x: np.ndarray, y: np.ndarray) -> float:
    """Unbiased estimate of the squared MMD from [n, D] and [m, D], n and m 2 or more.

    >>> squared_mmd(np.zeros([2, 1]), np.ones([2, 1]))
    7.0
    """
    x, y = x.astype(np.float64), y.astype(np.float64)
    return _mean_of_pairs(x) + _mean_of_pairs(y) - 2 * float(_kernel(x, y).mean())


def _mean_of_pairs(x: np.ndarray) -> float:
    """Mean kernel over pairs of different rows; pairs of equal rows would bias the estimate."""
    kernel = _kernel(x, x)
    return float((kernel.sum() - np.trace(kernel)) / (len(x) * (len(x) - 1)))


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Kernel (x.y / D + 1)^3 of all pairs: [n, D] and [m, D] to [n, m]."""
    base = x @ y.T / x.shape[1] + 1
    return base * base * base
