"""Files of a reference set's statistics, which replace its images in later comparisons.

The keys `mu` and `sigma` are those of published statistics. The others say of how many images, of
which, and in which feature space they are.
"""

import dataclasses
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

# Keys and what they say. Differences of the first two groups are refused.
_SPACE = {"name": "feature space", "resizer": "resizer", "checksum": "checksum of weights"}
_COMPARABLE = {"image_size": "image size", "channels": "channels"}
_ORIGIN = {**_COMPARABLE, "dataset": "dataset", "split": "split"}
_KEYS = {"count": "number of images", **_SPACE, **_ORIGIN}

# Relative rounding of a covariance, for each feature. Some libraries compute it in float32.
_ROUNDING = float(np.finfo(np.float32).eps)


@dataclasses.dataclass(frozen=True)
class ImageOrigin:
    """A description of the images of a set; None where it is unknown.

    Attributes:
        image_size: "HxW" in pixels, before the resize of a feature space.
        channels: 1 or 3.
        dataset: its name.
        split: "train", "test" or "all".

    Example: see `save_statistics`.
    """

    image_size: str | None = None
    channels: int | None = None
    dataset: str | None = None
    split: str | None = None


def save_statistics(
    path: str | os.PathLike[str],
    statistics: GaussianStatistics,
    extractor: FeatureExtractor,
    origin: ImageOrigin | None = None,
) -> None:
    """Writes an .npz file with mu, sigma, count, and the identity of feature space and images.

    Args:
        path: of the file.
        statistics: of the images.
        extractor: the feature space.
        origin: description of the images.

    Raises:
        UserError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> from cascade_tf.metrics import PixelFeatures, gaussian_statistics
        >>> extractor = PixelFeatures((8, 8, 1))
        >>> statistics = gaussian_statistics(extractor(np.zeros([3, 8, 8, 1], np.uint8)))
        >>> origin = ImageOrigin("8x8", channels=1, dataset="zeros", split="all")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_statistics(f"{folder}/zeros.npz", statistics, extractor, origin)
        ...     load_statistics(f"{folder}/zeros.npz", extractor, origin).count
        3
    """
    arrays: dict[str, Any] = {"mu": statistics.mean, "sigma": statistics.covariance}
    arrays.update(_space(extractor) | _described(origin))
    if statistics.count is not None:
        arrays["count"] = statistics.count
    content = io.BytesIO()
    np.savez(content, **arrays)
    try:
        write_atomically(epath.Path(path).expanduser(), content.getvalue())
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error


def load_statistics(
    path: str | os.PathLike[str],
    extractor: FeatureExtractor,
    origin: ImageOrigin | None = None,
) -> GaussianStatistics:
    """Reads statistics from a file of `save_statistics`, or a published one.

    Args:
        path: of the file.
        extractor: the feature space of the samples to compare.
        origin: description of the images to compare.

    Returns:
        The statistics. Their `caution` says what the file does not say of its feature space and
        images, and if it is of another dataset or split.

    Raises:
        UserError: the file cannot be read, holds no mean and covariance, or is of another feature
            space, image size or number of channels.

    Example: see `save_statistics`.
    """
    arrays = _read(path)
    missing = [key for key in ("mu", "sigma") if key not in arrays]
    if missing:
        raise UserError(f"{path} is no file of statistics: it holds no {' and no '.join(missing)}")
    remarks = _remarks(path, arrays, extractor, origin)
    mean, covariance = arrays["mu"], arrays["sigma"]
    size = extractor.size
    if mean.shape != (size,) or covariance.shape != (size, size):
        raise UserError(
            f"{path} has mu {list(mean.shape)} and sigma {list(covariance.shape)}: "
            f"[{size}] and [{size}, {size}] are needed"
        )
    for array in (mean, covariance):
        if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
            raise UserError(f"{path} holds values that are not finite or no real numbers")
    mean, covariance = mean.astype(np.float64), covariance.astype(np.float64)
    _check_covariance(path, covariance)
    return GaussianStatistics(mean, covariance, _count(path, arrays), remarks)


def _remarks(
    path: str | os.PathLike[str],
    arrays: Mapping[str, np.ndarray],
    extractor: FeatureExtractor,
    origin: ImageOrigin | None,
) -> tuple[str, ...]:
    """Differences and gaps for a caution; raises UserError for what cannot be compared."""
    remarks = []
    for key, ours in (_space(extractor) | _described(origin)).items():
        theirs = str(arrays.get(key, ours))
        if theirs == ours:
            continue
        if key in _SPACE:
            raise UserError(
                f"{path} is of another feature space: its {key} is {theirs}, not {ours}"
            )
        difference = f"{path} is of other images: {key}={theirs}, not {ours}"
        if key in _COMPARABLE:
            raise UserError(difference)
        remarks.append(difference)
    gaps = [meaning for key, meaning in _KEYS.items() if key not in arrays]
    if gaps:
        remarks.append(f"{path} does not say its {', '.join(gaps)}: they may differ from yours")
    return tuple(remarks)


def _check_covariance(path: str | os.PathLike[str], covariance: np.ndarray) -> None:
    rounding = len(covariance) * _ROUNDING * np.abs(covariance).max()
    if np.abs(covariance - covariance.T).max() > rounding:
        raise UserError(f"{path} holds no covariance: its sigma is not symmetric")
    smallest = np.linalg.eigvalsh(covariance)[0]
    if smallest < -rounding:
        raise UserError(
            f"{path} holds no covariance: its sigma has the negative eigenvalue {smallest:.3g}"
        )


def _count(path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray]) -> int | None:
    """The number of images; None if the file does not say it."""
    if "count" not in arrays:
        return None
    count = arrays["count"]
    numeric = count.shape == () and count.dtype.kind in "fiu" and bool(np.isfinite(count))
    if not numeric or count < 2 or count % 1:
        shown = f"an array {list(count.shape)}" if count.shape else count
        raise UserError(f"{path} has count={shown}: a number of images, 2 or more, is needed")
    return int(count)


def _read(path: str | os.PathLike[str]) -> Mapping[str, np.ndarray]:
    try:
        file = np.load(epath.Path(path).expanduser(), allow_pickle=False)
        if isinstance(file, np.ndarray):
            raise ValueError("one array")
        with file:
            # Published files may hold other, large arrays, which are not read.
            return {key: file[key] for key in file if key in ("mu", "sigma", *_KEYS)}
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    # RuntimeError: encrypted, or of a zip format that Python does not read.
    except (ValueError, RuntimeError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise UserError(f"{path} is no .npz file of statistics") from error


def _space(extractor: FeatureExtractor) -> dict[str, str]:
    return {key: str(getattr(extractor, key)) for key in _SPACE}


def _described(origin: ImageOrigin | None) -> dict[str, str]:
    known = dataclasses.asdict(origin) if origin else {}
    return {key: str(value) for key, value in known.items() if value is not None}
