"""Resampling by two with the filter [1, 2, 1] in both directions, aligned as in StyleGAN2."""

import tensorflow as tf

from wavelet_tf.biggan.resampling import doubled, halved


def upsampled(x: tf.Tensor) -> tf.Tensor:
    """[B, H, W, C] to [B, 2H, 2W, C]: a pixel becomes two along each axis.

    They are its mean with the pixel before it, or with zero, and then the pixel itself.

    >>> upsampled(tf.constant([[[[2.0]], [[6.0]]]])).numpy()[0, ..., 0].tolist()
    [[0.5, 1.0], [1.0, 2.0], [2.0, 4.0], [3.0, 6.0]]
    """
    return _smoothed(doubled(x))


def downsampled(x: tf.Tensor) -> tf.Tensor:
    """[B, H, W, C] to [B, H / 2, W / 2, C]: each second pixel and neighbours by 1, 2, 1.

    Before the first pixel there are zeros.

    >>> downsampled(tf.constant([[[[4.0], [8.0]], [[0.0], [0.0]]]])).numpy().ravel().tolist()
    [2.0]
    """
    return halved(_smoothed(x))


def _smoothed(x: tf.Tensor) -> tf.Tensor:
    """Means of each pixel with those before it in both directions: 2x2 pixels."""
    return tf.nn.avg_pool2d(tf.pad(x, [[0, 0], [1, 0], [1, 0], [0, 0]]), 2, 1, "VALID")
