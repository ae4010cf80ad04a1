"""Convolutions of float64 as products of matrices."""

from collections.abc import Sequence

import keras
import tensorflow as tf


def convolution(
    x: tf.Tensor, kernel: tf.Tensor, padding: Sequence[tuple[int, int]] = ((0, 0), (0, 0))
) -> tf.Tensor:
    """`tf.nn.conv2d` with stride 1, [B, h, w, D] to [B, h', w', filters].

    In float64 it is one product of patches and kernel: XLA has no fast convolution of float64 on
    CPUs.

    Args:
        x: [B, h, w, D].
        kernel: [rows, columns, D, filters], of x's dtype.
        padding: zeros above and below, left and right.

    >>> x, kernel = tf.random.normal([2, 4, 5, 3], seed=0), tf.random.normal([2, 3, 3, 6], seed=1)
    >>> x, kernel = tf.cast(x, tf.float64), tf.cast(kernel, tf.float64)
    >>> true = tf.nn.conv2d(x, kernel, 1, [[0, 0], [1, 0], [1, 1], [0, 0]])
    >>> bool(tf.reduce_all(tf.abs(convolution(x, kernel, [(1, 0), (1, 1)]) - true) < 1e-12))
    True
    """
    pads = [(0, 0), *padding, (0, 0)]
    if x.dtype != tf.float64:
        return tf.nn.conv2d(x, kernel, 1, pads)
    x = tf.pad(x, pads)
    rows, columns, _, filters = kernel.shape
    height, width = x.shape[1] - rows + 1, x.shape[2] - columns + 1
    patches = [x[:, i : i + height, j : j + width] for i in range(rows) for j in range(columns)]
    return tf.tensordot(tf.concat(patches, axis=-1), tf.reshape(kernel, [-1, filters]), axes=1)


@keras.saving.register_keras_serializable("spn_tf")
class Convolution(keras.layers.Conv2D):
    """Keras's layer with stride 1 and outputs of the inputs' size, by `convolution` in float64."""

    def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """Called by Keras."""
        if inputs.dtype != tf.float64:
            return super().convolution_op(inputs, kernel)
        padding = [((size - 1) // 2, size // 2) for size in self.kernel_size]
        return convolution(inputs, tf.convert_to_tensor(kernel), padding)
