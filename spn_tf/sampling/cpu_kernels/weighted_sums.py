"""Sums of many vectors with weights, at the speed at which memory is read.

The vectors lie in tiles: of each group of them the first few numbers, then the next few. So one
loop over a group goes through memory from its start to its end; were whole vectors to follow each
other, it would go through several places at once, for which processors fetch less ahead.

The vectors are float32, or bfloat16 numbers, two in a word: of those numbers themselves, XLA on a
CPU would make float32 for all at once, outside its loop over them.
"""

import tensorflow as tf
from tensorflow.compiler.tf2xla.python.xla import dynamic_update_slice

from spn_tf.sampling.cpu_kernels.last_axis import in_groups, sum_of

_ROWS = 16  # of a tile, at most, whose products with their weights are summed up at once
_LANES = 16  # numbers of a vector, at most, in a tile
# What vectors are kept as, by the compute dtype of the network that they belong to.
KEPT = {"float32": tf.float32, "bfloat16": tf.uint32}
# Of how many vectors a row of a tile has numbers. A word has one of a vector in its higher half,
# and in its lower one of the vector half a group later: two take fewer instructions so than apart.
_IN_ROW = {tf.float32: 1, tf.uint32: 2}


def as_kept(x: tf.Tensor, kept: tf.DType) -> tf.Tensor:
    """float32 numbers of a group, [..., U, lanes], as rows [..., rows, lanes] of a tile."""
    if kept == tf.float32:
        return x
    first, second = tf.split(tf.cast(_bits(x), kept), 2, axis=-2)
    return tf.bitwise.bitwise_or(_higher(first), second)


def _bits(x: tf.Tensor) -> tf.Tensor:
    """Of float32 numbers that are rounded to bfloat16; uint16."""
    return tf.bitcast(tf.cast(x, tf.bfloat16), tf.uint16)


def _higher(words: tf.Tensor) -> tf.Tensor:
    """The lower halves of words in place of the higher."""
    return tf.bitwise.left_shift(words, tf.constant(16, words.dtype))


def group_size(n: int, kept: tf.DType) -> int:
    """How many of n vectors make a group, if need be filled up with zeros."""
    return min(_ROWS * _IN_ROW[kept], -(-n // _ROWS) * _ROWS)


def group_of(vectors: tf.Tensor) -> int:
    """How many vectors make a group of tiles."""
    return vectors.shape[-2] * _IN_ROW[vectors.dtype]


def lanes_of(n: int) -> int:
    """How many of a vector's n numbers a tile has; all, where n has no divisor of a good size."""
    lanes = next(d for d in range(min(n, _LANES), 0, -1) if n % d == 0)
    return n if lanes < _LANES // 2 else lanes


def tiles(n: int, m: int, lanes: int, kept: tf.DType) -> list[int]:
    """The shape of n vectors of m numbers, [groups, m / lanes, rows, lanes]."""
    size = group_size(n, kept)
    return [-(-n // size), m // lanes, size // _IN_ROW[kept], lanes]


def put(
    vectors: tf.Tensor, vector: tf.Tensor, group: list[int | tf.Tensor], place: tf.Tensor
) -> tf.Tensor:
    """The vectors with one more, put after all before it in its group.

    Args:
        vectors: kept, [..., rows, lanes].
        vector: float32, [..., 1, lanes].
        group: where it begins, but for the last two axes.
        place: int32 scalar, of the vector in the group.
    """
    rows = vectors.shape[-2]
    here = tf.stack([*group, place % rows, 0])
    if vectors.dtype != tf.float32:
        bits = tf.cast(_bits(vector), vectors.dtype)
        before = tf.slice(vectors, here, tf.shape(bits))
        vector = tf.where(place < rows, _higher(bits), tf.bitwise.bitwise_or(before, bits))
    return dynamic_update_slice(vectors, vector, here)


def weighted_sum(weights: tf.Tensor, vectors: tf.Tensor) -> tf.Tensor:
    """The sum of the vectors, each times its weight, float32 [B, heads, m].

    XLA makes one loop over the memory of the vectors of the products and their sums over each
    group. Were all summed up at once, the loop would go over single numbers instead of vectors.

    Args:
        weights: float32 [B, heads, n].
        vectors: n of m numbers each, kept, [B, heads, *tiles].
    """
    weights = in_groups(weights, group_of(vectors))[:, :, :, None, :, None]
    if vectors.dtype == tf.float32:
        products = weights * vectors
    else:
        high = tf.bitwise.bitwise_and(vectors, tf.constant(0xFFFF0000, vectors.dtype))
        first, second = tf.split(weights / 2, 2, axis=-2)
        products = first * tf.bitcast(high, tf.float32)
        products += second * tf.bitcast(_higher(vectors), tf.float32)
        products *= 2  # XLA makes the loop of products only; sums of two it hands to a library
    sums = tf.reduce_sum(products, axis=-2)
    _, heads, groups, blocks, lanes = sums.shape
    return sum_of(tf.unstack(tf.reshape(sums, [-1, heads, groups, blocks * lanes]), axis=2))
