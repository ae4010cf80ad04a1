"""VQ-VAE-2's autoencoder: images to two maps of codes, and back (Razavi et al., Figure 2a)."""

import math
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from cascade_tf.serializable_layer import SerializableLayer
from wavelet_tf.vqvae2.codebook import Codebook
from wavelet_tf.vqvae2.config import VQVAE2Config

Shape = tuple[int | None, ...]


class ResidualStack(SerializableLayer):
    """`blocks` times x + conv1x1(relu(conv3x3(relu(x)))), then relu: [B, h, w, D] of D units.

    Args:
        width: D.
        hidden: units inside each block.
        blocks: their number.

    Example:
        >>> ResidualStack(width=6, hidden=4, blocks=2)(tf.zeros([1, 4, 4, 6])).shape
        TensorShape([1, 4, 4, 6])
    """

    def __init__(self, width: int, hidden: int, blocks: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.width, self.hidden, self.blocks = width, hidden, blocks
        self.inner = [_conv(hidden, 3, dtype=self.dtype_policy) for _ in range(blocks)]
        self.outer = [_conv(width, 1, dtype=self.dtype_policy) for _ in range(blocks)]

    def build(self, shape: Shape) -> None:
        if self.built:
            return
        for inner, outer in zip(self.inner, self.outer, strict=True):
            inner.build(shape)
            outer.build((*shape[:-1], self.hidden))
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        for inner, outer in zip(self.inner, self.outer, strict=True):
            x = x + outer(tf.nn.relu(inner(tf.nn.relu(x))))
        return tf.nn.relu(x)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


class Encoded(NamedTuple):
    """A map of encodings, float32 [B, h, w, D], and their codes, int32 [B, h, w]."""

    encodings: tf.Tensor
    codes: tf.Tensor


class Autoencoder(SerializableLayer):
    """Images in [0, 1] to their reconstructions, through the vectors of two maps of codes.

    The top map has the encodings of 2 * stride pixels along a side. The bottom map, of `stride`
    pixels, is encoded from the image and from the top map's vectors.

    Args:
        config: sizes.

    Example:
        >>> config = VQVAE2Config(
        ...     image_size=16, codes=8, code_size=4, width=8, residual_blocks=1,
        ...     residual_width=4,
        ... )
        >>> autoencoder = Autoencoder(config)
        >>> top, bottom = autoencoder.encode(tf.zeros([2, 16, 16, 3]))
        >>> top.codes.shape, bottom.codes.shape
        (TensorShape([2, 2, 2]), TensorShape([2, 4, 4]))
        >>> autoencoder.decode(top.codes, bottom.codes).shape
        TensorShape([2, 16, 16, 3])
    """

    def __init__(self, config: VQVAE2Config, **kwargs: Any):
        super().__init__(**kwargs)
        c, dtype = config, self.dtype_policy
        self.config = config
        halvings = int(math.log2(c.stride))
        half, width = c.width // 2, c.width

        def stack(name: str) -> ResidualStack:
            hidden, blocks = c.residual_width, c.residual_blocks
            return ResidualStack(width, hidden, blocks, dtype=dtype, name=name)

        self.down = [
            _conv(width if i == halvings - 1 else half, 4, 2, dtype=dtype) for i in range(halvings)
        ]
        self.bottom_conv = _conv(width, 3, dtype=dtype)
        self.bottom_stack = stack("bottom_stack")
        self.top_down = _conv(half, 4, 2, dtype=dtype)
        self.top_conv = _conv(width, 3, dtype=dtype)
        self.top_stack = stack("top_stack")
        self.to_top = _conv(c.code_size, 1, dtype=dtype)
        self.top = Codebook(c.codes, c.code_size, name="top")
        self.from_top = _conv(width, 3, dtype=dtype)
        self.from_top_stack = stack("from_top_stack")
        self.from_top_up = _conv_up(c.code_size, dtype=dtype)
        self.to_bottom = _conv(c.code_size, 1, dtype=dtype)
        self.bottom = Codebook(c.codes, c.code_size, name="bottom")
        self.top_up = _conv_up(c.code_size, dtype=dtype)
        self.decoder_conv = _conv(width, 3, dtype=dtype)
        self.decoder_stack = stack("decoder_stack")
        self.up = [
            _conv_up(c.channels if i == halvings - 1 else half, dtype=dtype)
            for i in range(halvings)
        ]

    def build(self, input_shape: Shape | None = None) -> None:
        if self.built:
            return
        c = self.config

        def plane(side: int, units: int) -> Shape:
            return None, side, side, units

        image, bottom, top = c.image_size, c.bottom_size, c.top_size
        for conv, units in zip(
            self.down, [c.channels, *(d.filters for d in self.down)], strict=False
        ):
            conv.build(plane(image, units))
        for layer in (self.bottom_conv, self.bottom_stack, self.top_down):
            layer.build(plane(bottom, c.width))
        self.top_conv.build(plane(top, c.width // 2))
        self.top_stack.build(plane(top, c.width))
        self.to_top.build(plane(top, c.width))
        self.from_top.build(plane(top, c.code_size))
        self.from_top_stack.build(plane(top, c.width))
        self.from_top_up.build(plane(top, c.width))
        self.to_bottom.build(plane(bottom, c.code_size + c.width))
        self.top_up.build(plane(top, c.code_size))
        self.decoder_conv.build(plane(bottom, 2 * c.code_size))
        self.decoder_stack.build(plane(bottom, c.width))
        units = c.width
        for conv in self.up:
            conv.build(plane(bottom, units))
            units = conv.filters
        for codebook in (self.top, self.bottom):
            codebook.build()
        self.built = True

    def encode(self, images: tf.Tensor) -> tuple[Encoded, Encoded]:
        """The top map and the bottom map of float32 images [B, H, W, C] in [0, 1]."""
        self.build()
        x = 2 * images - 1
        for conv in self.down:
            x = tf.nn.relu(conv(x))
        fine = self.bottom_stack(self.bottom_conv(x))
        x = self.top_stack(self.top_conv(tf.nn.relu(self.top_down(fine))))
        top = self._encoded(self.top, self.to_top(x))
        x = self.from_top_stack(self.from_top(self.top.replaced(*top)))
        x = tf.concat([tf.cast(self.from_top_up(x), fine.dtype), fine], axis=-1)
        return top, self._encoded(self.bottom, self.to_bottom(x))

    def _encoded(self, codebook: Codebook, encodings: tf.Tensor) -> Encoded:
        encodings = tf.cast(encodings, tf.float32)
        return Encoded(encodings, codebook.nearest(encodings))

    def decode(self, top: tf.Tensor, bottom: tf.Tensor) -> tf.Tensor:
        """Images of two maps of codes, int32 [B, h, w] and [B, 2h, 2w]; float32 [B, H, W, C]."""
        self.build()
        return self._decode(self.top.look_up(top), self.bottom.look_up(bottom))

    def _decode(self, top: tf.Tensor, bottom: tf.Tensor) -> tf.Tensor:
        """Images of two maps of vectors."""
        up = self.top_up(top)
        x = tf.concat([up, tf.cast(bottom, up.dtype)], axis=-1)
        x = self.decoder_stack(self.decoder_conv(x))
        for i, conv in enumerate(self.up):
            x = conv(x if i == 0 else tf.nn.relu(x))
        return (tf.cast(x, tf.float32) + 1) / 2

    def decode_encodings(self, top: Encoded, bottom: Encoded) -> tf.Tensor:
        """Images of two maps, with gradients that pass straight to the encodings."""
        return self._decode(self.top.replaced(*top), self.bottom.replaced(*bottom))

    def call(self, images: tf.Tensor) -> tf.Tensor:
        return self.decode_encodings(*self.encode(images))

    @property
    def output_dtype(self) -> str:
        return "float32"

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


def _conv(units: int, size: int, stride: int = 1, **kwargs: Any) -> keras.layers.Conv2D:
    return keras.layers.Conv2D(
        units,
        size,
        stride,
        padding="same",
        data_format="channels_last",
        kernel_initializer="he_uniform",
        **kwargs,
    )


def _conv_up(units: int, **kwargs: Any) -> keras.layers.Conv2DTranspose:
    """A transposed convolution that doubles the sides."""
    return keras.layers.Conv2DTranspose(
        units,
        4,
        2,
        padding="same",
        data_format="channels_last",
        kernel_initializer="he_uniform",
        **kwargs,
    )
