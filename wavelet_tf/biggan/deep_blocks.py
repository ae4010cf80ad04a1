"""Residual blocks of BigGAN-deep, which have a bottleneck (appendix B, figure 16).

Two 3x3 convolutions with a quarter of the units stand between two 1x1 convolutions. The skip is the
identity on the units that input and output share.
"""

from typing import Any

import keras
import tensorflow as tf

from cascade_tf.serializable_layer import SerializableLayer
from wavelet_tf.biggan.conditional_batch_norm import ConditionalBatchNorm
from wavelet_tf.biggan.resampling import doubled, doubled_shape, halved, halved_shape
from wavelet_tf.biggan.shapes import Shape
from wavelet_tf.biggan.spectral_norm import SNConv2D


class DeepGeneratorBlock(SerializableLayer):
    """[B, H, W, inputs] to [B, H, W, outputs], or to twice the sides.

    The skip keeps the first `outputs` units.

    Args:
        inputs, outputs: units; `outputs` is at most `inputs`.
        condition: units of the condition of its batch normalisations.
        synchronized: see `batch_norm`.
        double: whether it doubles the sides.

    Example:
        >>> block = DeepGeneratorBlock(inputs=8, outputs=4, condition=5, double=True)
        >>> block(tf.zeros([1, 4, 4, 8]), tf.zeros([1, 5])).shape
        TensorShape([1, 8, 8, 4])
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        condition: int,
        synchronized: bool = False,
        double: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.inputs, self.outputs, self.condition = inputs, outputs, condition
        self.synchronized, self.double = synchronized, double
        dtype = self.dtype_policy
        hidden = inputs // 4
        self.norms = [
            ConditionalBatchNorm(width, condition, synchronized, dtype=dtype, name=f"norm_{n}")
            for n, width in enumerate((inputs, hidden, hidden, hidden))
        ]
        self.convolutions = _bottleneck(inputs, hidden, outputs, dtype)

    def build(self, input_shape: Any = None) -> None:
        if self.built:
            return
        layers: list[keras.layers.Layer] = [*self.norms, *self.convolutions]
        for layer in layers:
            layer.build()
        self.built = True

    def call(self, x: tf.Tensor, y: tf.Tensor, training: bool = False) -> tf.Tensor:
        h = x
        layers = zip(self.norms, self.convolutions, strict=True)
        for number, (norm, convolution) in enumerate(layers):
            h = tf.nn.relu(norm(h, y, training=training))
            if self.double and number == 1:  # before the first 3x3 convolution
                h = doubled(h)
            h = convolution(h)
        x = x[..., : self.outputs]
        return h + (doubled(x) if self.double else x)

    def compute_output_shape(self, x_shape: Shape) -> Shape:
        shape = doubled_shape(x_shape) if self.double else x_shape
        return (*shape[:-1], self.outputs)


class DeepDiscriminatorBlock(SerializableLayer):
    """[B, H, W, inputs] to [B, H, W, outputs], or to half the sides.

    In the skip, a 1x1 convolution computes the units beyond `inputs`.

    Args:
        inputs, outputs: units; `outputs` is at least `inputs`.
        halve: whether it halves the sides.

    Example:
        >>> DeepDiscriminatorBlock(inputs=4, outputs=8, halve=True)(tf.zeros([1, 8, 8, 4])).shape
        TensorShape([1, 4, 4, 8])
    """

    def __init__(self, inputs: int, outputs: int, halve: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.inputs, self.outputs, self.halve = inputs, outputs, halve
        self.convolutions = _bottleneck(inputs, outputs // 4, outputs, self.dtype_policy)
        self.skip = None
        if outputs > inputs:
            self.skip = SNConv2D(inputs, outputs - inputs, 1, dtype=self.dtype_policy, name="skip")

    def build(self, input_shape: Any = None) -> None:
        if self.built:
            return
        for layer in self.convolutions:
            layer.build()
        if self.skip is not None:
            self.skip.build()
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        h = x
        for convolution in self.convolutions[:-1]:
            h = convolution(tf.nn.relu(h))
        h = tf.nn.relu(h)
        if self.halve:
            h, x = halved(h), halved(x)
        h = self.convolutions[-1](h)
        return h + (x if self.skip is None else tf.concat([x, self.skip(x)], axis=-1))

    def compute_output_shape(self, x_shape: Shape) -> Shape:
        shape = halved_shape(x_shape) if self.halve else x_shape
        return (*shape[:-1], self.outputs)


def _bottleneck(inputs: int, hidden: int, outputs: int, dtype: Any) -> list[SNConv2D]:
    return [
        SNConv2D(inputs, hidden, 1, dtype=dtype, name="convolution_0"),
        SNConv2D(hidden, hidden, 3, dtype=dtype, name="convolution_1"),
        SNConv2D(hidden, hidden, 3, dtype=dtype, name="convolution_2"),
        SNConv2D(hidden, outputs, 1, dtype=dtype, name="convolution_3"),
    ]
