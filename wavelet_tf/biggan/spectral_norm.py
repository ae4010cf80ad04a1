"""Spectral normalisation: weights divided by their largest singular value (Miyato et al., 2018).

The largest singular value of a matrix W is estimated as sigma = |W u|. The unit vector u is stored;
every training step moves it towards the first singular vector by one power iteration. Calls use
W / sigma and do not move u. Gradients flow through W and through sigma.

Keras's SpectralNormalization moves u and overwrites W with W / sigma in every training call, of
which a step has several. No gradient flows through its sigma.
"""

from typing import Any

import keras
import tensorflow as tf

from cascade_tf.serializable_layer import SerializableLayer
from wavelet_tf.biggan.shapes import Shape

_EPSILON = 1e-6  # the smallest sigma, so that a matrix of zeros is not divided by zero


class SpectralNormalized(SerializableLayer):
    """A layer with one kernel W, used as W / sigma, and optionally a bias.

    W, u and sigma are float32 in every compute dtype.

    Args:
        shape: of the kernel; the last axis is that of the outputs.
        use_bias: whether it has a bias.
    """

    def __init__(self, shape: tuple[int, ...], use_bias: bool, **kwargs: Any):
        super().__init__(**kwargs)
        self.shape, self.use_bias = shape, use_bias

    def build(self, input_shape: Any = None) -> None:
        if self.built:
            return
        self.kernel = self.add_weight(
            shape=self.shape, initializer="orthogonal", autocast=False, name="kernel"
        )
        # Needs no aggregation: every replica moves its own copy, all in the same way.
        self.u = self.add_weight(
            shape=self.shape[-1:],
            initializer="random_normal",
            trainable=False,
            autocast=False,
            name="u",
        )
        if self.use_bias:
            self.bias = self.add_weight(shape=self.shape[-1:], initializer="zeros", name="bias")
        self.built = True

    def matrix(self) -> tf.Tensor:
        """The kernel as a matrix with a column for each output, float32 [inputs, outputs]."""
        return tf.reshape(self.kernel, [-1, self.shape[-1]])

    def sigma(self) -> tf.Tensor:
        """Estimate of the largest singular value, never above it; float32 scalar."""
        u = tf.math.l2_normalize(tf.convert_to_tensor(self.u))
        squared = tf.reduce_sum(tf.square(tf.linalg.matvec(self.matrix(), u)))
        return tf.sqrt(tf.maximum(squared, _EPSILON**2))

    def power_iteration(self) -> None:
        """Moves u towards the first singular vector: u <- W^T W u, of unit length."""
        matrix, u = self.matrix(), tf.convert_to_tensor(self.u)
        v = tf.math.l2_normalize(tf.linalg.matvec(matrix, u))
        moved = tf.linalg.matvec(matrix, v, transpose_a=True)
        length = tf.norm(moved)
        # A matrix of zeros has no direction to move in.
        self.u.assign(tf.where(length > _EPSILON, moved / tf.maximum(length, _EPSILON), u))

    def normalized_kernel(self) -> tf.Tensor:
        """W / sigma, in the dtype that the layer computes in."""
        return tf.cast(tf.convert_to_tensor(self.kernel) / self.sigma(), self.compute_dtype)

    def add_bias(self, y: tf.Tensor) -> tf.Tensor:
        return tf.nn.bias_add(y, tf.cast(self.bias, y.dtype)) if self.use_bias else y


class SNConv2D(SpectralNormalized):
    """Convolution of stride 1 that keeps the sides: [B, H, W, inputs] to [B, H, W, outputs].

    Its matrix is [size * size * inputs, outputs].

    Example:
        >>> SNConv2D(inputs=3, outputs=4)(tf.zeros([1, 8, 8, 3])).shape
        TensorShape([1, 8, 8, 4])
    """

    def __init__(
        self, inputs: int, outputs: int, size: int = 3, use_bias: bool = True, **kwargs: Any
    ):
        super().__init__((size, size, inputs, outputs), use_bias, **kwargs)
        self.inputs, self.outputs, self.size = inputs, outputs, size

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return self.add_bias(tf.nn.conv2d(x, self.normalized_kernel(), 1, "SAME"))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.outputs)


class SNDense(SpectralNormalized):
    """Dense layer: [B, inputs] to [B, outputs].

    Example:
        >>> SNDense(inputs=3, outputs=4)(tf.zeros([2, 3])).shape
        TensorShape([2, 4])
    """

    def __init__(self, inputs: int, outputs: int, use_bias: bool = True, **kwargs: Any):
        super().__init__((inputs, outputs), use_bias, **kwargs)
        self.inputs, self.outputs = inputs, outputs

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return self.add_bias(tf.matmul(x, self.normalized_kernel()))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.outputs)


class SNEmbedding(SpectralNormalized):
    """Labels, int32 [B] in [0, classes), to vectors [B, units].

    Example:
        >>> SNEmbedding(classes=10, units=4)(tf.constant([0, 9])).shape
        TensorShape([2, 4])
    """

    def __init__(self, classes: int, units: int, **kwargs: Any):
        super().__init__((classes, units), use_bias=False, **kwargs)
        self.classes, self.units = classes, units

    def call(self, labels: tf.Tensor) -> tf.Tensor:
        return look_up(self.normalized_kernel(), labels)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape, self.units)


def look_up(table: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Rows [B, units] of a table [classes, units]; the table's gradient is a dense tensor."""
    return tf.matmul(tf.one_hot(labels, table.shape[0], dtype=table.dtype), table)


def spectral_layers(network: keras.layers.Layer) -> list[SpectralNormalized]:
    """All spectrally normalised layers of a network that is built."""
    layers = network._flatten_layers()
    return [layer for layer in layers if isinstance(layer, SpectralNormalized)]


def update_spectral_norms(network: keras.layers.Layer) -> None:
    """Runs one power iteration in every layer; to be called once, at a training step's start.

    Calling the network itself does not, even with `training=True`.

    Example:
        >>> layer = SNDense(inputs=3, outputs=4)
        >>> layer.build()
        >>> for _ in range(50):
        ...     update_spectral_norms(layer)
        >>> float(tf.round(tf.linalg.svd(layer.matrix() / layer.sigma())[0][0] * 100)) / 100
        1.0
    """
    for layer in spectral_layers(network):
        layer.power_iteration()


def spectral_norms(network: keras.layers.Layer) -> dict[str, tf.Tensor]:
    """Sigma of every layer, a float32 scalar, by the layer's path."""
    return {layer.path: layer.sigma() for layer in spectral_layers(network)}
