"""The residual block of R3GAN (Huang et al., 2024): an inverted bottleneck with groups."""

import math
from typing import Any

import keras
import tensorflow as tf

from cascade_tf.serializable_layer import SerializableLayer
from wavelet_tf.biggan.shapes import Shape

SLOPE = 0.2  # of the leaky ReLU below zero
GAIN = math.sqrt(2 / (1 + SLOPE**2))  # keeps the variance through it
_EXPANSION = 2  # units between the 1x1 convolutions, as multiples of the block's


class ScaledConvolution(SerializableLayer):
    """Convolution that keeps the sides, without bias: [B, H, W, inputs] to [B, H, W, outputs].

    Args:
        inputs, outputs: units.
        size: of the kernel.
        groups: parts of the units that do not see one another.
        gain: standard deviation of initial weights, times the root of the fan-in.

    Example:
        >>> ScaledConvolution(inputs=8, outputs=4, groups=2)(tf.zeros([1, 6, 6, 8])).shape
        TensorShape([1, 6, 6, 4])
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: int = 1,
        groups: int = 1,
        gain: float = 1.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.inputs, self.outputs, self.size = inputs, outputs, size
        self.groups, self.gain = groups, gain

    def build(self, input_shape: Any = None) -> None:
        if self.built:
            return
        inputs = self.inputs // self.groups
        deviation = self.gain / math.sqrt(self.size**2 * inputs)
        self.kernel = self.add_weight(
            shape=(self.size, self.size, inputs, self.outputs),
            initializer=keras.initializers.RandomNormal(stddev=deviation),
            name="kernel",
        )
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return tf.nn.conv2d(x, tf.convert_to_tensor(self.kernel), 1, "SAME")

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.outputs)


class ResidualBlock(SerializableLayer):
    """x plus a branch of a 1x1, a grouped 3x3 and a 1x1 convolution, which starts at zero.

    Before the second and the third are a bias and a leaky ReLU. There is no normalisation: the
    last convolution starts at zero, and the others with a gain of L^-1/4 (Zhang et al., 2019).

    Args:
        width: units of input and output.
        groups: of the 3x3 convolution.
        blocks: L, the number of blocks in the network.

    Example:
        >>> block = ResidualBlock(width=8, groups=2, blocks=6)
        >>> x = tf.random.normal([1, 4, 4, 8])
        >>> bool(tf.reduce_all(block(x) == x))
        True
    """

    def __init__(self, width: int, groups: int, blocks: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.width, self.groups, self.blocks = width, groups, blocks
        inside, gain = _EXPANSION * width, GAIN * blocks**-0.25
        shared = dict(dtype=self.dtype_policy)
        self.convolutions = [
            ScaledConvolution(width, inside, gain=gain, name="expand", **shared),
            ScaledConvolution(inside, inside, 3, groups, gain, name="grouped", **shared),
            ScaledConvolution(inside, width, gain=0.0, name="project", **shared),
        ]

    def build(self, input_shape: Any = None) -> None:
        if self.built:
            return
        self.biases = [
            self.add_weight(
                shape=(_EXPANSION * self.width,), initializer="zeros", name=f"bias_{number}"
            )
            for number in range(2)
        ]
        for convolution in self.convolutions:
            convolution.build()
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        first, *others = self.convolutions
        y = first(x)
        for bias, convolution in zip(self.biases, others, strict=True):
            y = convolution(tf.nn.leaky_relu(tf.nn.bias_add(y, bias), SLOPE))
        return x + y

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape
