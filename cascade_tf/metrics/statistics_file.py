"""Files of a reference set's statistics, which replace its images in later comparisons.

The keys `mu` and `sigma` are those of published statistics; others identify the feature space.
"""

import io
import os
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from etils import epath

from cascade_tf.errors import UserError
from cascade_tf.files import write_atomically
from cascade_tf.metrics.features import FeatureExtractor
from cascade_tf.metrics.frechet import GaussianStatistics

_SPACE = ("name", "resizer", "checksum")


def save_statistics(
    path: str | os.PathLike[str], statistics: GaussianStatistics, extractor: FeatureExtractor
) -> None:
    """Writes an .npz file with mu, sigma, count and the identity of the feature space.

    Raises:
        UserError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> from cascade_tf.metrics import PixelFeatures, gaussian_statistics
        >>> extractor = PixelFeatures((8, 8, 1))
        >>> statistics = gaussian_statistics(extractor(np.zeros([3, 8, 8, 1], np.uint8)))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_statistics(f"{folder}/zeros.npz", statistics, extractor)
        ...     load_statistics(f"{folder}/zeros.npz", extractor).count
        3
    """
    arrays: dict[str, Any] = {"mu": statistics.mean, "sigma": statistics.covariance}
    arrays.update(_space(extractor))
    if statistics.count is not None:
        arrays["count"] = statistics.count
    content = io.BytesIO()
    np.savez(content, **arrays)
    try:
        write_atomically(epath.Path(path).expanduser(), content.getvalue())
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from error


def load_statistics(
    path: str | os.PathLike[str], extractor: FeatureExtractor
) -> GaussianStatistics:
    """Reads statistics from a file of `save_statistics`, or a published one.

    Raises:
        UserError: the file cannot be read, holds no finite statistics, or is of another feature
            space.

    Example: see `save_statistics`.
    """
    arrays = _read(path)
    missing = [key for key in ("mu", "sigma") if key not in arrays]
    if missing:
        raise UserError(f"{path} is no file of statistics: it holds no {' and no '.join(missing)}")
    for key, ours in _space(extractor).items():
        if key in arrays and str(arrays[key]) != ours:
            raise UserError(
                f"{path} is of another feature space: its {key} is {arrays[key]}, not {ours}"
            )
    mean, covariance = arrays["mu"], arrays["sigma"]
    size = extractor.size
    if mean.shape != (size,) or covariance.shape != (size, size):
        raise UserError(
            f"{path} has mu {list(mean.shape)} and sigma {list(covariance.shape)}: "
            f"[{size}] and [{size}, {size}] are needed"
        )
    for array in (mean, covariance):
        if array.dtype.kind != "f" or not np.isfinite(array).all():
            raise UserError(f"{path} holds values that are not finite")
    count = int(arrays["count"]) if "count" in arrays else None
    return GaussianStatistics(mean.astype(np.float64), covariance.astype(np.float64), count)


def _read(path: str | os.PathLike[str]) -> Mapping[str, np.ndarray]:
    try:
        file = np.load(epath.Path(path).expanduser(), allow_pickle=False)
        if isinstance(file, np.ndarray):
            raise ValueError("one array")
        with file:
            # Published files may hold other, large arrays, which are not read.
            return {key: file[key] for key in file if key in ("mu", "sigma", "count", *_SPACE)}
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise UserError(f"{path} is no .npz file of statistics") from error


def _space(extractor: FeatureExtractor) -> dict[str, str]:
    return {key: str(getattr(extractor, key)) for key in _SPACE}
