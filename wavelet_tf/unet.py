"""UNets: an encoder and a decoder of equal scales with skips between them (Figure 6)."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from cascade_tf.serializable_layer import SerializableLayer
from wavelet_tf.convolution import convolution


class ConvolutionBlock(SerializableLayer):
    """3x3 convolution, BatchNorm, ReLU: [B, H, W, C] to [B, H, W, width].

    A list of tensors stands for their concatenation along C, which would take memory.

    Args:
        width: units of the output.
        synchronized: whether BatchNorm's statistics are of the examples of all replicas. XLA
            cannot compile that.

    Example:
        >>> ConvolutionBlock(width=4, synchronized=False)(tf.zeros([1, 8, 8, 3])).shape
        TensorShape([1, 8, 8, 4])
    """

    def __init__(self, width: int, synchronized: bool, **kwargs: Any):
        super().__init__(**kwargs)
        self.width, self.synchronized = width, synchronized
        self.convolution = keras.layers.Conv2D(
            width,
            3,
            padding="same",
            data_format="channels_last",
            use_bias=False,
            kernel_initializer="he_normal",
            dtype=self.dtype_policy,
        )
        # A step keeps 0.9 of the moving statistics, as in the framework that the authors used.
        self.normalisation = keras.layers.BatchNormalization(
            momentum=0.9, epsilon=1e-5, synchronized=synchronized, dtype=self.dtype_policy
        )

    def build(self, shape: tuple[int | None, ...]) -> None:
        if self.built:
            return
        self.convolution.build(shape)
        self.normalisation.build((*shape[:-1], self.convolution.filters))

    def call(self, x: tf.Tensor | list[tf.Tensor], training: bool = False) -> tf.Tensor:
        parts = x if isinstance(x, list) else [x]
        kernel = tf.cast(tf.convert_to_tensor(self.convolution.kernel), self.compute_dtype)
        kernels = tf.split(kernel, [part.shape[-1] for part in parts], axis=2)
        summed = tf.add_n([convolution(p, k) for p, k in zip(parts, kernels, strict=True)])
        return tf.nn.relu(self.normalisation(summed, training=training))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.width)


class UNet(SerializableLayer):
    """[B, H, W, C] to [B, H, W, widths[0]], with two blocks at each scale, both down and up.

    The way down is max-pooling, the way up a bilinear resize concatenated to the skip. n scales
    have 4n - 2 convolutions.

    Args:
        widths: units of each scale, from the full size down; H and W are divisible by
            2^(len(widths) - 1).
        synchronized: see `ConvolutionBlock`.

    Example:
        >>> UNet(widths=[4, 8])(tf.zeros([1, 8, 8, 3])).shape
        TensorShape([1, 8, 8, 4])
    """

    def __init__(self, widths: Sequence[int], synchronized: bool = False, **kwargs: Any):
        super().__init__(**kwargs)

        def two_blocks(width: int) -> list[ConvolutionBlock]:
            return [ConvolutionBlock(width, synchronized, dtype=self.dtype_policy) for _ in "12"]

        self.widths, self.synchronized = list(widths), synchronized
        self.down = [two_blocks(width) for width in widths]
        self.up = [two_blocks(width) for width in widths[:-1]]

    @property
    def blocks(self) -> list[ConvolutionBlock]:
        """All blocks: Keras 3.12 does not save layers that are in lists of lists."""
        return [block for pair in (*self.down, *self.up) for block in pair]

    def build(self, shape: tuple[int | None, ...]) -> None:
        if self.built:
            return
        plane, units = (None, None, None), shape[-1]
        for width, (first, second) in zip(self.widths, self.down, strict=True):
            first.build((*plane, units))
            second.build((*plane, width))
            units = width
        for skip, below, (first, second) in zip(
            self.widths, self.widths[1:], self.up, strict=False
        ):
            first.build((*plane, skip + below))
            second.build((*plane, skip))

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        skips: list[tf.Tensor] = []
        for blocks in self.down:
            if skips:
                x = tf.nn.max_pool2d(x, 2, 2, "VALID")
            for block in blocks:
                x = block(x, training=training)
            skips.append(x)
        skips.pop()
        for blocks in reversed(self.up):
            skip = skips.pop()
            first, second = blocks
            x = first([skip, tf.cast(_doubled(x), skip.dtype)], training=training)
            x = second(x, training=training)
        return x

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.widths[0])


def _doubled(x: tf.Tensor) -> tf.Tensor:
    # Its gradient under XLA is float32, whatever x is, which no compiler of StableHLO takes.
    return tf.image.resize(tf.cast(x, tf.float32), 2 * tf.shape(x)[1:3], "bilinear")
