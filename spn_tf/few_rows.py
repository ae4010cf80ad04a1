"""Products of few rows with one matrix, again and again, as fast as they get on a CPU."""

from collections.abc import Callable

import tensorflow as tf
from tensorflow.compiler.tf2xla.python.xla import optimization_barrier

from spn_tf.dense import Dense
from spn_tf.weighted_sums import GROUP, KEPT, as_kept, lanes_of, weighted_sum

Product = Callable[[tf.Tensor], tf.Tensor]

_BLOCK = 4 * GROUP  # of inputs, whose share of a product with a vector is summed up at once
_LARGE = 300_000  # numbers of a matrix that comes from memory rather than from a cache


def product_with(matrix: tf.Tensor, network_dtype: str = "float32") -> Product:
    """[B, inputs] to [B, outputs]: the rows times a matrix [inputs, outputs].

    For graphs that XLA compiles. Make it outside their loops: the matrix is arranged there.

    A product of few rows with a large matrix takes as long as the matrix takes to be read. On some
    processors XLA's read it faster if it is on the left, turned round. XLA would turn it back but
    for the barrier. A large matrix of a bfloat16 network is read in half the bytes if there is but
    one row.

    Args:
        matrix: of the dtype of the arithmetic.
        network_dtype: the compute dtype of the network that it belongs to.
    """
    if matrix.shape.num_elements() < _LARGE:
        return lambda x: x @ matrix
    turned = tf.transpose(matrix)
    kept = KEPT[network_dtype] if matrix.dtype == tf.float32 else matrix.dtype
    with_vector = _with_kept(matrix, kept) if kept != matrix.dtype else lambda x: x @ matrix

    def product(x: tf.Tensor) -> tf.Tensor:
        if x.shape[0] == 1:
            return with_vector(x)
        return tf.transpose(optimization_barrier(tf.matmul(turned, tf.transpose(x)))[0])

    return product


def _with_kept(matrix: tf.Tensor, kept: tf.DType) -> Product:
    """[1, inputs] to [1, outputs], by the matrix as it is kept."""
    inputs, outputs = matrix.shape
    padding = -inputs % _BLOCK
    lanes = lanes_of(outputs)
    blocks = tf.reshape(
        as_kept(tf.pad(matrix, [[0, padding], [0, 0]]), kept),
        [-1, 1, _BLOCK // GROUP, GROUP, outputs // lanes, lanes],
    )
    blocks = tf.transpose(blocks, [0, 1, 2, 4, 3, 5])

    def product(x: tf.Tensor) -> tf.Tensor:
        # But for the barriers, XLA would make float32 numbers of the matrix before its loops, and
        # one sum of all.
        x, here = optimization_barrier(tf.pad(x, [[0, 0], [0, padding]]), blocks)
        sums = weighted_sum(tf.reshape(x, [-1, 1, _BLOCK]), here)
        return tf.reduce_sum(optimization_barrier(sums)[0], axis=0)

    return product


def dense(layer: Dense, dtype: str) -> Product:
    """A built layer as such a product, of numbers of a dtype."""
    product = product_with(tf.cast(layer.kernel, dtype), layer.compute_dtype)
    bias = None if layer.bias is None else tf.cast(layer.bias, dtype)

    def call(x: tf.Tensor) -> tf.Tensor:
        made = product(x)
        return layer.activation(made if bias is None else made + bias)

    return call
