"""Density and coverage (Naeem et al. 2020, equations 3 and 4).

Both count samples in the balls of the reference's features. Unlike precision, density is not 1 for
all samples in the ball of one outlier; unlike recall, coverage does not grow with outlying samples.
"""

import numpy as np

from cascade_tf.counts import checked_count
from cascade_tf.metrics.features import checked_sets
from cascade_tf.metrics.neighbour_balls import BLOCK, within_balls

NEIGHBOURS = 5  # as in the paper


def density_coverage(
    samples: np.ndarray, reference: np.ndarray, neighbours: int = NEIGHBOURS, block: int = BLOCK
) -> tuple[float, float]:
    """Density, 0 or more, and coverage, in [0, 1].

    Density is the mean number of the reference's balls that a sample is in, over `neighbours`: for
    samples of the same distribution about 1. Coverage is the share of balls with a sample in them:
    for as many samples of the same distribution, about 1 - 2^-`neighbours`.

    Args:
        samples: [N, D], of any float or integer dtype.
        reference: [M, D], likewise.
        neighbours: k.
        block: number of distances in memory at a time.

    Raises:
        UserError: not more images than neighbours, different numbers of features, or values that
            are not finite.
        SettingError: `neighbours` is below 1.

    >>> near = np.arange(8.0)[:, None]
    >>> density_coverage(near, near, neighbours=2), density_coverage(near, near + 100)
    ((1.5, 1.0), (0.0, 0.0))
    """
    checked_count("neighbours", neighbours, at_least=1)
    checked_sets(samples, reference, fewest=neighbours + 1)
    inside, covered = 0, np.zeros(len(reference), bool)
    for rows in within_balls(samples, reference, neighbours, block):
        inside += int(rows.sum())
        covered |= rows.any(axis=0)
    return inside / (neighbours * len(samples)), float(covered.mean())
