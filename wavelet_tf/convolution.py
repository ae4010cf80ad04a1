"""Convolutions whose gradients need less memory."""

from collections.abc import Callable

import tensorflow as tf

from cascade_tf.computation_order import in_order


@tf.custom_gradient
def convolution(x: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Callable]:
    """`tf.nn.conv2d` of stride 1 that keeps the sides.

    In the backward pass the kernel's gradient comes before that of x. XLA would postpone it, and
    keep x and the gradient of the result until then.

    >>> convolution(tf.zeros([1, 8, 8, 3]), tf.zeros([3, 3, 3, 4])).shape
    TensorShape([1, 8, 8, 4])

    Args:
        x: [B, H, W, inputs].
        kernel: [size, size, inputs, outputs] of x's dtype.
    """
    how = {"strides": [1, 1, 1, 1], "padding": "SAME"}

    def gradients(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        of_kernel = tf.raw_ops.Conv2DBackpropFilter(
            input=x, filter_sizes=kernel.shape, out_backprop=upstream, **how
        )
        [of_kernel], [upstream] = in_order([of_kernel], [upstream])
        of_x = tf.raw_ops.Conv2DBackpropInput(
            input_sizes=tf.shape(x), filter=kernel, out_backprop=upstream, **how
        )
        return of_x, of_kernel

    return tf.nn.conv2d(x, kernel, **how), gradients
