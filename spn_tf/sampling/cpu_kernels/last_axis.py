"""Sums and maxima over the last axis, of hundreds of numbers, in vectors.

XLA on a CPU goes over the last axis number by number, and in two loops where there are many; over
another axis that is short, it goes once, in vectors.
"""

import functools

import tensorflow as tf

_LANES = 16  # numbers that are summed up, or compared, at once
_SHORT = 32  # terms, at most, of a sum that XLA does not take apart


def _lanes(x: tf.Tensor) -> int:
    return _LANES * -(-x.shape[-1] // (_LANES * _SHORT))


def total_of(x: tf.Tensor) -> tf.Tensor:
    """[..., n] to [...]."""
    return sum_of(tf.unstack(tf.reduce_sum(in_groups(x, _lanes(x)), axis=-2), axis=-1))


def highest_of(x: tf.Tensor) -> tf.Tensor:
    """[..., n] to [...]."""
    groups = in_groups(x, _lanes(x), x.dtype.min)
    return functools.reduce(tf.maximum, tf.unstack(tf.reduce_max(groups, axis=-2), axis=-1))


def in_groups(x: tf.Tensor, size: int, after_the_end: float = 0.0) -> tf.Tensor:
    """[..., n] to [..., groups, size], filled up; one of the axes before may be unknown."""
    *outer, n = x.shape
    x = tf.pad(x, [*[[0, 0]] * len(outer), [0, -n % size]], constant_values=after_the_end)
    return tf.reshape(x, [*(-1 if d is None else d for d in outer), -(-n // size), size])


def sum_of(terms: list[tf.Tensor]) -> tf.Tensor:
    """In pairs, for accuracy."""
    while len(terms) > 1:
        terms = [tf.add_n(terms[i : i + 2]) for i in range(0, len(terms), 2)]
    return terms[0]
