"""Fingerprint of the images on which metrics were computed.

Two models can be compared only on images that are equal bit by bit. Three different sets are called
ImageNet 64. At 32x32, one model has 3.69 bits/dim on one set and 3.43 on another.
"""

import hashlib
from typing import NamedTuple

from cascade_tf.data.source import Source

# Validation images in the archive used for the SPN paper's Table 1 (van den Oord et al., 2016).
_DOWNSAMPLED_IMAGENET = 49_999
_BATCH_SIZE = 100


class Fingerprint(NamedTuple):
    """Identity of a set of images after preprocessing.

    Attributes:
        images: number of images.
        sha256: hexadecimal hash of their uint8 pixels, row by row and image by image.
        preprocessing: a description in words.
    """

    images: int
    sha256: str
    preprocessing: str


def fingerprint(source: Source, total: int) -> Fingerprint:
    """Fingerprint of the first `total` evaluation images of a source.

    >>> import numpy as np
    >>> from cascade_tf.data import ArraySource
    >>> fingerprint(ArraySource(np.zeros([3, 8, 8, 1], np.uint8)), 2).images
    2
    """
    digest, count = hashlib.sha256(), 0
    for batch in source.evaluation_examples(min(_BATCH_SIZE, total), limit=total):
        images = batch.images.numpy()[batch.indices.numpy() >= 0]  # neither padding nor skipped
        digest.update(images.tobytes())
        count += len(images)
    size, channels = source.config.image_size, source.config.channels
    colour = "grey" if channels == 1 else "RGB"
    crop = f"largest centre square, resized by area to {size}x{size}, rounded"
    if source.config.crop == "window":
        crop = f"centre window of {size}x{size} at the image's own resolution"
    preprocessing = f"{crop}, {colour}"
    return Fingerprint(count, digest.hexdigest(), preprocessing)


def caution(source: Source) -> str | None:
    """A warning if a split differs from the published one of its name; else None."""
    name, count = source.config.dataset, source.num_examples
    is_published = name.startswith("downsampled_imagenet") and source.split == "test"
    if is_published and count != _DOWNSAMPLED_IMAGENET:
        return (
            f"the test split of {name} has {count:,} images, not {_DOWNSAMPLED_IMAGENET:,}: it is "
            f"not the set of the SPN paper's Table 1"
        )
    return None
