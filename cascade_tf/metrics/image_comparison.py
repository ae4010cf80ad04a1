"""Distances between two sets of images, from folders, arrays or files of statistics."""

import functools
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

BATCH_SIZE = 64  # images that are decoded and processed at a time


def fid(
    a: ImageSet, b: ImageSet, weights: Path | FeatureExtractor, batch_size: int = BATCH_SIZE
) -> float:
    """Frechet Inception Distance between two sets of images (Heusel et al. 2017, equation 6).

    Only distances in the feature space of the Inception network of 2015-12-05 are FIDs, so its
    weights are required. `compare_images` also works without weights, under other names.

    Args:
        a, b: uint8 arrays or tensors [N, H, W, 1 or 3], folders of images, or files of
            statistics. Images of any size are resized as in Inception's own graph; grey is
            repeated. A file that says the size of its images must have the size of the other
            set's first image.
        weights: a file for `load_inception`, or its result, which several calls can share.
        batch_size: images at a time; it does not change the distance.

    Returns:
        The distance, 0 or more. With few images it is biased upwards; papers use 50,000.

    Raises:
        UserError: a set or a file cannot be read, a set has fewer than 2 images, or `weights` is
            another feature space.

    Example:
        >>> import numpy as np
        >>> from cascade_tf.metrics import InceptionFeatures
        >>> class Small(InceptionFeatures):  # instead of load_inception
        ...     size = 3
        >>> network = Small(lambda images: images.mean(axis=(1, 2)), checksum="", head=None)
        >>> a = np.random.default_rng(0).integers(0, 256, [16, 8, 8, 3], np.uint8)
        >>> fid(a, a, weights=network) < 1e-6 < fid(a, a // 2, weights=network)
        True
    """
    extractor = _extractor(weights)
    if extractor.distance_name != "fid":
        raise UserError(
            f"distances between {extractor.name} are no FID, which needs Inception's pooled "
            f"features: use a file for load_inception, or compare_images"
        )
    return frechet_distance(
        set_statistics(a, extractor, batch_size, other=b),
        set_statistics(b, extractor, batch_size, other=a),
    )


def compare_images(
    samples: ImageSet,
    reference: ImageSet,
    weights: Path | FeatureExtractor | None = None,
    batch_size: int = BATCH_SIZE,
    seed: int = 0,
) -> Comparison:
    """All metrics of samples and a reference set, named for their feature space.

    Args:
        samples: a uint8 array or tensor [N, H, W, 1 or 3], or a folder of images.
        reference: likewise, or a file of statistics. Statistics allow only the Frechet
            distance and the Inception Score of the samples.
        weights: as for `fid`, for FID, KID, MIND, precision and recall, density and coverage in
            Inception's space, and the Inception Score; or the result of `load_extractor`. None:
            pixel features, which need images of one size. Metrics in other spaces have other
            names, such as "pixel_frechet_distance".
        batch_size: images at a time.
        seed: as for `compare`.

    Raises:
        UserError: see `fid` and `compare`.

    Example:
        >>> import numpy as np
        >>> images = np.random.default_rng(0).integers(0, 256, [16, 8, 8, 3], np.uint8)
        >>> figures = compare_images(images[:8], images[8:]).figures
        >>> list(figures)[:2]
        ['pixel_frechet_distance', 'pixel_kernel_distance']
    """
    extractor = PixelFeatures(image_shape(samples)) if weights is None else _extractor(weights)
    features_of = functools.partial(set_features, extractor=extractor, batch_size=batch_size)
    if is_file(reference):
        statistics = set_statistics(reference, extractor, batch_size, other=samples)
        return compare(extractor, features_of(samples), statistics, seed)
    return compare(extractor, features_of(samples), features_of(reference), seed)


def _extractor(weights: Path | FeatureExtractor) -> FeatureExtractor:
    if isinstance(weights, (str, os.PathLike)):
        return load_inception(weights)
    if not hasattr(weights, "distance_name"):
        raise UserError(
            f"weights={weights}: use a file for load_inception, or its result; compare_images "
            f"also works without weights, and with the result of load_extractor"
        )
    return weights
