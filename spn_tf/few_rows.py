"""Products of few rows with one matrix, again and again, as fast as they get on a CPU."""

from collections.abc import Callable

import tensorflow as tf
from tensorflow.compiler.tf2xla.python.xla import optimization_barrier

from spn_tf.dense import Dense

Product = Callable[[tf.Tensor], tf.Tensor]

# Multiplications of a product that gains by being cut in two. XLA shares out larger ones among the
# cores well; these it makes as if on one core, and halves side by side.
_CUT = range(5_000_000, 10_000_000)


def product_with(matrix: tf.Tensor) -> Product:
    """[B, inputs] to [B, outputs]: the rows times a matrix [inputs, outputs].

    For graphs that XLA compiles. Make it outside their loops: the matrix is turned round there.

    A product of few rows takes as long as its matrix takes to be read, and XLA's read it up to
    twice as fast if it is on the left, turned round. XLA would turn it back but for the barrier.
    """
    turned = tf.transpose(matrix)
    inputs, outputs = matrix.shape
    halves = tf.split(turned, 2) if outputs % 2 == 0 else [turned]

    def product(x: tf.Tensor) -> tf.Tensor:
        rows = x.shape[0] or 0  # 0: not known, as in an exported model
        if rows == 1:  # a product with a vector, as fast as memory either way
            return tf.matmul(x, matrix)
        parts = halves if rows * inputs * outputs in _CUT else [turned]
        columns = tf.transpose(x)
        made = [optimization_barrier(tf.matmul(part, columns))[0] for part in parts]
        return tf.transpose(tf.concat(made, axis=0))

    return product


def dense(layer: Dense) -> Product:
    """A built layer as such a product."""
    product = product_with(tf.cast(layer.kernel, layer.compute_dtype))
    bias = None if layer.bias is None else tf.cast(layer.bias, layer.compute_dtype)

    def call(x: tf.Tensor) -> tf.Tensor:
        made = product(x)
        return layer.activation(made if bias is None else made + bias)

    return call
