"""Balls around features, each reaching to the feature's k-th nearest neighbour in its set.

Together they approximate the manifold of a set of images (Kynkaanniemi et al. 2019, section 2).
"""

from collections.abc import Iterator

import numpy as np

# Largest rounding error of a squared distance that is computed in float64, relative to the squared
# norms of both vectors: 2^-52 for each of up to 4,000 features.
_ROUNDING = 1e-12
BLOCK = 2**24  # distances in memory at a time, 8 bytes each


def within_balls(
    queries: np.ndarray, points: np.ndarray, neighbours: int, block: int = BLOCK
) -> Iterator[np.ndarray]:
    """Whether each query lies in the ball of each point.

    A distance equal to a radius is within it, as in equation 1 of the paper (some libraries leave
    it out). Distances count as equal if they differ by no more than their rounding and that of
    the features to their dtype. So neither the dtype, nor a constant that is added to all
    features, nor the order of images decides.

    Args:
        queries: [N, D], of any float or integer dtype.
        points: [M, D], likewise, M > `neighbours`.
        neighbours: k.
        block: number of distances in memory at a time.

    Yields:
        bool [n, M] for some queries after others, in their order.

    >>> points = np.array([[0.0], [1.0], [3.0]])  # with radii of 1, 1 and 2
    >>> [rows.tolist() for rows in within_balls(np.array([[2.0], [9.0]]), points, neighbours=1)]
    [[[False, True, True], [False, False, False]]]
    """
    epsilon = max(_epsilon(queries), _epsilon(points))
    norms = [np.linalg.norm(x.astype(np.float64), axis=1) for x in (queries, points)]
    # Centred, since large means would cost digits of the distances.
    center = points.mean(axis=0, dtype=np.float64)
    queries, points = queries - center, points - center
    radii = [
        np.partition(squared, neighbours, axis=1)[:, neighbours]  # index 0 is the point itself
        for _, squared, _ in squared_distances(points, points, block)
    ]
    squared_radius = np.concatenate(radii)
    for rows, squared, rounding in squared_distances(queries, points, block):
        distance = np.sqrt(np.maximum(squared, 0))
        # Features that are rounded to their dtype change a squared distance by this at most.
        rounding += epsilon * distance * (norms[0][rows, None] + norms[1])
        yield squared - rounding <= squared_radius


def _epsilon(features: np.ndarray) -> float:
    """Relative rounding of the features' dtype."""
    return float(np.finfo(features.dtype).eps) if features.dtype.kind == "f" else 0.0


def squared_distances(
    x: np.ndarray, y: np.ndarray, block: int
) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Yields rows of x, their |x - y|^2 of all pairs [n, M], and the rounding errors of these.

    Args:
        x: float64 [N, D], near zero, since large means would cost digits.
        y: float64 [M, D], likewise.
        block: number of distances at a time.
    """
    rows = max(1, block // len(y))
    for start in range(0, len(x), rows):
        place = slice(start, start + rows)
        part = x[place]
        scale = np.square(part).sum(axis=1)[:, None] + np.square(y).sum(axis=1)
        yield place, scale - 2 * (part @ y.T), _ROUNDING * scale
