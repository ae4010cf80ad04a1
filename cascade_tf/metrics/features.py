"""Feature extraction: images to the vectors by which sets of images are compared."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import numpy as np

from cascade_tf.errors import UserError


class FeatureExtractor(Protocol):
    """A feature space. N: images, D: features.

    Metrics are comparable only within one space, so they are shown with these attributes.

    Attributes:
        name: of the space.
        size: D.
        checksum: hexadecimal sha256 of the weights; None if there are none.
        resizer: description of the resize before extraction.
        distance_name: name of the Frechet distance; "fid" only in Inception's space.
        kernel_distance_name: name of the kernel distance; "kid" only in Inception's space.
        sliced_distance_name: name of the sliced distance; "mind" only in Inception's space.
        prefix: of the names of other metrics.

    Example: see `PixelFeatures`.
    """

    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def checksum(self) -> str | None: ...
    @property
    def resizer(self) -> str: ...
    @property
    def distance_name(self) -> str: ...
    @property
    def kernel_distance_name(self) -> str: ...
    @property
    def sliced_distance_name(self) -> str: ...
    @property
    def prefix(self) -> str: ...

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Extracts features: uint8 [N, H, W, 1 or 3] to float32 [N, D]."""
        ...

    def probabilities(self, features: np.ndarray) -> np.ndarray | None:
        """Class probabilities, [N, classes], from features; None without a classifier."""
        ...


def feature_batches(
    extractor: FeatureExtractor,
    batches: Iterable[np.ndarray],
    on_progress: Callable[[int], None] | None = None,
) -> Iterator[np.ndarray]:
    """Yields the features of each batch of images, float32 [n, D].

    Args:
        extractor: the feature space.
        batches: uint8 [n, H, W, 1 or 3] each.
        on_progress: called after each batch with the number of images in it.

    >>> from cascade_tf.metrics import PixelFeatures
    >>> images = np.zeros([3, 8, 8, 1], np.uint8)
    >>> extractor = PixelFeatures((8, 8, 1))
    >>> [features.shape for features in feature_batches(extractor, [images[:2], images[2:]])]
    [(2, 88), (1, 88)]
    """
    for images in batches:
        yield extractor(images)
        if on_progress is not None:
            on_progress(len(images))


def extract_features(
    extractor: FeatureExtractor,
    batches: Iterable[np.ndarray],
    on_progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Features of all batches, float32 [N, D]; arguments as for `feature_batches`.

    >>> from cascade_tf.metrics import PixelFeatures
    >>> batches = [np.zeros([2, 8, 8, 1], np.uint8), np.zeros([1, 8, 8, 1], np.uint8)]
    >>> extract_features(PixelFeatures((8, 8, 1)), batches).shape
    (3, 88)
    """
    parts = list(feature_batches(extractor, batches, on_progress))
    return np.concatenate([np.zeros([0, extractor.size], np.float32), *parts])


def checked_images(images: np.ndarray) -> np.ndarray:
    """Returns `images`; raises UserError unless they are uint8 [N, H, W, 1 or 3].

    >>> checked_images(np.zeros([8, 8, 3]))
    Traceback (most recent call last):
    cascade_tf.errors.UserError: images are float64 [8, 8, 3]: uint8 [N, H, W, 1 or 3] is needed
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise UserError(
            f"images are {images.dtype} {list(images.shape)}: uint8 [N, H, W, 1 or 3] is needed"
        )
    return images


def checked_features(features: np.ndarray) -> np.ndarray:
    """Returns `features`; raises UserError unless they are [N, D] and finite."""
    if features.ndim != 2:
        raise UserError(f"features have shape {list(features.shape)}: [N, D] is needed")
    if not np.isfinite(features).all():
        raise UserError("features are not finite: the images or the weights cannot be right")
    return features


def checked_sets(samples: np.ndarray, reference: np.ndarray, fewest: int) -> None:
    """Raises UserError unless both are features [.., D] of at least `fewest` images."""
    for features in (samples, reference):
        count = len(checked_features(features))
        if count < fewest:
            raise UserError(f"{count} images are too few to compare: at least {fewest} are needed")
    if samples.shape[1] != reference.shape[1]:
        raise UserError(
            f"the samples have {samples.shape[1]} features, the reference {reference.shape[1]}: "
            "both must come from one feature space"
        )
