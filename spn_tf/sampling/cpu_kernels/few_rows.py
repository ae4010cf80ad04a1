"""Products of a few rows with the same matrix, again and again, fast on a CPU.

A pixel multiplies one row per image with every weight matrix of the decoder. Large matrices come
from memory, and such a product takes as long as its matrix takes to be read. So the matrix is
rearranged once into the order in which the product reads it. For eight rows and a matrix of
640x1920 that takes 0.39 ms in place of 0.55, and 0.27 in bfloat16 (`benchmarks/few_rows.py`).

Shape letters: B rows, I inputs, O outputs.
"""

import math

import tensorflow as tf

from cascade_tf.xla_ops import matmul_with_float32_sums, optimization_barrier
from spn_tf.sampling.cpu_kernels.weighted_sums import STORED_AS, group_size, packed, weighted_sum
from spn_tf.sampling.kernels import Product

# With at most so many inputs, multiplying and adding is faster than calling a matrix product.
_FEW = 8
# Elements from which a float32 matrix comes from memory rather than from a cache.
_LARGE = 300_000
# bfloat16 matrices use panels from _LARGE / 3 elements on.
_LARGE_ROUNDED = 3
# Rows up to which float32 panels are the fastest.
_SEVERAL = 12
# Columns of a panel: as many as XLA's CPU products read at once.
_PANEL = 64
# Of a product with a single vector: outputs of a tile, and inputs that are summed at once.
_TILE = 16
_BLOCK = 64


def product_with(matrix: tf.Tensor, compute_dtype: str) -> Product:
    """The function x -> x matrix, [..., B, I] to [..., B, O].

    For graphs that XLA compiles. Call it outside their loops: the matrix is rearranged there.

        >>> product = product_with(tf.eye(3), "float32")
        >>> tf.function(product, jit_compile=True)(tf.constant([[1.0, 2.0, 3.0]])).numpy()
        array([[1., 2., 3.]], dtype=float32)

    The layout depends on the number of rows B and the size of the matrix:

    - up to 8 inputs: multiply and add, no matrix product;
    - a small matrix: as it is, since it stays in a cache;
    - a large matrix, float32: in panels up to 12 rows, above that transposed and on the left;
    - a bfloat16 network: the matrix as bfloat16, in panels from 100,000 elements on;
    - a bfloat16 network and one row: packed in tiles, as keys and values are.

    Args:
        matrix: [..., I, O], of the dtype of the arithmetic, which x and the product have too.
        compute_dtype: of the network. For "bfloat16", rows and matrix may be rounded to bfloat16;
            sums are of float32.
    """
    inputs, outputs = matrix.shape[-2:]
    if inputs <= _FEW:
        return lambda x: tf.reduce_sum(x[..., None] * matrix[..., None, :, :], axis=-2)
    large = matrix.shape.num_elements() >= _LARGE
    with_one = with_several = with_many = lambda x: tf.matmul(x, matrix)
    if large:
        with_several, with_many = in_panels(matrix), transposed(matrix)
    several: float = _SEVERAL
    if (matrix.dtype, compute_dtype) == (tf.float32, "bfloat16") and outputs > 1:
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
    """x matrix, of x's dtype, float32 or the matrix's; x is rounded to the matrix's dtype."""
    if matrix.dtype == x.dtype:
        return tf.matmul(x, matrix)
    return with_float32_sums(tf.cast(x, matrix.dtype), matrix)


def with_float32_sums(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """a b, float32 [..., m, n], of bfloat16 [..., m, k] and [..., k, n].

    Before a usual product of bfloat16, XLA on CPU converts both operands to float32. This one it
    computes with the processor's bfloat16 instructions, if there are any. n must be above 1.
    """
    return matmul_with_float32_sums(_in_usual_layout(a), _in_usual_layout(b))


def _in_usual_layout(x: tf.Tensor) -> tf.Tensor:
    """x in row-major order.

    XLA represents a transposed tensor as another layout of the same memory. The bfloat16 kernel
    takes operands in the usual order only; flattening x and shaping it again forces that.
    """
    return tf.reshape(tf.reshape(x, [-1]), x.shape)


def in_panels(matrix: tf.Tensor) -> Product:
    """x -> x matrix, with the matrix in panels of 64 columns, [..., panels, I, 64].

    A product then reads each panel from start to end. To XLA it is a batch of small products,
    which one core computes.
    """
    *outer, inputs, outputs = matrix.shape
    count = -(-outputs // _PANEL)
    axes = list(range(len(outer)))
    swapped = [*axes, len(axes) + 1, len(axes), len(axes) + 2]
    matrix = tf.pad(matrix, [*[[0, 0]] * (len(outer) + 1), [0, count * _PANEL - outputs]])
    panels = tf.transpose(tf.reshape(matrix, [*outer, inputs, count, _PANEL]), swapped)

    def product(x: tf.Tensor) -> tf.Tensor:
        rows = x.shape[-2]
        # XLA copies the rows for each panel. Without the barrier it also rearranges them anew for
        # each, one scalar at a time: 5% of a pixel's time at full width, in place of 1%.
        (x,) = optimization_barrier(x)
        copies = tf.broadcast_to(x[..., None, :, :], [*outer, count, rows, inputs])
        y = tf.transpose(_matmul(copies, panels), swapped)
        return tf.reshape(y, [*outer, rows, count * _PANEL])[..., :outputs]

    return product


def transposed(matrix: tf.Tensor) -> Product:
    """x -> (matrix^T x^T)^T: on the left XLA reads a matrix faster, and on several cores."""
    on_the_left = tf.linalg.matrix_transpose(matrix)

    def product(x: tf.Tensor) -> tf.Tensor:
        # Without the barrier, XLA cancels the transposes.
        (y,) = optimization_barrier(tf.matmul(on_the_left, tf.linalg.matrix_transpose(x)))
        return tf.linalg.matrix_transpose(y)

    return product


def _with_vector(matrix: tf.Tensor) -> Product:
    """float32 [1, I] to [1, O], with a bfloat16 matrix packed in tiles of 32x16 numbers."""
    inputs, outputs = matrix.shape
    padding = -inputs % _BLOCK
    stored = STORED_AS[matrix.dtype.name]
    group = group_size(_BLOCK, stored)
    blocks = tf.pad(tf.cast(matrix, tf.float32), [[0, padding], [0, 0]])
    blocks = tf.reshape(blocks, [-1, 1, _BLOCK // group, group, outputs // _TILE, _TILE])
    blocks = packed(tf.transpose(blocks, [0, 1, 2, 4, 3, 5]), stored)

    def product(x: tf.Tensor) -> tf.Tensor:
        # Without the first barrier, XLA unpacks the whole matrix to float32 ahead of its loops.
        # Without the second, it merges the sums of all blocks into one.
        x, here = optimization_barrier(tf.pad(x, [[0, 0], [0, padding]]), blocks)
        (sums,) = optimization_barrier(weighted_sum(tf.reshape(x, [-1, 1, _BLOCK]), here))
        return tf.reduce_sum(sums, axis=0)

    return product
