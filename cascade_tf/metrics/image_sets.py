"""Features of sets of images, from folders, arrays or files of statistics."""

import itertools
import os
from collections.abc import Iterator
from typing import TypeGuard

import numpy as np
import numpy.typing as npt
from etils import epath

from cascade_tf.counts import checked_count
from cascade_tf.data.folder import decode_file
from cascade_tf.data.folder_listing import image_paths
from cascade_tf.errors import UserError
from cascade_tf.metrics.features import (
    FeatureExtractor,
    checked_images,
    extract_features,
    feature_batches,
)
from cascade_tf.metrics.frechet import GaussianAccumulator, GaussianStatistics
from cascade_tf.metrics.statistics_file import ImageOrigin, load_statistics

Path = str | os.PathLike[str]
ImageSet = npt.ArrayLike | Path


def image_batches(images: ImageSet, batch_size: int) -> Iterator[np.ndarray]:
    """Yields the images of an array or of a folder, uint8 [n, H, W, 1 or 3], n <= `batch_size`.

    Args:
        images: uint8 [N, H, W, 1 or 3], as an array, a tensor or a list of arrays; or a folder of
            image files. Sub-folders are included, in the order of paths, and images are decoded
            to RGB. Their sizes may differ: a batch ends where the size changes.
        batch_size: 1 or more.

    Raises:
        UserError: the array has another dtype or shape, the folder is missing or has no images,
            an image cannot be decoded, or `batch_size` is below 1.

    Example:
        >>> images = np.zeros([5, 8, 8, 3], np.uint8)
        >>> [len(batch) for batch in image_batches(images, batch_size=2)]
        [2, 2, 1]
    """
    batch_size = checked_count("batch_size", batch_size, at_least=1)
    if not isinstance(images, (str, os.PathLike)):
        array = checked_images(_as_array(images))
        for start in range(0, len(array), batch_size):
            yield array[start : start + batch_size]
        return
    for _, same in itertools.groupby(_decoded(images), key=np.shape):
        while batch := list(itertools.islice(same, batch_size)):
            yield np.stack(batch)


def image_shape(images: ImageSet) -> tuple[int, int, int]:
    """Returns H, W and C of the first image of a set.

    Raises:
        UserError: there are no images, or see `image_batches`.

    Example:
        >>> image_shape(np.zeros([5, 8, 12, 3], np.uint8))
        (8, 12, 3)
    """
    first = next(image_batches(images, 1), None)
    if first is None:
        raise UserError("there are no images in the array")
    _, height, width, channels = first.shape
    return height, width, channels


def set_features(images: ImageSet, extractor: FeatureExtractor, batch_size: int) -> np.ndarray:
    """Returns the features of a set of images, float32 [N, D].

    Raises:
        UserError: see `image_batches`.

    Example:
        >>> from cascade_tf.metrics import PixelFeatures
        >>> set_features(np.zeros([5, 8, 8, 3], np.uint8), PixelFeatures((8, 8, 3)), 2).shape
        (5, 216)
    """
    return extract_features(extractor, image_batches(images, batch_size))


def set_statistics(
    images: ImageSet,
    extractor: FeatureExtractor,
    batch_size: int,
    other: ImageSet | None = None,
) -> GaussianStatistics:
    """Returns mean and covariance of the features of a set, computed or read from a file.

    Args:
        images: see `image_batches`; or a file of `save_statistics`, or a published file with `mu`
            and `sigma`.
        extractor: the feature space.
        batch_size: images at a time.
        other: the set to compare with. A file of statistics must be of images of its size.

    Raises:
        UserError: fewer than 2 images; or see `image_batches` and `load_statistics`.

    Example:
        >>> from cascade_tf.metrics import PixelFeatures
        >>> images = np.zeros([5, 8, 8, 3], np.uint8)
        >>> set_statistics(images, PixelFeatures((8, 8, 3)), 2).covariance.shape
        (216, 216)
    """
    if is_file(images):
        origin = None
        if other is not None and not is_file(other):
            height, width, _ = image_shape(other)
            origin = ImageOrigin(f"{height}x{width}")
        return load_statistics(images, extractor, origin)
    accumulator = GaussianAccumulator()
    for features in feature_batches(extractor, image_batches(images, batch_size)):
        accumulator.add(features)
    return accumulator.statistics()


def is_file(images: ImageSet) -> TypeGuard[Path]:
    """Returns whether a set is the path of a file, not a folder or an array."""
    is_path = isinstance(images, (str, os.PathLike))
    return is_path and epath.Path(images).expanduser().is_file()


def _as_array(images: npt.ArrayLike) -> np.ndarray:
    try:
        return np.asarray(images)
    except ValueError as error:
        raise UserError("images in a list must have one size and number of channels") from error


def _decoded(folder: Path) -> Iterator[np.ndarray]:
    """Yields the images of a folder, uint8 [H, W, 3] each."""
    root = os.fspath(epath.Path(folder).expanduser())
    for name in image_paths(root, "images"):
        try:
            yield np.asarray(decode_file(os.fsencode(os.path.join(root, name))))
        except ValueError as error:
            raise UserError(str(error)) from error
