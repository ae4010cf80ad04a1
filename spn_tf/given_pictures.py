"""Upscaling of a user's images: the parts of each stage's target that they determine.

A small image has the size of a slice. It becomes the first slice of the large one, with all its
bits (section 2.3). Of an image of full size, the most significant bits are kept (section 2.4).
"""

from collections.abc import Sequence

import tensorflow as tf

from spn_tf.autoregressive_config import AutoregressiveConfig
from spn_tf.likelihood_stage import LikelihoodStage
from spn_tf.sampling import UNKNOWN
from spn_tf.spn_stage import SPNStage


def accepted_sizes(stages: Sequence[LikelihoodStage]) -> dict[tuple[int, int], int]:
    """Sizes (height, width) of images that the stages upscale, and the bits kept of each.

    Empty for a decoder baseline, which upscales nothing.

    >>> from spn_tf import SPNConfig, SPNTrainingConfig, UpscalingConfig, make_stages
    >>> config = SPNConfig(height=32, width=32, scale=4)
    >>> accepted_sizes(make_stages(UpscalingConfig("depth"), config, SPNTrainingConfig()))
    {(8, 8): 8, (32, 32): 3}

    Args:
        stages: all of one upscaling, coarsest first.
    """
    c = stages[-1].config
    configs = [stage.config for stage in stages if isinstance(stage, SPNStage)]
    sizes = {(own.slice_height, own.slice_width): c.bits for own in configs if own.scale > 1}
    if isinstance(c, AutoregressiveConfig) and c.coarse_bits:
        sizes[c.height, c.width] = c.coarse_bits
    return sizes


def spread(images: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Spreads small images over large ones: every S-th pixel of a row and column, else UNKNOWN.

    Small and large images then have one format, so that a batch may hold both.

    >>> spread(tf.constant([7, 8], tf.uint8, [1, 1, 2, 1]), 2, 4).numpy()[0, :, :, 0]
    array([[ 7, -1,  8, -1],
           [-1, -1, -1, -1]], dtype=int32)

    Args:
        images: uint8 [N, h, w, C]; `height` / h and `width` / w are the same scale S.
        height, width: of the large images.

    Returns:
        int32 [N, height, width, C].
    """
    scale = height // tf.shape(images)[1]
    pixels = tf.repeat(tf.repeat(tf.cast(images, tf.int32), scale, axis=1), scale, axis=2)
    pixels = tf.ensure_shape(pixels, [None, height, width, images.shape[-1]])
    first_row = tf.range(height)[:, None, None] % scale == 0
    first_column = tf.range(width)[None, :, None] % scale == 0
    return tf.where(first_row & first_column, pixels, UNKNOWN)


def known_targets(
    stages: Sequence[LikelihoodStage], images: tf.Tensor, bits: tf.Tensor
) -> list[tf.Tensor]:
    """The known parts of each stage's target, for `sample_cascade`.

    >>> from spn_tf import SPNConfig, SPNStage, SPNTrainingConfig
    >>> stage = SPNStage("spn", SPNConfig(height=2, width=2, scale=2), SPNTrainingConfig())
    >>> images = spread(tf.fill([1, 1, 1, 3], tf.constant(9, tf.uint8)), 2, 2)
    >>> known_targets([stage], images, bits=tf.constant(8))[0].numpy()[0, :, :, 0]
    array([[ 9, -1],
           [-1, -1]], dtype=int32)

    Args:
        stages: coarsest first.
        images: int32 [N, H, W, C] in [0, 256), or UNKNOWN, as `spread` returns them.
        bits: int32 scalar, or [N]: most significant bits of each image that are known.

    Returns:
        int32 tensors of the targets' shapes, UNKNOWN where an intensity is to be drawn.
    """
    return [stage.known(images, bits) for stage in stages if isinstance(stage, SPNStage)]
