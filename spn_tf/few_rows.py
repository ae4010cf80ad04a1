"""Products of few rows with one matrix, again and again, as fast as they get on a CPU."""

from collections.abc import Callable

import tensorflow as tf
from tensorflow.compiler.tf2xla.python import xla
from tensorflow.compiler.tf2xla.python.xla import optimization_barrier

from spn_tf.dense import Dense
from spn_tf.weighted_sums import GROUP, KEPT, as_kept, lanes_of, weighted_sum

Product = Callable[[tf.Tensor], tf.Tensor]

_BLOCK = 4 * GROUP  # of inputs, whose share of a product with a vector is summed up at once
_LARGE = 300_000  # numbers of a matrix that comes from memory rather than from a cache


def product_with(matrix: tf.Tensor, network_dtype: str = "float32") -> Product:
    """[B, inputs] to [B, outputs]: the rows times a matrix [inputs, outputs].

    For graphs that XLA compiles. Make it outside their loops: the matrix is arranged there.

    A product of few rows with a large matrix takes as long as the matrix takes to be read. XLA's
    read it faster if it is on the left, turned round: on the right, they copy it first. A large
    matrix of a bfloat16 network is read in half the bytes.

    Args:
        matrix: of the dtype of the arithmetic.
        network_dtype: the compute dtype of the network that it belongs to.
    """
    if matrix.shape.num_elements() < _LARGE:
        return lambda x: x @ matrix
    halved = matrix.dtype == tf.float32 and network_dtype == "bfloat16"
    with_vector = _with_kept(matrix, KEPT[network_dtype]) if halved else lambda x: x @ matrix
    with_some = _turned_round(matrix)
    with_several = _turned_round(tf.cast(matrix, network_dtype)) if halved else with_some

    def product(x: tf.Tensor) -> tf.Tensor:
        rows = x.shape[0]
        if rows is None:  # it may turn out to be one, of which XLA has no bfloat16 product
            return with_some(x)
        return with_vector(x) if rows == 1 else with_several(x)

    return product


def _turned_round(matrix: tf.Tensor) -> Product:
    """The rows times a matrix that stands on the left.

    XLA gives a transposition to the product that reads it, by turning the product round; barriers
    keep it from that, and reshaping tells it that transposed numbers are to be moved. It would
    have no bfloat16 product for them otherwise, and make float32 of both.
    """
    left = _in_order(tf.transpose(matrix))
    contracted = xla.xla_data_pb2.DotDimensionNumbers(
        lhs_contracting_dimensions=[1], rhs_contracting_dimensions=[0]
    )

    def product(x: tf.Tensor) -> tf.Tensor:
        columns = _in_order(tf.transpose(tf.cast(x, matrix.dtype)))
        made = xla.dot_general(
            *optimization_barrier(left, columns), contracted, preferred_element_type=tf.float32
        )
        made = tf.transpose(optimization_barrier(made)[0])
        return tf.ensure_shape(tf.cast(made, x.dtype), [x.shape[0], matrix.shape[1]])

    return product


def _in_order(x: tf.Tensor) -> tf.Tensor:
    """The same numbers, laid out row after row."""
    return tf.reshape(tf.reshape(x, [-1]), tf.shape(x))


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
