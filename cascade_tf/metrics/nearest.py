"""Nearest neighbours of samples among images, to find what a model memorised."""

from typing import NamedTuple

import numpy as np

from cascade_tf.counts import checked_count
from cascade_tf.errors import UserError
from cascade_tf.metrics.features import checked_sets
from cascade_tf.metrics.neighbour_balls import BLOCK, squared_distances


class Neighbours(NamedTuple):
    """Numbers of the nearest images, nearest first, and their distances; [N, count] each."""

    numbers: np.ndarray
    distances: np.ndarray


def nearest(
    samples: np.ndarray, reference: np.ndarray, count: int = 1, block: int = BLOCK
) -> Neighbours:
    """The images whose features are nearest to those of each sample.

    Args:
        samples: [N, D].
        reference: [M, D].
        count: neighbours of each sample.
        block: number of distances in memory at a time.

    Raises:
        UserError: fewer images than neighbours, different numbers of features, or values that are
            not finite.
        SettingError: `count` is below 1.

    >>> images = np.array([[0.0], [3.0], [10.0]])
    >>> numbers, distances = nearest(np.array([[2.0], [9.0]]), images, count=2)
    >>> numbers.tolist(), distances.tolist()
    ([[1, 0], [2, 1]], [[1.0, 2.0], [1.0, 6.0]])
    """
    count = checked_count("count", count, at_least=1)
    checked_sets(samples, reference, fewest=1)
    if len(reference) < count:
        raise UserError(f"{len(reference)} images have no {count} nearest ones")
    # Centred, since large means would cost digits of the distances.
    center = reference.mean(axis=0, dtype=np.float64)
    numbers = np.zeros([len(samples), count], int)
    for rows, squared, _ in squared_distances(samples - center, reference - center, block):
        numbers[rows] = np.argsort(squared, axis=1, kind="stable")[:, :count]
    # Of the differences themselves: a copy is at a distance of exactly 0, and an image at the same
    # distance from a sample in every set.
    distances = [
        np.linalg.norm(np.float64(sample) - reference[own], axis=1)
        for sample, own in zip(samples, numbers, strict=True)
    ]
    return Neighbours(numbers, np.reshape(distances, numbers.shape))


def share_nearer(
    samples: np.ndarray, training: np.ndarray, held_out: np.ndarray
) -> tuple[float, float]:
    """Share of samples that are nearer to a training image than to any held-out one.

    Samples as near to both count M / (M + K).

    Args:
        samples: [N, D].
        training: [M, D].
        held_out: [K, D].

    Returns:
        The share, and the share without memorisation, M / (M + K): training and held-out images
        are of one distribution, so each of them is as likely to be the nearest one. A model that
        copies its training images has a share of 1.

    Raises:
        UserError: see `nearest`.

    >>> rng = np.random.default_rng(0)
    >>> training, held_out = rng.normal(size=[400, 3]), rng.normal(size=[100, 3])
    >>> share_nearer(training[:50], training, held_out)  # a model that copies
    (1.0, 0.8)
    """
    own, other = (nearest(samples, features).distances for features in (training, held_out))
    expected = len(training) / (len(training) + len(held_out))
    return float(np.where(own == other, expected, own < other).mean()), expected
