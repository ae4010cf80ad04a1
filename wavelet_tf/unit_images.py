"""Conversions between uint8 images and float32 representations."""

import tensorflow as tf


def unit_range(images: tf.Tensor) -> tf.Tensor:
    """uint8 to float32 in [0, 1].

    >>> unit_range(tf.constant([0, 255], tf.uint8)).numpy().tolist()
    [0.0, 1.0]
    """
    return tf.cast(images, tf.float32) / 255


def to_uint8(representation: tf.Tensor, gain: int) -> tf.Tensor:
    """Representation as uint8 images: divided by its gain, clipped to [0, 1], times 255, rounded.

    >>> to_uint8(tf.constant([-1.0, 2.0, 9.0]), gain=4).numpy().tolist()
    [0, 128, 255]
    """
    return tf.cast(tf.round(255 * tf.clip_by_value(representation / gain, 0, 1)), tf.uint8)
