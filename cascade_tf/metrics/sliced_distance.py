"""Sliced Wasserstein distance between two sets of features; "MIND" with those of Inception.

Monge Inception Distance (Berthet et al. 2026): the squared 2-Wasserstein distance between the
projections of both sets to a line, averaged over random lines through the origin. Unlike FID,
it assumes no Gaussian.
"""

import numpy as np

from cascade_tf.counts import checked_count
from cascade_tf.metrics.features import checked_sets


def sliced_distance(
    samples: np.ndarray,
    reference: np.ndarray,
    *,
    directions: int = 1000,
    seed: int = 0,
    block: int = 2**22,
) -> float:
    """3 D times the mean squared distance: for sets a shift apart, 3 times its squared length.

    Two sets of n images each are at the distance of their sorted projections. For sets of unequal
    sizes it is that of their quantile functions, exactly, with all images of both.

    Args:
        samples: [N, D].
        reference: [M, D].
        directions: the number of lines. They are equal for equal D and seed.
        seed: of the directions.
        block: number of projections in memory at a time, 8 bytes each.

    Returns:
        The distance, 0 or more. For small sets it is biased upwards.

    Raises:
        UserError: no images, different numbers of features, or non-finite values.
        SettingError: `directions` is below 1.

    >>> a = np.random.default_rng(0).normal(size=[2000, 8])
    >>> b = np.random.default_rng(1).normal(size=[1000, 8]) + 2
    >>> sliced_distance(a, a), round(sliced_distance(a, b))  # about 3 D 2^2
    (0.0, 99)
    """
    directions = checked_count("directions", directions, at_least=1)
    checked_sets(samples, reference, fewest=1)
    size = samples.shape[1]
    lines = np.random.default_rng(seed).standard_normal([directions, size])
    lines /= np.linalg.norm(lines, axis=1, keepdims=True)
    # Centred, since large means would cost digits of the projections.
    center = reference.mean(axis=0, dtype=np.float64)
    sets = samples - center, reference - center
    weights, of_ours, of_theirs = _shares(len(samples), len(reference))
    total = 0.0
    count = max(1, block // max(len(samples), len(reference)))
    for start in range(0, directions, count):
        part = lines[start : start + count]
        ours, theirs = (np.sort(part @ features.T, axis=1) for features in sets)
        total += float((np.square(ours[:, of_ours] - theirs[:, of_theirs]) @ weights).sum())
    return 3 * size * total / directions


def _shares(n: int, m: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Intervals of [0, 1] in which the quantile functions of n and of m values are constant.

    Returns:
        Their lengths, and the ranks of the values of both there.

    >>> _shares(2, 4)[1:]
    (array([0, 0, 1, 1]), array([0, 1, 2, 3]))
    """
    # In units of 1 / (n m), so that ends of intervals that coincide are equal.
    ends = np.union1d(np.arange(1, n + 1) * m, np.arange(1, m + 1) * n)
    lengths = np.diff(ends, prepend=0)
    return lengths / (n * m), (ends - 1) // m, (ends - 1) // n
