"""Resampling by two with the filter [1, 2, 1] in both directions, aligned as in StyleGAN2."""

import tensorflow as tf


def upsampled(x: tf.Tensor) -> tf.Tensor:
    """[B, H, W, C] to [B, 2H, 2W, C]: pixels, each after its mean with the one before it.

    Before the first pixel there are zeros.

    >>> upsampled(tf.constant([[[[2.0]], [[6.0]]]])).numpy()[0, ..., 0].tolist()
    [[0.5, 1.0], [1.0, 2.0], [2.0, 4.0], [3.0, 6.0]]
    """
    for axis in (1, 2):
        between = (x + _before(x, axis)) / 2
        shape = [*x.shape]
        shape[axis] *= 2
        x = tf.reshape(tf.stack([between, x], axis + 1), [-1, *shape[1:]])
    return x


def downsampled(x: tf.Tensor) -> tf.Tensor:
    """[B, H, W, C] to [B, H / 2, W / 2, C]: each second pixel and neighbours by 1, 2, 1.

    Before the first pixel there are zeros.

    >>> downsampled(tf.constant([[[[4.0], [8.0]], [[0.0], [0.0]]]])).numpy().ravel().tolist()
    [2.0]
    """
    for axis in (1, 2):
        even, odd = (x[:, n::2] if axis == 1 else x[:, :, n::2] for n in (0, 1))
        x = even / 2 + (odd + _before(odd, axis)) / 4
    return x


def _before(x: tf.Tensor, axis: int) -> tf.Tensor:
    """x moved by one position along an axis, with zeros in the first."""
    padding = [[0, 0]] * x.shape.rank
    padding[axis] = [1, 0]
    last = [slice(None)] * x.shape.rank
    last[axis] = slice(0, -1)
    return tf.pad(x[tuple(last)], padding)
