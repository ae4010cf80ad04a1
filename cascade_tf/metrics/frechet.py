"""Frechet distance between Gaussians fitted to two sets of features.

Heusel et al. 2017, equation 6; "FID" with features of the Inception network.
"""

import dataclasses

import numpy as np

from cascade_tf.errors import UserError
from cascade_tf.metrics.features import checked_features


@dataclasses.dataclass(frozen=True, eq=False)
class GaussianStatistics:
    """Mean and covariance of D features over a set of images.

    Attributes:
        mean: float64 [D].
        covariance: float64 [D, D], the unbiased estimate.
        count: number of images; None if unknown.
        remarks: what else to know when distances to them are read.
    """

    mean: np.ndarray
    covariance: np.ndarray
    count: int | None
    remarks: tuple[str, ...] = ()

    @property
    def caution(self) -> str | None:
        """The remarks, and a warning if there are too few images for an unbiased distance."""
        texts = list(self.remarks)
        if self.count is not None and self.count <= len(self.mean):
            texts.append(
                f"{self.count} images do not determine the covariance of {len(self.mean)} "
                "features: the distance is biased upwards"
            )
        return "; ".join(texts) or None


class GaussianAccumulator:
    """Accumulates mean and covariance batch by batch, in memory of one batch and [D, D].

    >>> accumulator = GaussianAccumulator()
    >>> accumulator.add(np.array([[0.0], [1.0]]))
    >>> accumulator.add(np.array([[5.0]]))
    >>> accumulator.statistics().mean.tolist()
    [2.0]
    """

    def __init__(self) -> None:
        self._count = 0
        self._mean: np.ndarray | None = None  # [D]
        self._scatter: np.ndarray | None = None  # [D, D], about the mean

    def add(self, features: np.ndarray) -> None:
        """Adds features [n, D]; raises UserError if they are not finite or D differs."""
        if not len(checked_features(features)):
            return
        batch = features.astype(np.float64)
        count, mean = len(batch), batch.mean(axis=0)
        batch -= mean
        scatter = batch.T @ batch
        if self._mean is None or self._scatter is None:
            self._count, self._mean, self._scatter = count, mean, scatter
            return
        if mean.shape != self._mean.shape:
            raise UserError(f"{len(mean)} features follow batches of {len(self._mean)}")
        # Squares are summed about the means; about zero, large means would cost digits.
        total = self._count + count
        shift = mean - self._mean
        self._mean = self._mean + shift * (count / total)
        self._scatter += scatter
        self._scatter += np.outer(shift, shift * (self._count * count / total))
        self._count = total

    def statistics(self) -> GaussianStatistics:
        """Statistics of all features added; raises UserError for fewer than 2 images."""
        if self._mean is None or self._scatter is None or self._count < 2:
            raise UserError(f"a covariance needs at least 2 images, not {self._count}")
        return GaussianStatistics(self._mean, self._scatter / (self._count - 1), self._count)


def gaussian_statistics(features: np.ndarray) -> GaussianStatistics:
    """Mean and covariance of features [N, D].

    Raises:
        UserError: fewer than 2 images, or values that are not finite.

    >>> gaussian_statistics(np.array([[0.0], [2.0]])).covariance.tolist()
    [[2.0]]
    """
    accumulator = GaussianAccumulator()
    for start in range(0, len(features), 4096):  # limits the size of float64 copies
        accumulator.add(features[start : start + 4096])
    return accumulator.statistics()


def frechet_distance(a: GaussianStatistics, b: GaussianStatistics) -> float:
    """Frechet distance |m1 - m2|^2 + Tr(C1 + C2 - 2 (C1^1/2 C2 C1^1/2)^1/2), 0 or more.

    The last trace is computed as the sum of singular values of C1^1/2 C2^1/2. Square roots of
    eigenvalues near 0 would lose half of the digits.

    Raises:
        UserError: the sets have different numbers of features.

    >>> a, b = (gaussian_statistics(np.array([[x], [x + 1]])) for x in (0.0, 3.0))
    >>> round(frechet_distance(a, b), 6)
    9.0
    """
    if a.mean.shape != b.mean.shape:
        raise UserError(
            f"{len(a.mean)} features cannot be compared with {len(b.mean)}: "
            "both must come from one feature space"
        )
    difference = a.mean - b.mean
    product = _root(a.covariance).T @ _root(b.covariance)
    overlap = np.linalg.svd(product, compute_uv=False).sum()
    traces = np.trace(a.covariance) + np.trace(b.covariance)
    return max(0.0, float(difference @ difference + traces - 2 * overlap))


def _root(covariance: np.ndarray) -> np.ndarray:
    """R with R R^T = covariance: its symmetric root up to a rotation."""
    values, vectors = np.linalg.eigh(covariance)
    # Zero eigenvalues of a singular covariance come out on either side of 0 by rounding.
    noise = len(values) * np.finfo(np.float64).eps * np.abs(values).max()
    return vectors * np.sqrt(np.where(values > noise, values, 0))
