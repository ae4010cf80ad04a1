"""One step of flow: actnorm, invertible 1x1 convolution, coupling (Figure 2a)."""

from typing import Any

import tensorflow as tf

from spn_tf.glow.actnorm import ActNorm
from spn_tf.glow.coupling import Coupling
from spn_tf.glow.flow_layer import FlowLayer
from spn_tf.glow.invertible_convolution import InvertibleConvolution
from spn_tf.shapes import Shape


class Step(FlowLayer):
    """One step of flow, [B, H, W, C] to the same.

    Args:
        hidden_channels, coupling: see `Coupling`.

    Example:
        >>> layer = Step(hidden_channels=8, coupling="affine")
        >>> x = tf.random.normal([2, 4, 4, 6], seed=0)
        >>> y, log_determinant = layer(x)
        >>> bool(tf.reduce_all(tf.abs(layer.inverse(y) - x) < 1e-4))
        True
    """

    def __init__(self, hidden_channels: int, coupling: str, **kwargs: Any):
        super().__init__(**kwargs)
        dtype = self.network_policy
        self.hidden_channels, self.coupling = hidden_channels, coupling
        self.actnorm = ActNorm(dtype=dtype, name="actnorm")
        self.convolution = InvertibleConvolution(dtype=dtype, name="convolution")
        self.coupled = Coupling(hidden_channels, coupling, dtype=dtype, name="coupling")

    def build(self, x_shape: Shape) -> None:
        if self.built:
            return
        for layer in (self.actnorm, self.convolution, self.coupled):
            layer.build(x_shape)
        self.built = True

    def initialise(self, x: tf.Tensor) -> tf.Tensor:
        """Initialises actnorm for a batch of data, as `ActNorm.initialise`; returns y."""
        self.build(x.shape)
        self.actnorm.initialise(x)
        return self(x)[0]

    def call(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        x, of_actnorm = self.actnorm(x)
        x, of_convolution = self.convolution(x)
        y, of_coupling = self.coupled(x)
        return y, of_actnorm + of_convolution + of_coupling

    def inverse(self, y: tf.Tensor) -> tf.Tensor:
        """x of y, [B, H, W, C]."""
        return self.actnorm.inverse(self.convolution.inverse(self.coupled.inverse(y)))

    def compute_output_shape(self, x_shape: Shape) -> tuple[Shape, Shape]:
        return x_shape, (x_shape[0],)
