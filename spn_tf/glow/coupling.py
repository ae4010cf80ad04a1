"""Coupling layers, affine and additive (section 3.3, Table 1)."""

from typing import Any

import keras
import tensorflow as tf

from spn_tf.convolution import Convolution
from spn_tf.glow.flow_layer import FlowLayer
from spn_tf.glow.zero_convolution import ZeroConvolution
from spn_tf.shapes import Shape


class Coupling(FlowLayer):
    """Half of the channels chooses scale and shift of the other half; [B, H, W, C] to the same.

        log_s, t = network(x_1)
        y_1 = x_1
        y_2 = (x_2 + t) * s,   s = sigmoid(log_s + 2)

    That is the authors' code. Table 1 adds t after the scale, which is as general, and has s =
    exp(log_s), which can overflow. If the coupling is additive, s is 1. The network is a 3x3, a
    1x1 and a 3x3 convolution, with ReLUs between them. The last one starts at zero.

    Args:
        hidden_channels: units of the network's hidden layers.
        coupling: "affine" or "additive".

    Example:
        >>> layer = Coupling(hidden_channels=8, coupling="affine")
        >>> x = tf.random.normal([2, 4, 4, 6], seed=0)
        >>> y, log_determinant = layer(x)
        >>> y.shape, log_determinant.shape
        (TensorShape([2, 4, 4, 6]), TensorShape([2]))
        >>> bool(tf.reduce_all(tf.abs(layer.inverse(y) - x) < 1e-5))
        True
    """

    def __init__(self, hidden_channels: int, coupling: str, **kwargs: Any):
        super().__init__(**kwargs)
        self.hidden_channels, self.coupling = hidden_channels, coupling
        self.hidden = [self._hidden(size, name) for size, name in ((3, "first"), (1, "second"))]

    def _hidden(self, size: int, name: str) -> Convolution:
        # He's variance keeps that of the features, which actnorm makes 1.
        return Convolution(
            self.hidden_channels,
            size,
            padding="same",
            data_format="channels_last",
            activation="relu",
            kernel_initializer=keras.initializers.HeNormal(),
            dtype=self.network_policy,
            name=name,
        )

    def build(self, x_shape: Any) -> None:
        if self.built:
            return
        *outer, channels = x_shape
        changed = channels - channels // 2
        units = 2 * changed if self.coupling == "affine" else changed
        self.last = ZeroConvolution(units, dtype=self.network_policy, name="last")
        hidden = (*outer, self.hidden_channels)
        self.hidden[0].build((*outer, channels // 2))
        self.hidden[1].build(hidden)
        self.last.build(hidden)
        self.built = True

    def _scale_and_shift(self, x_1: tf.Tensor) -> tuple[tf.Tensor | None, tf.Tensor]:
        """log(s), None if it is 0, and t; both are of x_2's shape."""
        features = self.hidden[1](self.hidden[0](x_1))
        outputs = tf.cast(self.last(features), self.variable_dtype)
        if self.coupling == "additive":
            return None, outputs
        log_s, shift = tf.split(outputs, 2, axis=-1)
        return tf.math.log_sigmoid(log_s + 2), shift

    def call(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        x_1, x_2 = _halves(x)
        log_scale, shift = self._scale_and_shift(x_1)
        y_2 = x_2 + shift
        if log_scale is None:
            return tf.concat([x_1, y_2], axis=-1), tf.zeros_like(x[:, 0, 0, 0])
        y = tf.concat([x_1, y_2 * tf.exp(log_scale)], axis=-1)
        return y, tf.reduce_sum(log_scale, axis=[1, 2, 3])

    def inverse(self, y: tf.Tensor) -> tf.Tensor:
        """x of y, [B, H, W, C]."""
        x_1, y_2 = _halves(y)
        log_scale, shift = self._scale_and_shift(x_1)
        if log_scale is not None:
            y_2 = y_2 * tf.exp(-log_scale)
        return tf.concat([x_1, y_2 - shift], axis=-1)

    def compute_output_shape(self, x_shape: Shape) -> tuple[Shape, Shape]:
        return x_shape, (x_shape[0],)


def _halves(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    kept = x.shape[-1] // 2
    return x[..., :kept], x[..., kept:]
