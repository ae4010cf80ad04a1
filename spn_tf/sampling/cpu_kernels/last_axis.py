"""Sums and maxima over a last axis of hundreds of numbers, with vector instructions.

Norms and the softmax of `parameter_attention` need dozens of them for each pixel. XLA on CPU
reduces the last axis one scalar at a time, and in two loops beyond 32 numbers. Over another, short
axis it emits one loop of vector instructions. So the last axis is cut in two, the first part is
reduced that way, and the 16 or so results are added in pairs.
"""

import functools

import tensorflow as tf

_LANES = 16  # numbers that are added, or compared, at once
_SHORT = 32  # longest axis that XLA reduces in one loop


def _lanes(x: tf.Tensor) -> int:
    """Size of the second part of the last axis, so that the first has at most _SHORT numbers."""
    return _LANES * -(-x.shape[-1] // (_LANES * _SHORT))


def total_of(x: tf.Tensor) -> tf.Tensor:
    """tf.reduce_sum over the last axis, [..., n] to [...]."""
    return sum_of(tf.unstack(tf.reduce_sum(in_groups(x, _lanes(x)), axis=-2), axis=-1))


def highest_of(x: tf.Tensor) -> tf.Tensor:
    """tf.reduce_max over the last axis, [..., n] to [...]."""
    groups = in_groups(x, _lanes(x), x.dtype.min)
    return functools.reduce(tf.maximum, tf.unstack(tf.reduce_max(groups, axis=-2), axis=-1))


def in_groups(x: tf.Tensor, size: int, padding: float = 0.0) -> tf.Tensor:
    """The last axis cut into groups, [..., n] to [..., groups, size].

        >>> in_groups(tf.constant([1.0, 2.0, 3.0]), size=2).numpy()
        array([[1., 2.],
               [3., 0.]], dtype=float32)

    Args:
        x: at most one of its other axes may be of unknown size.
        size: of a group.
        padding: fills up the last group.
    """
    *outer, n = x.shape
    x = tf.pad(x, [*[[0, 0]] * len(outer), [0, -n % size]], constant_values=padding)
    return tf.reshape(x, [*(-1 if d is None else d for d in outer), -(-n // size), size])


def sum_of(terms: list[tf.Tensor]) -> tf.Tensor:
    """The sum of tensors, added in pairs, which rounds less than one after another."""
    while len(terms) > 1:
        terms = [tf.add_n(terms[i : i + 2]) for i in range(0, len(terms), 2)]
    return terms[0]
