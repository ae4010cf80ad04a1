"""Bit depth: images of `bits` bits are the most significant bits of 8-bit ones (section 2.4)."""

import tensorflow as tf


def quantize(images: tf.Tensor, bits: int) -> tf.Tensor:
    """Keeps the `bits` most significant bits: uint8 images to int32 in [0, 2**bits)."""
    return tf.bitwise.right_shift(tf.cast(images, tf.int32), 8 - bits)


def to_uint8(intensities: tf.Tensor, bits: int) -> tf.Tensor:
    """Back to the 8-bit scale, the low bits zero: int in [0, 2**bits) to uint8.

    `quantize` of the result gives the intensities again.
    """
    return tf.cast(tf.bitwise.left_shift(tf.cast(intensities, tf.int32), 8 - bits), tf.uint8)
