"""Convolutions that may be products of matrices."""

import contextlib
import contextvars
from collections.abc import Iterator, Sequence

import keras
import tensorflow as tf

_as_products = contextvars.ContextVar("as_products", default=False)


@contextlib.contextmanager
def as_products() -> Iterator[None]:
    """While it lasts, convolutions are traced as products of patches and kernels.

    Results of convolutions on CPUs depend on the number of threads, those of products do not. XLA
    has no fast convolution of float64 on CPUs.
    """
    token = _as_products.set(True)
    try:
        yield
    finally:
        _as_products.reset(token)


def convolution(
    x: tf.Tensor, kernel: tf.Tensor, padding: Sequence[tuple[int, int]] = ((0, 0), (0, 0))
) -> tf.Tensor:
    """`tf.nn.conv2d` with stride 1, [B, h, w, D] to [B, h', w', filters].

    Args:
        x: [B, h, w, D].
        kernel: [rows, columns, D, filters], of x's dtype.
        padding: zeros above and below, left and right.

    >>> x, kernel = tf.random.normal([2, 4, 5, 3], seed=0), tf.random.normal([2, 3, 3, 6], seed=1)
    >>> usual = convolution(x, kernel, [(1, 0), (1, 1)])
    >>> with as_products():
    ...     product = convolution(x, kernel, [(1, 0), (1, 1)])
    >>> bool(tf.reduce_all(tf.abs(usual - product) < 1e-5))
    True
    """
    pads = [(0, 0), *padding, (0, 0)]
    if not _as_products.get():
        return tf.nn.conv2d(x, kernel, 1, pads)
    x = tf.pad(x, pads)
    rows, columns, _, filters = kernel.shape
    height, width = x.shape[1] - rows + 1, x.shape[2] - columns + 1
    patches = [x[:, i : i + height, j : j + width] for i in range(rows) for j in range(columns)]
    return tf.tensordot(tf.concat(patches, axis=-1), tf.reshape(kernel, [-1, filters]), axes=1)


@keras.saving.register_keras_serializable("spn_tf")
class Convolution(keras.layers.Conv2D):
    """Keras's layer with stride 1 and outputs of the inputs' size; `as_products` applies."""

    def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """Called by Keras."""
        if not _as_products.get():
            return super().convolution_op(inputs, kernel)
        padding = [((size - 1) // 2, size // 2) for size in self.kernel_size]
        return convolution(inputs, tf.convert_to_tensor(kernel), padding)
