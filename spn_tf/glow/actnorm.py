"""Activation normalisation: a scale and a bias of each channel (section 3.1)."""

import tensorflow as tf

from spn_tf.glow.flow_layer import FlowLayer, for_each_image
from spn_tf.shapes import Shape

# The authors' code multiplies its learned log scales by this number. Adam's steps are of one size
# for all weights, so log scales learn three times as fast as others.
LOG_SCALE_FACTOR = 3.0
_SMALLEST_DEVIATION = 1e-6  # as in the authors' code; a channel may be constant


class ActNorm(FlowLayer):
    """y = s * (x + b) for each channel, [B, H, W, C] to the same.

    Table 1 has s * x + b. With a large s that would be a difference of large numbers, so the bias
    comes first, as in the authors' code. The layer starts as the identity. `initialise` depends on
    data, and is called once before training.

    Example:
        >>> layer = ActNorm()
        >>> x = 5 + 2 * tf.random.normal([8, 4, 4, 3], seed=0)
        >>> y = layer.initialise(x)
        >>> bool(abs(tf.reduce_mean(y)) < 1e-4), round(float(tf.math.reduce_std(y)), 3)
        (True, 1.0)
        >>> y, log_determinant = layer(x)
        >>> log_determinant.shape, bool(tf.reduce_all(tf.abs(layer.inverse(y) - x) < 1e-4))
        (TensorShape([8]), True)
    """

    def build(self, x_shape: Shape) -> None:
        if self.built:
            return
        channels = (x_shape[-1],)
        self.log_scale = self.add_weight(shape=channels, initializer="zeros", name="log_scale")
        self.bias = self.add_weight(shape=channels, initializer="zeros", name="bias")
        self.built = True

    def initialise(self, x: tf.Tensor) -> tf.Tensor:
        """Sets the weights so that each channel of y has mean 0 and variance 1; returns y.

        Mean and variance are over the batch and all pixels. A constant channel becomes 0.

        Args:
            x: [B, H, W, C], a batch of data.
        """
        self.build(x.shape)
        mean, variance = tf.nn.moments(tf.cast(x, self.variable_dtype), [0, 1, 2])
        deviation = tf.maximum(tf.sqrt(variance), _SMALLEST_DEVIATION)
        self.log_scale.assign(-tf.math.log(deviation) / LOG_SCALE_FACTOR)
        self.bias.assign(-mean)
        return self(x)[0]

    def call(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        log_scale = LOG_SCALE_FACTOR * self.log_scale
        pixels = x.shape[1] * x.shape[2]
        log_determinant = for_each_image(x, pixels * tf.reduce_sum(log_scale))
        return (x + self.bias) * tf.exp(log_scale), log_determinant

    def inverse(self, y: tf.Tensor) -> tf.Tensor:
        """x of y, [B, H, W, C]."""
        return y * tf.exp(-LOG_SCALE_FACTOR * self.log_scale) - self.bias

    def compute_output_shape(self, x_shape: Shape) -> tuple[Shape, Shape]:
        return x_shape, (x_shape[0],)
