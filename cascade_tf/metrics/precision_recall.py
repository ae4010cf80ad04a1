"""Improved precision and recall (Kynkaanniemi et al. 2019, section 2).

The manifold of a set is approximated by balls around its features, each reaching to the feature's
k-th nearest neighbour. Precision is the share of samples on the manifold of the reference. Recall
is the share of the reference on the manifold of the samples.
"""

from collections.abc import Iterator

import numpy as np

from cascade_tf.metrics.features import checked_sets

# Relative rounding of distances from scalar products, below which images count as equal.
_ROUNDING = 1e-12


def precision_recall(
    samples: np.ndarray, reference: np.ndarray, neighbours: int = 3, block: int = 2**24
) -> tuple[float, float]:
    """Precision and recall, each in [0, 1].

    Args:
        samples: [N, D].
        reference: [M, D].
        neighbours: k.
        block: number of distances in memory at a time, 8 bytes each.

    Raises:
        UserError: not more images than neighbours, different numbers of features, or values that
            are not finite.

    >>> near = np.arange(8.0)[:, None]
    >>> precision_recall(near, near), precision_recall(near, near + 100)
    ((1.0, 1.0), (0.0, 0.0))
    """
    checked_sets(samples, reference, fewest=neighbours + 1)
    # Centred, since large means would cost digits of the distances.
    center = reference.mean(axis=0, dtype=np.float64)
    samples, reference = samples - center, reference - center
    precision = _share_within(samples, reference, neighbours, block)
    recall = _share_within(reference, samples, neighbours, block)
    return precision, recall


def _share_within(queries: np.ndarray, points: np.ndarray, neighbours: int, block: int) -> float:
    """Share of queries that lie in the ball of at least one point."""
    radii = [
        np.partition(squared, neighbours, axis=1)[:, neighbours]  # index 0 is the point itself
        for squared in _squared_distances(points, points, block)
    ]
    squared_radius = np.concatenate(radii)
    hits = [
        (squared <= squared_radius).any(axis=1)
        for squared in _squared_distances(queries, points, block)
    ]
    return float(np.concatenate(hits).mean())


def _squared_distances(x: np.ndarray, y: np.ndarray, block: int) -> Iterator[np.ndarray]:
    """Yields rows of |x - y|^2 of all pairs [N, M], at most about `block` numbers at a time."""
    rows = max(1, block // len(y))
    for start in range(0, len(x), rows):
        part = x[start : start + rows]
        scale = np.square(part).sum(axis=1)[:, None] + np.square(y).sum(axis=1)
        squared = scale - 2 * (part @ y.T)
        yield np.where(squared > _ROUNDING * scale, squared, 0)
