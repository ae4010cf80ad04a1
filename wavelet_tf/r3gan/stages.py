"""Stages of R3GAN: two residual blocks at one side, and a change of the side."""

import itertools
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from cascade_tf.serializable_layer import SerializableLayer
from wavelet_tf.biggan.resampling import doubled_shape, halved_shape
from wavelet_tf.biggan.shapes import Shape
from wavelet_tf.r3gan.resampling import downsampled, upsampled
from wavelet_tf.r3gan.residual_block import ResidualBlock, ScaledConvolution

BLOCKS = 2  # in a stage
_GROUP = 16  # units that the 3x3 convolution of a block connects


class ResidualStage(SerializableLayer):
    """Residual blocks of one width: [B, H, W, width] to the same.

    Args:
        width: units, a multiple of 8.
        stages: the number of stages in the network.

    Example:
        >>> ResidualStage(width=8, stages=3)(tf.zeros([1, 4, 4, 8])).shape
        TensorShape([1, 4, 4, 8])
    """

    def __init__(self, width: int, stages: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.width, self.stages = width, stages
        groups = 2 * width // _GROUP
        self.blocks = [
            ResidualBlock(
                width, groups, BLOCKS * stages, dtype=self.dtype_policy, name=f"block_{n}"
            )
            for n in range(BLOCKS)
        ]

    def build(self, input_shape: Any = None) -> None:
        if self.built:
            return
        for block in self.blocks:
            block.build()
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        for block in self.blocks:
            x = block(x)
        return x

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


class Resampling(SerializableLayer):
    """[B, H, W, inputs] to [B, 2H, 2W, outputs] or [B, H / 2, W / 2, outputs].

    The width changes by a 1x1 convolution where the sides are smaller.

    Args:
        inputs, outputs: units.
        double: whether the sides double, or else halve.

    Example:
        >>> Resampling(inputs=8, outputs=4, double=True)(tf.zeros([1, 4, 4, 8])).shape
        TensorShape([1, 8, 8, 4])
    """

    def __init__(self, inputs: int, outputs: int, double: bool, **kwargs: Any):
        super().__init__(**kwargs)
        self.inputs, self.outputs, self.double = inputs, outputs, double
        self.convolution = None
        if inputs != outputs:
            dtype = self.dtype_policy
            self.convolution = ScaledConvolution(inputs, outputs, dtype=dtype, name="convolution")

    def build(self, input_shape: Any = None) -> None:
        if self.built:
            return
        if self.convolution is not None:
            self.convolution.build()
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        if not self.double:
            x = downsampled(x)
        if self.convolution is not None:
            x = self.convolution(x)
        return upsampled(x) if self.double else x

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        shape = doubled_shape(input_shape) if self.double else halved_shape(input_shape)
        return (*shape[:-1], self.outputs)


def stages(
    widths: Sequence[int], double: bool, dtype: keras.DTypePolicy
) -> tuple[list[ResidualStage], list[Resampling]]:
    """The stages of a network, from its inputs on, and the changes of the sides between them.

    Args:
        widths: units of the stages.
        double: whether the sides double from stage to stage, or else halve.
        dtype: of the layers.
    """
    residual = [
        ResidualStage(width, len(widths), dtype=dtype, name=f"stage_{n}")
        for n, width in enumerate(widths)
    ]
    between = [
        Resampling(*pair, double, dtype=dtype, name=f"resampling_{n}")
        for n, pair in enumerate(itertools.pairwise(widths))
    ]
    return residual, between
