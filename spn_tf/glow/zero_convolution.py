"""The convolution that ends each network of the flow: it starts at zero (section 3.3)."""

from typing import Any

import tensorflow as tf

from cascade_tf.serializable_layer import SerializableLayer
from spn_tf.convolution import convolution
from spn_tf.glow.actnorm import LOG_SCALE_FACTOR
from spn_tf.shapes import Shape


class ZeroConvolution(SerializableLayer):
    """A 3x3 convolution times a learned scale of each unit, [B, H, W, D] to [B, H, W, filters].

    Kernel and bias start at zero, so every coupling starts as a constant scale, and every split
    with standard normal latents. The learned scale is in the authors' code alone.

    Args:
        filters: units of the output.

    Example:
        >>> layer = ZeroConvolution(filters=6)
        >>> y = layer(tf.ones([2, 4, 5, 3]))
        >>> y.shape, float(tf.reduce_max(tf.abs(y)))
        (TensorShape([2, 4, 5, 6]), 0.0)
    """

    def __init__(self, filters: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.filters = filters

    def build(self, input_shape: Shape) -> None:
        if self.built:
            return
        self.kernel = self.add_weight(
            shape=(3, 3, input_shape[-1], self.filters), initializer="zeros", name="kernel"
        )
        self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")
        self.log_scale = self.add_weight(
            shape=(self.filters,), initializer="zeros", name="log_scale"
        )
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        y = convolution(x, tf.convert_to_tensor(self.kernel), [(1, 1), (1, 1)]) + self.bias
        return y * tf.exp(LOG_SCALE_FACTOR * self.log_scale)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.filters)
