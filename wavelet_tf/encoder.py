"""The deterministic encoders: an image to ever smaller ones (equation 2; section 4.5)."""

import tensorflow as tf

from wavelet_tf.config import NSBConfig
from wavelet_tf.pixel_decoder import halved
from wavelet_tf.transform import dwt2


def wavelet_pyramid(images: tf.Tensor, config: NSBConfig) -> list[tf.Tensor]:
    """E_L, ..., E_1, E_0: TL after L transforms, ..., after one, and the image (equation 2).

    Args:
        images: float32 [B, H, W, C] in [0, 1].
        config: of the chain; H and W are its `image_size`.

    Returns:
        `levels` + 1 tensors float32, coarsest first. A TL after l transforms is about
        2^l times as large as a picture of the same look, and overshoots at edges.
    """
    pyramid = [images]
    for _ in range(config.levels):
        pyramid.insert(0, dwt2(pyramid[0], config.wavelet, config.wavelet_mode).tl)
    return pyramid


def pixel_pyramid(images: tf.Tensor, config: NSBConfig) -> list[tf.Tensor]:
    """As `wavelet_pyramid`, but the image halved by bilinear resizes; all in [0, 1]."""
    pyramid = [images]
    for _ in range(config.levels):
        pyramid.insert(0, halved(pyramid[0], config.antialias))
    return pyramid


def unit_range(images: tf.Tensor) -> tf.Tensor:
    """uint8 to float32 in [0, 1]."""
    return tf.cast(images, tf.float32) / 255
