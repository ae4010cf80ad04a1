"""Upscaling of given pictures: what a picture tells of each stage's target (sections 2.3, 2.4).

A small picture, of the size of a slice, is the first slice of the image to be made, at the
image's full bits: every stage keeps its pixels. A picture of full size gives its most
significant bits.
"""

from collections.abc import Sequence

import tensorflow as tf

from spn_tf.sampling import UNKNOWN
from spn_tf.spn_stage import SPNStage


def accepted_sizes(stages: Sequence[SPNStage]) -> dict[tuple[int, int], int]:
    """Sizes (height, width) of pictures that the stages upscale, and the bits they give.

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
    """Pictures at their places in images of full size, UNKNOWN between them.

    Args:
        pictures: uint8 [N, h, w, C], h and w dividing `height` and `width` by one scale.

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
    """What is given of each stage's target, for `sample_cascade`.

    Args:
        stages: coarsest first.
        images: int32 [N, H, W, C] in [0, 256), or UNKNOWN, as of `spread`.
        bits: int32 scalar, or [N]: how many bits of each picture are given. A stage keeps what
            is given at all its bits.
    """
    bits = tf.reshape(bits, [-1, 1, 1, 1])
    return [tf.where(bits >= stage.config.bits, stage.target(images), UNKNOWN) for stage in stages]
