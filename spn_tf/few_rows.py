"""Products of few rows with one matrix, again and again, as fast as they get on a CPU."""

from collections.abc import Callable

import tensorflow as tf
from tensorflow.compiler.tf2xla.python.xla import optimization_barrier

from spn_tf.dense import Dense

Product = Callable[[tf.Tensor], tf.Tensor]


def product_with(matrix: tf.Tensor) -> Product:
    """[B, inputs] to [B, outputs]: the rows times a matrix [inputs, outputs].

    For graphs that XLA compiles. Make it outside their loops: the matrix is turned round there.

    A product of few rows takes as long as its matrix takes to be read. On some processors XLA's
    read it faster if it is on the left, turned round. XLA would turn it back but for the barrier.
    """
    turned = tf.transpose(matrix)

    def product(x: tf.Tensor) -> tf.Tensor:
        if x.shape[0] == 1:  # a product with a vector, as fast as memory either way
            return tf.matmul(x, matrix)
        return tf.transpose(optimization_barrier(tf.matmul(turned, tf.transpose(x)))[0])

    return product


def dense(layer: Dense, dtype: str) -> Product:
    """A built layer as such a product, of numbers of a dtype."""
    product = product_with(tf.cast(layer.kernel, dtype))
    bias = None if layer.bias is None else tf.cast(layer.bias, dtype)

    def call(x: tf.Tensor) -> tf.Tensor:
        made = product(x)
        return layer.activation(made if bias is None else made + bias)

    return call
