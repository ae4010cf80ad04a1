"""Resampling by two: nearest-neighbour upsampling, and means of 2x2 pixels."""

from collections.abc import Callable

import tensorflow as tf

from wavelet_tf.biggan.shapes import Shape


@tf.custom_gradient
def doubled(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """[B, H, W, C] to [B, 2H, 2W, C]: every pixel becomes 2x2."""
    _, height, width, channels = x.shape
    tiled = tf.tile(x[:, :, None, :, None, :], [1, 1, 2, 1, 2, 1])
    # That of `tf.tile` would be a sum over two axes that are not neighbours, which is slow.
    return (
        tf.reshape(tiled, [-1, 2 * height, 2 * width, channels]),
        lambda upstream: 4 * halved(upstream),
    )


def halved(x: tf.Tensor) -> tf.Tensor:
    """[B, H, W, C] to [B, H / 2, W / 2, C]: means of 2x2 pixels."""
    return tf.nn.avg_pool2d(x, 2, 2, "VALID")


def doubled_shape(shape: Shape) -> Shape:
    """The shape that `doubled` returns."""
    batch, height, width, channels = shape
    return batch, height and 2 * height, width and 2 * width, channels


def halved_shape(shape: Shape) -> Shape:
    """The shape that `halved` returns."""
    batch, height, width, channels = shape
    return batch, height and height // 2, width and width // 2, channels
