"""Residual blocks of BigGAN (appendix B, figure 15)."""

from typing import Any

import keras
import tensorflow as tf

from cascade_tf.serializable_layer import SerializableLayer
from wavelet_tf.biggan.conditional_batch_norm import ConditionalBatchNorm
from wavelet_tf.biggan.resampling import doubled, doubled_shape, halved, halved_shape
from wavelet_tf.biggan.shapes import Shape
from wavelet_tf.biggan.spectral_norm import SNConv2D


class GeneratorBlock(SerializableLayer):
    """[B, H, W, inputs] to [B, 2H, 2W, outputs], with a 1x1 convolution as skip.

    Args:
        inputs, outputs: units.
        condition: units of the condition of its batch normalisations.
        synchronized: see `batch_norm`.

    Example:
        >>> block = GeneratorBlock(inputs=8, outputs=4, condition=5)
        >>> block(tf.zeros([1, 4, 4, 8]), tf.zeros([1, 5])).shape
        TensorShape([1, 8, 8, 4])
    """

    def __init__(
        self, inputs: int, outputs: int, condition: int, synchronized: bool = False, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.inputs, self.outputs, self.condition = inputs, outputs, condition
        self.synchronized = synchronized
        dtype = self.dtype_policy
        self.norms = [
            ConditionalBatchNorm(width, condition, synchronized, dtype=dtype, name=f"norm_{n}")
            for n, width in enumerate((inputs, outputs))
        ]
        self.convolutions = [
            SNConv2D(width, outputs, dtype=dtype, name=f"convolution_{n}")
            for n, width in enumerate((inputs, outputs))
        ]
        self.skip = SNConv2D(inputs, outputs, 1, dtype=dtype, name="skip")

    def build(self, input_shape: Any = None) -> None:
        if self.built:
            return
        layers: list[keras.layers.Layer] = [*self.norms, *self.convolutions, self.skip]
        for layer in layers:
            layer.build()
        self.built = True

    def call(self, x: tf.Tensor, y: tf.Tensor, training: bool = False) -> tf.Tensor:
        h = doubled(tf.nn.relu(self.norms[0](x, y, training=training)))
        h = self.convolutions[0](h)
        h = tf.nn.relu(self.norms[1](h, y, training=training))
        # The paper upsamples x before this 1x1 convolution: the same result at a higher cost.
        return self.convolutions[1](h) + doubled(self.skip(x))

    def compute_output_shape(self, x_shape: Shape) -> Shape:
        return (*doubled_shape(x_shape)[:-1], self.outputs)


class DiscriminatorBlock(SerializableLayer):
    """[B, H, W, inputs] to [B, H, W, outputs], or to half the sides.

    The skip is the identity if the shape stays the same, otherwise a 1x1 convolution.

    Args:
        inputs, outputs: units.
        halve: whether it halves the sides.
        first: whether its input is the image, to which no ReLU is applied.

    Example:
        >>> block = DiscriminatorBlock(inputs=3, outputs=4, halve=True, first=True)
        >>> block(tf.zeros([1, 8, 8, 3])).shape
        TensorShape([1, 4, 4, 4])
    """

    def __init__(self, inputs: int, outputs: int, halve: bool, first: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.inputs, self.outputs, self.halve, self.first = inputs, outputs, halve, first
        dtype = self.dtype_policy
        self.convolutions = [
            SNConv2D(width, outputs, dtype=dtype, name=f"convolution_{n}")
            for n, width in enumerate((inputs, outputs))
        ]
        self.skip = None
        if halve or inputs != outputs:
            self.skip = SNConv2D(inputs, outputs, 1, dtype=dtype, name="skip")

    def build(self, input_shape: Any = None) -> None:
        if self.built:
            return
        for layer in self.convolutions:
            layer.build()
        if self.skip is not None:
            self.skip.build()
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        h = self.convolutions[0](x if self.first else tf.nn.relu(x))
        h = self.convolutions[1](tf.nn.relu(h))
        if self.halve:
            # The paper halves x after the 1x1 convolution: the same result.
            h, x = halved(h), halved(x)
        return h + (x if self.skip is None else self.skip(x))

    def compute_output_shape(self, x_shape: Shape) -> Shape:
        shape = halved_shape(x_shape) if self.halve else x_shape
        return (*shape[:-1], self.outputs)
