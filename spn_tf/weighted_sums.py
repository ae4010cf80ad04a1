"""Sums of many vectors with weights, at the speed at which memory is read.

The vectors lie in tiles: of each GROUP of them the first few numbers, then the next few. So one
loop over a group goes through memory from its start to its end; were whole vectors to follow each
other, it would go through several places at once, for which processors fetch less ahead.

The vectors are float32, or the bits of bfloat16 numbers: of those numbers themselves, XLA on a CPU
would make float32 for all at once, outside its loop over them.
"""

import tensorflow as tf

GROUP = 16  # of vectors, whose products with their weights are summed up at once
_LANES = 16  # numbers of a vector, at most, in a tile
# What vectors are kept as, by the compute dtype of the network that they belong to.
KEPT = {"float32": tf.float32, "bfloat16": tf.uint16}


def as_kept(x: tf.Tensor, kept: tf.DType) -> tf.Tensor:
    """float32 numbers as a dtype of KEPT."""
    return x if kept == tf.float32 else tf.bitcast(tf.cast(x, tf.bfloat16), kept)


def as_numbers(kept: tf.Tensor) -> tf.Tensor:
    """float32 numbers of what is kept."""
    if kept.dtype == tf.float32:
        return kept
    high_half = tf.bitwise.left_shift(tf.cast(kept, tf.uint32), tf.constant(16, tf.uint32))
    return tf.bitcast(high_half, tf.float32)


def groups_of(n: int) -> int:
    """How many groups n make; the last is filled up with zeros."""
    return -(-n // GROUP)


def lanes_of(n: int) -> int:
    """How many of a vector's n numbers a tile has; all, where n has no divisor of a good size."""
    lanes = next(d for d in range(min(n, _LANES), 0, -1) if n % d == 0)
    return n if lanes < _LANES // 2 else lanes


def tiles(n: int, m: int, lanes: int) -> list[int]:
    """The shape of n vectors of m numbers, [n / GROUP, m / lanes, GROUP, lanes]."""
    return [groups_of(n), m // lanes, GROUP, lanes]


def in_groups(x: tf.Tensor, after_the_end: float = 0.0) -> tf.Tensor:
    """[B, heads, n] to [B, heads, groups, GROUP], filled up."""
    _, heads, n = x.shape
    x = tf.pad(x, [[0, 0], [0, 0], [0, -n % GROUP]], constant_values=after_the_end)
    return tf.reshape(x, [-1, heads, groups_of(n), GROUP])


def sum_of(terms: list[tf.Tensor]) -> tf.Tensor:
    """In pairs, for accuracy."""
    while len(terms) > 1:
        terms = [tf.add_n(terms[i : i + 2]) for i in range(0, len(terms), 2)]
    return terms[0]


def weighted_sum(weights: tf.Tensor, vectors: tf.Tensor) -> tf.Tensor:
    """The sum of the vectors, each times its weight, float32 [B, heads, m].

    XLA makes one loop over the memory of the vectors of the products and their sums over each
    group. Were all summed up at once, the loop would go over single numbers instead of vectors.

    Args:
        weights: float32 [B, heads, n].
        vectors: n of m numbers each, kept, [B, heads, *tiles].
    """
    products = in_groups(weights)[:, :, :, None, :, None] * as_numbers(vectors)
    sums = tf.reduce_sum(products, axis=-2)
    _, heads, groups, blocks, lanes = sums.shape
    return sum_of(tf.unstack(tf.reshape(sums, [-1, heads, groups, blocks * lanes]), axis=2))
