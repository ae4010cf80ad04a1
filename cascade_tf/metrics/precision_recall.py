"""Improved precision and recall (Kynkaanniemi et al. 2019, section 2).

The manifold of a set is approximated by balls around its features, each reaching to the feature's
k-th nearest neighbour, inclusive (equation 1). Precision is the share of samples on the manifold
of the reference. Recall is the share of the reference on the manifold of the samples.
"""

import numpy as np

from cascade_tf.counts import checked_count
from cascade_tf.metrics.features import checked_sets
from cascade_tf.metrics.neighbour_balls import BLOCK, within_balls


def precision_recall(
    samples: np.ndarray, reference: np.ndarray, neighbours: int = 3, block: int = BLOCK
) -> tuple[float, float]:
    """Precision and recall, each in [0, 1].

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
    >>> precision_recall(near, near), precision_recall(near, near + 100)
    ((1.0, 1.0), (0.0, 0.0))
    """
    checked_count("neighbours", neighbours, at_least=1)
    checked_sets(samples, reference, fewest=neighbours + 1)
    precision = _share_within(samples, reference, neighbours, block)
    recall = _share_within(reference, samples, neighbours, block)
    return precision, recall


def _share_within(queries: np.ndarray, points: np.ndarray, neighbours: int, block: int) -> float:
    """Share of queries that lie in the ball of at least one point."""
    hits = [rows.any(axis=1) for rows in within_balls(queries, points, neighbours, block)]
    return float(np.concatenate(hits).mean())
