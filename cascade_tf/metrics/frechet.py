"""The Frechet distance between two sets of features, each taken as a Gaussian.

Heusel et al. 2017, equation 6; "FID" where the features are those of the Inception network.
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
        count: images; None where a file does not tell.
    """

    mean: np.ndarray
    covariance: np.ndarray
    count: int | None

    @property
    def caution(self) -> str | None:
        """What is to be said beside a distance from too few images, if these are too few."""
        if self.count is None or self.count > len(self.mean):
            return None
        return (
            f"{self.count} images do not determine the covariance of {len(self.mean)} features: "
            "the distance is biased upwards"
        )


class GaussianAccumulator:
    """Adds up statistics batch by batch: memory is that of one batch and one [D, D] matrix."""

    def __init__(self) -> None:
        self._count = 0
        self._mean: np.ndarray | None = None  # [D]
        self._scatter: np.ndarray | None = None  # [D, D], about the mean

    def add(self, features: np.ndarray) -> None:
        """Adds features [n, D]; raises UserError if they are not finite or of another D."""
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
        # Sums of squares are never formed about zero, where large means would drown them.
        total = self._count + count
        shift = mean - self._mean
        self._mean = self._mean + shift * (count / total)
        self._scatter += scatter
        self._scatter += np.outer(shift, shift * (self._count * count / total))
        self._count = total

    def statistics(self) -> GaussianStatistics:
        """Those of all that was added; raises UserError for fewer than 2 images."""
        if self._mean is None or self._scatter is None or self._count < 2:
            raise UserError(f"a covariance needs 2 images or more, found {self._count}")
        return GaussianStatistics(self._mean, self._scatter / (self._count - 1), self._count)


def gaussian_statistics(features: np.ndarray) -> GaussianStatistics:
    """Statistics of features [N, D]; raises UserError as the accumulator."""
    accumulator = GaussianAccumulator()
    for start in range(0, len(features), 4096):  # float64 copies of few rows at a time
        accumulator.add(features[start : start + 4096])
    return accumulator.statistics()


def frechet_distance(a: GaussianStatistics, b: GaussianStatistics) -> float:
    """|m1 - m2|^2 + Tr(C1 + C2 - 2 (C1^1/2 C2 C1^1/2)^1/2), 0 or more.

    The last trace is the sum of the singular values of C1^1/2 C2^1/2. Taken from those, it does
    not lose half of the digits to the root of an eigenvalue near 0.

    Raises:
        UserError: the sets have different numbers of features.
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
    """R with R R^T = covariance: its symmetric root, but for a rotation."""
    values, vectors = np.linalg.eigh(covariance)
    # Where the covariance is singular, rounding leaves values on either side of 0.
    noise = len(values) * np.finfo(np.float64).eps * np.abs(values).max()
    return vectors * np.sqrt(np.where(values > noise, values, 0))
