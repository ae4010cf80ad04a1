"""Distances between two sets of images, from folders, arrays or files of statistics."""

import os

from cascade_tf.errors import UserError
from cascade_tf.metrics.comparison import Comparison, compare
from cascade_tf.metrics.features import FeatureExtractor
from cascade_tf.metrics.frechet import frechet_distance
from cascade_tf.metrics.image_sets import (
    ImageSet,
    Path,
    image_shape,
    is_file,
    set_features,
    set_statistics,
)
from cascade_tf.metrics.inception import load_inception
from cascade_tf.metrics.pixel_features import PixelFeatures

BATCH_SIZE = 64  # images that are decoded, and looked at, at a time


def fid(
    a: ImageSet, b: ImageSet, weights: Path | FeatureExtractor, batch_size: int = BATCH_SIZE
) -> float:
    """Frechet Inception Distance between two sets of images (Heusel et al. 2017, equation 6).

    Only distances in the space of the Inception network of 2015-12-05 are FIDs, so its weights are
    required. `compare_images` compares without weights, under other names.

    Args:
        a, b: uint8 arrays [N, H, W, 1 or 3], folders of images, or files of statistics. Images
            of any size, each resized as Inception's own graph does; grey is repeated.
        weights: a file of `load_inception`; or its result, if there are several calls.
        batch_size: images at a time; the distance does not depend on it.

    Returns:
        The distance, 0 or more. It is biased upwards for few images: papers take 50,000.

    Raises:
        UserError: a set or a file cannot be read, there are fewer than 2 images, or the weights
            are of another feature space.

    Example:
        >>> import numpy as np
        >>> from cascade_tf.metrics import InceptionFeatures
        >>> class Small(InceptionFeatures):  # stands for the network of load_inception
        ...     size = 3
        >>> network = Small(lambda images: images.mean(axis=(1, 2)), checksum="", head=None)
        >>> a = np.random.default_rng(0).integers(0, 256, [16, 8, 8, 3], np.uint8)
        >>> fid(a, a, weights=network) < 1e-6 < fid(a, a // 2, weights=network)
        True
    """
    extractor = _extractor(weights)
    if extractor.distance_name != "fid":
        raise UserError(
            f"distances between {extractor.name} are no FID, which needs Inception's weights: "
            f"give a file of load_inception, or use compare_images"
        )
    statistics = [set_statistics(images, extractor, batch_size) for images in (a, b)]
    return frechet_distance(*statistics)


def compare_images(
    samples: ImageSet,
    reference: ImageSet,
    weights: Path | FeatureExtractor | None = None,
    batch_size: int = BATCH_SIZE,
    seed: int = 0,
) -> Comparison:
    """All figures that compare samples with a reference set, under the names they may bear.

    Args:
        samples: a uint8 array [N, H, W, 1 or 3] or a folder of images.
        reference: the same; or a file of statistics, which the Frechet distance alone needs.
        weights: as of `fid`, for FID, KID, precision and recall in Inception's space, and the
            Inception Score. None: pixel features, which need images of one size. Their figures
            are no FID, and begin with "pixel".
        batch_size: images at a time.
        seed: of the subsets that the kernel distance draws.

    Raises:
        UserError: as `fid` and `compare`.

    Example:
        >>> import numpy as np
        >>> images = np.random.default_rng(0).integers(0, 256, [16, 8, 8, 3], np.uint8)
        >>> figures = compare_images(images[:8], images[8:]).figures
        >>> list(figures)[:2]
        ['pixel_frechet_distance', 'pixel_kernel_distance']
    """
    extractor = PixelFeatures(image_shape(samples)) if weights is None else _extractor(weights)
    features = set_features(samples, extractor, batch_size)
    if isinstance(reference, (str, os.PathLike)) and is_file(reference):
        return compare(extractor, features, set_statistics(reference, extractor, batch_size), seed)
    return compare(extractor, features, set_features(reference, extractor, batch_size), seed)


def _extractor(weights: Path | FeatureExtractor) -> FeatureExtractor:
    return load_inception(weights) if isinstance(weights, (str, os.PathLike)) else weights
