"""Products of few rows with one matrix, again and again, as fast as they get on a CPU.

Shape letters: B rows, I inputs, O outputs.
"""

import math
from collections.abc import Callable

import tensorflow as tf
from tensorflow.compiler.tf2xla.python import xla
from tensorflow.compiler.xla import xla_data_pb2

from cascade_tf.strategies import has_accelerators
from spn_tf.dense import Dense
from spn_tf.sampling.cpu_kernels.weighted_sums import KEPT, as_kept, group_size, weighted_sum

Product = Callable[[tf.Tensor], tf.Tensor]

_FEW = 8  # inputs, at most, of a product that needs no call of a library for matrices
_LARGE = 300_000  # numbers of a matrix that comes from memory rather than from a cache
_LARGE_ROUNDED = 3  # times fewer numbers make a bfloat16 matrix one that panels suit
_SEVERAL = 12  # rows, at most, for which panels of float32 numbers are the fastest
_PANEL = 64  # columns of a large matrix that lie together: as many as XLA's products read at once
_TILE = 16  # outputs, of a matrix for a product with a vector, that lie together
_BLOCK = 64  # of inputs, whose share of a product with a vector is summed up at once


def product_with(matrix: tf.Tensor, network_dtype: str) -> Product:
    """[..., B, I] to [..., B, O]: the rows times a matrix [..., I, O].

    For graphs that XLA compiles. Make it outside their loops: the matrix is arranged there.

    On a CPU, products of few rows with a large matrix take as long as the matrix takes to be read,
    so it lies in the order in which it is. Rows and matrix of a bfloat16 network may be rounded to
    bfloat16, sums are not.

    Args:
        matrix: of the dtype of the arithmetic, which is the rows' and the product's.
        network_dtype: the compute dtype of the network that it belongs to.
    """
    if has_accelerators():
        return lambda x: tf.matmul(x, matrix)
    inputs, outputs = matrix.shape[-2:]
    if inputs <= _FEW:
        return lambda x: tf.reduce_sum(x[..., None] * matrix[..., None, :, :], axis=-2)
    large = matrix.shape.num_elements() >= _LARGE
    with_one = with_several = with_many = lambda x: tf.matmul(x, matrix)
    if large:
        with_several, with_many = in_panels(matrix), turned_round(matrix)
    several: float = _SEVERAL
    if (matrix.dtype, network_dtype) == (tf.float32, "bfloat16") and outputs > 1:
        rounded = tf.cast(matrix, tf.bfloat16)
        panels = matrix.shape.num_elements() * _LARGE_ROUNDED >= _LARGE
        with_several = in_panels(rounded) if panels else lambda x: _matmul(x, rounded)
        several = math.inf
        if large and matrix.shape.rank == 2 and outputs % _TILE == 0:
            with_one = _with_vector(rounded)

    def product(x: tf.Tensor) -> tf.Tensor:
        rows = x.shape[-2]
        if rows is None or rows > several:
            return with_many(x)
        return with_one(x) if rows == 1 else with_several(x)

    return product


def _matmul(x: tf.Tensor, matrix: tf.Tensor) -> tf.Tensor:
    """Of the rows' dtype, float32 or the matrix's; x is rounded to that of the matrix."""
    if matrix.dtype == x.dtype:
        return tf.matmul(x, matrix)
    return with_float32_sums(tf.cast(x, matrix.dtype), matrix)


def with_float32_sums(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """a b, float32 [..., m, n], of bfloat16 [..., m, k] and [..., k, n]."""
    numbers = xla_data_pb2.DotDimensionNumbers()
    batch = range(a.shape.rank - 2)
    numbers.lhs_batch_dimensions.extend(batch)
    numbers.rhs_batch_dimensions.extend(batch)
    numbers.lhs_contracting_dimensions.append(a.shape.rank - 1)
    numbers.rhs_contracting_dimensions.append(a.shape.rank - 2)
    return xla.dot_general(_laid_out(a), _laid_out(b), numbers, preferred_element_type=tf.float32)


def _laid_out(x: tf.Tensor) -> tf.Tensor:
    """The same, laid out as usual to XLA, which otherwise makes float32 numbers of it first.

    A transposed tensor is not; one that was flattened and shaped again is.
    """
    return tf.reshape(tf.reshape(x, [-1]), x.shape)


def in_panels(matrix: tf.Tensor) -> Product:
    """By a matrix in panels of some columns, [..., panels, I, _PANEL]; one core makes it."""
    *outer, inputs, outputs = matrix.shape
    count = -(-outputs // _PANEL)
    axes = list(range(len(outer)))
    swapped = [*axes, len(axes) + 1, len(axes), len(axes) + 2]
    matrix = tf.pad(matrix, [*[[0, 0]] * (len(outer) + 1), [0, count * _PANEL - outputs]])
    panels = tf.transpose(tf.reshape(matrix, [*outer, inputs, count, _PANEL]), swapped)

    def product(x: tf.Tensor) -> tf.Tensor:
        rows = x.shape[-2]
        # But for the barrier, XLA would lay x out, number by number, anew for each of the panels.
        x = xla.optimization_barrier(x)[0]
        to_each = tf.broadcast_to(x[..., None, :, :], [*outer, count, rows, inputs])
        made = tf.transpose(_matmul(to_each, panels), swapped)
        return tf.reshape(made, [*outer, rows, count * _PANEL])[..., :outputs]

    return product


def turned_round(matrix: tf.Tensor) -> Product:
    """By the matrix on the left, transposed: XLA reads it faster there, and on several cores."""
    turned = tf.linalg.matrix_transpose(matrix)

    def product(x: tf.Tensor) -> tf.Tensor:
        # But for the barrier, XLA would turn it back.
        made = xla.optimization_barrier(tf.matmul(turned, tf.linalg.matrix_transpose(x)))[0]
        return tf.linalg.matrix_transpose(made)

    return product


def _with_vector(matrix: tf.Tensor) -> Product:
    """[1, I] to [1, O], float32, by a matrix of bfloat16 numbers, in whole tiles of 32x16."""
    inputs, outputs = matrix.shape
    padding = -inputs % _BLOCK
    kept = KEPT[matrix.dtype.name]
    group = group_size(_BLOCK, kept)
    blocks = tf.pad(tf.cast(matrix, tf.float32), [[0, padding], [0, 0]])
    blocks = tf.reshape(blocks, [-1, 1, _BLOCK // group, group, outputs // _TILE, _TILE])
    blocks = as_kept(tf.transpose(blocks, [0, 1, 2, 4, 3, 5]), kept)

    def product(x: tf.Tensor) -> tf.Tensor:
        # But for the barriers, XLA would make float32 numbers of the matrix before its loops, and
        # one sum of all.
        x, here = xla.optimization_barrier(tf.pad(x, [[0, 0], [0, padding]]), blocks)
        sums = weighted_sum(tf.reshape(x, [-1, 1, _BLOCK]), here)
        return tf.reduce_sum(xla.optimization_barrier(sums)[0], axis=0)

    return product


def dense(layer: Dense, dtype: str) -> Product:
    """A built layer as such a product, of numbers of a dtype."""
    product = product_with(tf.cast(layer.kernel, dtype), layer.compute_dtype)
    bias = None if layer.bias is None else tf.cast(layer.bias, dtype)

    def call(x: tf.Tensor) -> tf.Tensor:
        made = product(x)
        return layer.activation(made if bias is None else made + bias)

    return call
