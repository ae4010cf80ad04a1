"""The split between two levels: half of the channels is factored out (section 3, Figure 2b)."""

from typing import Any

import tensorflow as tf

from spn_tf.glow.flow_layer import FlowLayer
from spn_tf.glow.gaussian import from_noise, to_noise
from spn_tf.glow.zero_convolution import ZeroConvolution
from spn_tf.shapes import Shape


class Split(FlowLayer):
    """Keeps the first half of the channels; the second is normal given the first.

    A convolution of the kept half, which starts at zero, returns mean and log scale of the other.

    Example:
        >>> layer = Split()
        >>> z = tf.random.normal([2, 4, 4, 6], seed=0)
        >>> kept, noise, log_density = layer(z)
        >>> kept.shape, noise.shape, log_density.shape
        (TensorShape([2, 4, 4, 3]), TensorShape([2, 4, 4, 3]), TensorShape([2]))
        >>> bool(tf.reduce_all(tf.abs(layer.inverse(kept, noise) - z) < 1e-5))
        True
    """

    def build(self, z_shape: Any) -> None:
        if self.built:
            return
        *outer, channels = z_shape
        self.prior = ZeroConvolution(channels, dtype=self.network_policy, name="prior")
        self.prior.build((*outer, channels // 2))
        self.built = True

    def _mean_and_log_scale(self, kept: tf.Tensor) -> list[tf.Tensor]:
        return tf.split(tf.cast(self.prior(kept), self.variable_dtype), 2, axis=-1)

    def call(self, z: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Returns the kept half, noise of the other, and log p(other | kept) [B] in nats.

        Args:
            z: [B, H, W, C] with an even C; the halves are [B, H, W, C / 2].
        """
        kept, other = tf.split(z, 2, axis=-1)
        return kept, *to_noise(other, *self._mean_and_log_scale(kept))

    def inverse(self, kept: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        """z of the kept half and of the other's noise, [B, H, W, C]."""
        return tf.concat([kept, from_noise(noise, *self._mean_and_log_scale(kept))], axis=-1)

    def compute_output_shape(self, z_shape: Any) -> tuple[Shape, Shape, Shape]:
        half = (*z_shape[:-1], z_shape[-1] // 2)
        return half, half, (z_shape[0],)
