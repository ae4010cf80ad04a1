"""Improved precision and recall (Kynkaanniemi et al. 2019, section 2).

The manifold of a set is approximated by balls around its features, each reaching to the feature's
k-th nearest neighbour, inclusive (equation 1). Precision is the share of samples on the manifold
of the reference. Recall is the share of the reference on the manifold of the samples.
"""

from collections.abc import Iterator

import numpy as np

from cascade_tf.counts import checked_count
from cascade_tf.metrics.features import checked_sets

# Largest rounding error of a squared distance that is computed in float64, relative to the squared
# norms of both vectors: 2^-52 for each of up to 4,000 features.
_ROUNDING = 1e-12


def precision_recall(
    samples: np.ndarray, reference: np.ndarray, neighbours: int = 3, block: int = 2**24
) -> tuple[float, float]:
    """Precision and recall, each in [0, 1].

    A distance equal to a radius is within it, as in equation 1 of the paper (some libraries leave
    it out). Distances count as equal if they differ by no more than their rounding and that of
    the features to their dtype. So neither the dtype, nor a constant that is added to all
    features, nor the order of images decides.

    Args:
        samples: [N, D], of any float or integer dtype.
        reference: [M, D], likewise.
        neighbours: k.
        block: number of distances in memory at a time, 8 bytes each.

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
    epsilon = max(_epsilon(queries), _epsilon(points))
    norms = [np.linalg.norm(x.astype(np.float64), axis=1) for x in (queries, points)]
    # Centred, since large means would cost digits of the distances.
    center = points.mean(axis=0, dtype=np.float64)
    queries, points = queries - center, points - center
    radii = [
        np.partition(squared, neighbours, axis=1)[:, neighbours]  # index 0 is the point itself
        for _, squared, _ in _squared_distances(points, points, block)
    ]
    squared_radius = np.concatenate(radii)
    hits = []
    for rows, squared, rounding in _squared_distances(queries, points, block):
        distance = np.sqrt(np.maximum(squared, 0))
        # Features that are rounded to their dtype change a squared distance by this at most.
        rounding += epsilon * distance * (norms[0][rows, None] + norms[1])
        hits.append((squared - rounding <= squared_radius).any(axis=1))
    return float(np.concatenate(hits).mean())


def _epsilon(features: np.ndarray) -> float:
    """Relative rounding of the features' dtype."""
    return float(np.finfo(features.dtype).eps) if features.dtype.kind == "f" else 0.0


def _squared_distances(
    x: np.ndarray, y: np.ndarray, block: int
) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Yields rows, their |x - y|^2 of all pairs [N, M], and the rounding errors of these.

    About `block` numbers of each at a time.
    """
    rows = max(1, block // len(y))
    for start in range(0, len(x), rows):
        place = slice(start, start + rows)
        part = x[place]
        scale = np.square(part).sum(axis=1)[:, None] + np.square(y).sum(axis=1)
        yield place, scale - 2 * (part @ y.T), _ROUNDING * scale
