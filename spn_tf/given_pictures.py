"""Upscaling of given images: the parts of each stage's target that they determine.

A small image, of the size of a slice, is the first slice of the large one, at full bit depth: every
stage keeps its pixels (section 2.3). An image of full size gives its most significant bits
(section 2.4).
"""

from collections.abc import Sequence

import tensorflow as tf

from spn_tf.sampling import UNKNOWN
from spn_tf.spn_stage import SPNStage


def accepted_sizes(stages: Sequence[SPNStage]) -> dict[tuple[int, int], int]:
    """Sizes (height, width) of images that the stages upscale, and the bits they give.

    Empty for a decoder baseline, which upscales nothing.
    """
    c = stages[-1].config
    sizes = {}
    if c.scale > 1:
        sizes[c.slice_height, c.slice_width] = c.bits
    if c.coarse_bits:
        sizes[c.height, c.width] = c.coarse_bits
    return sizes


def spread(pictures: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Spreads small images over large ones: every S-th pixel of a row, UNKNOWN between them.

    Small and large images have one format then, so that a batch may hold both.

    Args:
        pictures: uint8 [N, h, w, C]; h and w divide `height` and `width` by the same scale S.
        height, width: of the large images.

    Returns:
        int32 [N, height, width, C].
    """
    scale = height // tf.shape(pictures)[1]
    pixels = tf.repeat(tf.repeat(tf.cast(pictures, tf.int32), scale, axis=1), scale, axis=2)
    pixels = tf.ensure_shape(pixels, [None, height, width, pictures.shape[-1]])
    first_row = tf.range(height)[:, None, None] % scale == 0
    first_column = tf.range(width)[None, :, None] % scale == 0
    return tf.where(first_row & first_column, pixels, UNKNOWN)


def known_targets(
    stages: Sequence[SPNStage], images: tf.Tensor, bits: tf.Tensor
) -> list[tf.Tensor]:
    """The known parts of each stage's target, for `sample_cascade`.

    Args:
        stages: coarsest first.
        images: int32 [N, H, W, C] in [0, 256), or UNKNOWN, as of `spread`.
        bits: int32 scalar, or [N]: bits of each image that are given.
    """
    return [stage.known(images, bits) for stage in stages]
