"""Bit depth: images of the most significant bits of 8-bit images (section 2.4)."""

import tensorflow as tf


def quantize(images: tf.Tensor, bits: int) -> tf.Tensor:
    """Keeps the `bits` most significant bits: uint8 images to int32 in [0, 2**bits).

    >>> quantize(tf.constant([0, 127, 255], tf.uint8), bits=3).numpy()
    array([0, 3, 7], dtype=int32)
    """
    return tf.bitwise.right_shift(tf.cast(images, tf.int32), 8 - bits)


def to_uint8(intensities: tf.Tensor, bits: int) -> tf.Tensor:
    """Scales to 8 bits, with low bits of zero: integers in [0, 2**bits) to uint8.

    `quantize` of the result gives the intensities again.

    >>> to_uint8(tf.constant([0, 3, 7]), bits=3).numpy()
    array([  0,  96, 224], dtype=uint8)
    """
    return tf.cast(tf.bitwise.left_shift(tf.cast(intensities, tf.int32), 8 - bits), tf.uint8)
