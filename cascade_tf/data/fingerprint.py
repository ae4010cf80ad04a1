"""A fingerprint of the images that figures were computed on.

Figures of two models can be compared if their images are the same to the bit: three sets are called
ImageNet 64, and one model gets 3.69 bits/dim on one of them and 3.43 on another, at 32x32.
"""

import hashlib
from typing import NamedTuple

from cascade_tf.data.source import Source

# Validation images of the archive behind the SPN paper's Table 1 (van den Oord et al., 2016).
_DOWNSAMPLED_IMAGENET = 49_999
_BATCH_SIZE = 100


class Fingerprint(NamedTuple):
    """Identity of a set of images after preprocessing.

    Attributes:
        images: their number.
        sha256: of their pixels as uint8, row by row, image after image, in hexadecimal.
        preprocessing: in words.
    """

    images: int
    sha256: str
    preprocessing: str


def fingerprint(source: Source, total: int) -> Fingerprint:
    """The fingerprint of the first `total` images of a source, in its own order.

    >>> import numpy as np
    >>> from cascade_tf.data import ArraySource
    >>> fingerprint(ArraySource(np.zeros([3, 8, 8, 1], np.uint8)), 2).images
    2
    """
    digest, count = hashlib.sha256(), 0
    for batch in source.evaluation_examples(min(_BATCH_SIZE, total), limit=total):
        images = batch.images.numpy()[batch.indices.numpy() >= 0]  # neither filler nor skipped
        digest.update(images.tobytes())
        count += len(images)
    size, channels = source.config.image_size, source.config.channels
    colour = "grey" if channels == 1 else "RGB"
    preprocessing = f"largest centre square, resized by area to {size}x{size}, rounded, {colour}"
    return Fingerprint(count, digest.hexdigest(), preprocessing)


def caution(source: Source) -> str | None:
    """A warning where a split is not the one that its name promises; else None."""
    name, count = source.config.dataset, source.num_examples
    of_paper = name.startswith("downsampled_imagenet") and source.split == "test"
    if of_paper and count != _DOWNSAMPLED_IMAGENET:
        return (
            f"the test split of {name} has {count:,} images, not {_DOWNSAMPLED_IMAGENET:,}: it is "
            f"not the set of the SPN paper's Table 1"
        )
    return None
