"""Batch normalisation whose gain and bias are functions of class and noise (BigGAN, section 3)."""

from typing import Any

import tensorflow as tf

from cascade_tf.serializable_layer import SerializableLayer
from wavelet_tf.biggan.batch_norm import batch_norm
from wavelet_tf.biggan.shapes import Shape
from wavelet_tf.biggan.spectral_norm import SNDense


class ConditionalBatchNorm(SerializableLayer):
    """(1 + gain(y)) * normalised x + bias(y): x [B, H, W, width], y [B, condition] to x's shape.

    Args:
        width: units of x.
        condition: units of y.
        synchronized: see `batch_norm`.

    Example:
        >>> layer = ConditionalBatchNorm(width=4, condition=5)
        >>> layer(tf.zeros([2, 8, 8, 4]), tf.zeros([2, 5])).shape
        TensorShape([2, 8, 8, 4])
    """

    def __init__(self, width: int, condition: int, synchronized: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.width, self.condition, self.synchronized = width, condition, synchronized
        dtype = self.dtype_policy
        self.normalisation = batch_norm(False, synchronized, dtype=dtype, name="normalisation")
        self.gain = SNDense(condition, width, use_bias=False, dtype=dtype, name="gain")
        self.bias = SNDense(condition, width, use_bias=False, dtype=dtype, name="bias")

    def build(self, input_shape: Any = None) -> None:
        if self.built:
            return
        self.normalisation.build((None, None, None, self.width))
        self.gain.build()
        self.bias.build()
        self.built = True

    def call(self, x: tf.Tensor, y: tf.Tensor, training: bool = False) -> tf.Tensor:
        x = self.normalisation(x, training=training)
        return x * (1 + self.gain(y))[:, None, None] + self.bias(y)[:, None, None]

    def compute_output_shape(self, x_shape: Shape) -> Shape:
        return x_shape
