"""Weighted sums of many vectors, at the speed at which a CPU reads memory.

The vectors lie in tiles: the first few numbers of every vector of a group, then the next few, and
so on. One loop over a group then reads memory from its start to its end. If whole vectors followed
each other, the loop would read from several places at once, which processors prefetch less well.

The vectors are stored as float32, or as pairs of bfloat16 packed into uint32. Plain bfloat16 is
avoided because XLA on CPU would convert all of it to float32 ahead of the loop.

Shape letters: B images, U vectors of a group, rows and lanes of a tile.
"""

import tensorflow as tf

from cascade_tf.xla_ops import dynamic_update_slice
from spn_tf.sampling.cpu_kernels.last_axis import in_groups, sum_of

_ROWS = 16  # of a tile, at most: their products with the weights are summed at once
_LANES = 16  # numbers of a vector in a tile, at most
# The dtype that vectors are stored as, by the compute dtype of their network.
STORED_AS = {"float32": tf.float32, "bfloat16": tf.uint32}
# Vectors per row of a tile. A uint32 word holds vector i of the group in its high half and vector
# i + U / 2 in its low half, which unpacks in fewer instructions than two separate 16-bit loads.
_VECTORS_PER_ROW = {tf.float32: 1, tf.uint32: 2}


def packed(x: tf.Tensor, stored: tf.DType) -> tf.Tensor:
    """Vectors of a group as the rows of a tile.

    Args:
        x: float32 [..., U, lanes].
        stored: a dtype of STORED_AS.

    Returns:
        `stored` [..., rows, lanes]; rows is U, or U / 2 of uint32.
    """
    if stored == tf.float32:
        return x
    first, second = tf.split(tf.cast(_bits(x), stored), 2, axis=-2)
    return tf.bitwise.bitwise_or(_high_half(first), second)


def _bits(x: tf.Tensor) -> tf.Tensor:
    """Bits of float32 numbers rounded to bfloat16, uint16."""
    return tf.bitcast(tf.cast(x, tf.bfloat16), tf.uint16)


def _high_half(words: tf.Tensor) -> tf.Tensor:
    """Words whose high halves are the low halves of uint32 words."""
    return tf.bitwise.left_shift(words, tf.constant(16, words.dtype))


def group_size(n: int, stored: tf.DType) -> int:
    """U, the size of the groups that n vectors form; zeros fill up the last group."""
    return min(_ROWS * _VECTORS_PER_ROW[stored], -(-n // _ROWS) * _ROWS)


def group_of(vectors: tf.Tensor) -> int:
    """U, the size of a group of vectors in tiles."""
    return vectors.shape[-2] * _VECTORS_PER_ROW[vectors.dtype]


def lanes_of(n: int) -> int:
    """Numbers of a vector of n numbers in a tile: a divisor of n.

    It is the largest divisor of up to 16; or n itself, if that divisor is below 8.
    """
    lanes = next(d for d in range(min(n, _LANES), 0, -1) if n % d == 0)
    return n if lanes < _LANES // 2 else lanes


def tiles(n: int, m: int, lanes: int, stored: tf.DType) -> list[int]:
    """The shape of n vectors of m numbers in tiles, [groups, m / lanes, rows, lanes]."""
    size = group_size(n, stored)
    return [-(-n // size), m // lanes, size // _VECTORS_PER_ROW[stored], lanes]


def put(
    vectors: tf.Tensor, vector: tf.Tensor, group: list[int | tf.Tensor], place: tf.Tensor
) -> tf.Tensor:
    """The vectors with one more in place `place` of a group.

    Vectors must come in the order of their places: one of the first half of a group clears the
    other half of its words.

    Args:
        vectors: stored in tiles, [..., rows, lanes].
        vector: float32, [..., 1, lanes].
        group: position at which the group begins, without the last two axes.
        place: int32 scalar in [0, U).
    """
    rows = vectors.shape[-2]
    here = tf.stack([*group, place % rows, 0])
    if vectors.dtype != tf.float32:
        bits = tf.cast(_bits(vector), vectors.dtype)
        before = tf.slice(vectors, here, tf.shape(bits))
        vector = tf.where(place < rows, _high_half(bits), tf.bitwise.bitwise_or(before, bits))
    return dynamic_update_slice(vectors, vector, here)


def weighted_sum(weights: tf.Tensor, vectors: tf.Tensor) -> tf.Tensor:
    """The sum of the vectors, each times its weight, float32 [B, heads, m].

    Each group is summed by itself: XLA fuses its products and their sum into one loop of vector
    instructions over the tiles. For one sum over all groups it emits a loop over single numbers.

    Args:
        weights: float32 [B, heads, n].
        vectors: n vectors of m numbers, stored in tiles, [B, heads, *tiles].
    """
    weights = in_groups(weights, group_of(vectors))[:, :, :, None, :, None]
    if vectors.dtype == tf.float32:
        products = weights * vectors
    else:
        high = tf.bitwise.bitwise_and(vectors, tf.constant(0xFFFF0000, vectors.dtype))
        first, second = tf.split(weights / 2, 2, axis=-2)
        products = first * tf.bitcast(high, tf.float32)
        products += second * tf.bitcast(_high_half(vectors), tf.float32)
        # XLA fuses the sum below with a product into one loop. A sum of two products it hands to
        # a library routine instead. So the weights are halved above and the sum is doubled here.
        products *= 2
    sums = tf.reduce_sum(products, axis=-2)
    _, heads, groups, blocks, lanes = sums.shape
    return sum_of(tf.unstack(tf.reshape(sums, [-1, heads, groups, blocks * lanes]), axis=2))
