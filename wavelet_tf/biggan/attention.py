"""Self-attention over the positions of a feature map (SAGAN, Zhang et al., 2019; as in BigGAN)."""

from typing import Any

import tensorflow as tf

from cascade_tf.serializable_layer import SerializableLayer
from wavelet_tf.biggan.shapes import Shape
from wavelet_tf.biggan.spectral_norm import SNConv2D


class SelfAttention(SerializableLayer):
    """x + gamma * o(softmax(theta(x) phi(x)^T) g(x)), [B, H, W, width] to the same.

    theta, phi, g and o are 1x1 convolutions. Keys phi and values g are max-pooled to half the
    sides. The scalar gamma is learned. It starts at zero, so the layer starts as the identity.

    Args:
        width: units, at least 8.

    Example:
        >>> SelfAttention(width=8)(tf.zeros([1, 4, 4, 8])).shape
        TensorShape([1, 4, 4, 8])
    """

    def __init__(self, width: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.width = width

        def convolution(inputs: int, outputs: int, name: str) -> SNConv2D:
            return SNConv2D(inputs, outputs, 1, False, dtype=self.dtype_policy, name=name)

        self.theta = convolution(width, width // 8, "theta")
        self.phi = convolution(width, width // 8, "phi")
        self.g = convolution(width, width // 2, "g")
        self.o = convolution(width // 2, width, "o")

    def build(self, input_shape: Any = None) -> None:
        if self.built:
            return
        for layer in (self.theta, self.phi, self.g, self.o):
            layer.build()
        self.gamma = self.add_weight(shape=(), initializer="zeros", name="gamma")
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        _, height, width, _ = x.shape
        queries = _positions(self.theta(x))
        keys = _positions(tf.nn.max_pool2d(self.phi(x), 2, 2, "VALID"))
        values = _positions(tf.nn.max_pool2d(self.g(x), 2, 2, "VALID"))
        scores = tf.matmul(queries, keys, transpose_b=True)  # [B, H * W, H * W / 4]
        weights = tf.nn.softmax(tf.cast(scores, self.variable_dtype))  # too coarse in bfloat16
        read = tf.matmul(tf.cast(weights, values.dtype), values)
        read = tf.reshape(read, [-1, height, width, read.shape[-1]])
        return x + tf.cast(self.gamma, x.dtype) * self.o(read)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


def _positions(x: tf.Tensor) -> tf.Tensor:
    """[B, H, W, C] to [B, H * W, C]."""
    _, height, width, channels = x.shape
    return tf.reshape(x, [-1, height * width, channels])
