"""Improved precision and recall (Kynkaanniemi et al. 2019, section 2).

A set's manifold is taken as the union of balls about its features, each reaching to the feature's
k-th nearest neighbour. Precision is the share of samples on the reference's manifold, recall the
share of the reference on the manifold of the samples.
"""

from collections.abc import Iterator

import numpy as np

from cascade_tf.metrics.features import checked_sets

# Distances come from scalar products, whose rounding would part images that are the same.
_ROUNDING = 1e-12


def precision_recall(
    samples: np.ndarray, reference: np.ndarray, neighbours: int = 3, block: int = 2**24
) -> tuple[float, float]:
    """Precision and recall, each in [0, 1].

    Args:
        samples: [N, D].
        reference: [M, D].
        neighbours: k.
        block: how many distances are held in memory at a time, 8 bytes each.

    Raises:
        UserError: no more images than neighbours, different numbers of features, or values not
            finite.
    """
    checked_sets(samples, reference, fewest=neighbours + 1)
    # About their mean, vectors are short beside the distances: fewest digits are lost.
    center = reference.mean(axis=0, dtype=np.float64)
    samples, reference = samples - center, reference - center
    precision = _share_within(samples, reference, neighbours, block)
    recall = _share_within(reference, samples, neighbours, block)
    return precision, recall


def _share_within(queries: np.ndarray, points: np.ndarray, neighbours: int, block: int) -> float:
    """The share of queries in the ball of one point or more."""
    radii = [
        np.partition(squared, neighbours, axis=1)[:, neighbours]  # the nearest is the point itself
        for squared in _squared_distances(points, points, block)
    ]
    squared_radius = np.concatenate(radii)
    hits = [
        (squared <= squared_radius).any(axis=1)
        for squared in _squared_distances(queries, points, block)
    ]
    return float(np.concatenate(hits).mean())


def _squared_distances(x: np.ndarray, y: np.ndarray, block: int) -> Iterator[np.ndarray]:
    """|x - y|^2 of all pairs, [N, M], as many rows at a time as `block` holds."""
    rows = max(1, block // len(y))
    for start in range(0, len(x), rows):
        part = x[start : start + rows]
        scale = np.square(part).sum(axis=1)[:, None] + np.square(y).sum(axis=1)
        squared = scale - 2 * (part @ y.T)
        yield np.where(squared > _ROUNDING * scale, squared, 0)
