"""Differences of intensities as units: the errors of predictions, for networks relative to them."""

import tensorflow as tf

# As shares of the range of intensities: from one level of 8 bits to a quarter of the range.
_SCALES = [1 / 256, 1 / 64, 1 / 16, 1 / 4]


def error_units(differences: tf.Tensor, levels: int, dtype: str) -> tf.Tensor:
    """Integers [..., C] in (-levels, levels) to [..., C, 8] units in [-1, 1].

    The units are x / (1 + |x|) of the difference x at four scales, and their magnitudes, from which
    a network can estimate the size of the next error.

    >>> error_units(tf.constant([[0, 3, -7]]), levels=256, dtype="float32").shape
    TensorShape([1, 3, 8])
    """
    scales = tf.constant(_SCALES, dtype) * levels
    x = tf.cast(differences, dtype)[..., None]
    signed = x / (scales + tf.abs(x))
    return tf.concat([signed, tf.abs(signed)], axis=-1)
