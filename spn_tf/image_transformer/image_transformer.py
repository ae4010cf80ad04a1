"""The Image Transformer, a decoder of local attention (Parmar et al., 2018, section 3)."""

from typing import Any

import keras
import tensorflow as tf

from cascade_tf.serializable_layer import SerializableLayer
from spn_tf.attention import DenseFeedForward, PositionEmbedding
from spn_tf.dropout import Dropout, no_dropout
from spn_tf.image_transformer.config import ImageTransformerConfig
from spn_tf.image_transformer.local_attention import Blocks, LocalAttention
from spn_tf.intensity_decoder import IntensityDecoder
from spn_tf.ordering import to_image, to_slices
from spn_tf.recomputation import recomputed
from spn_tf.shapes import Shape


class LocalLayer(SerializableLayer):
    """Attention, then a feed-forward layer, each with a residual and a normalisation after it.

    [B, H, W, D] to [B, H, W, D] (their section 3.2 and Figure 1).

    Args:
        width: D.
        heads: of attention.
        ffn_size: hidden units of the feed-forward layer.
        blocks: of the plane.

    Example:
        >>> layer = LocalLayer(width=6, heads=2, ffn_size=8, blocks=Blocks(4, 6, 2, 3, 2, 1))
        >>> layer(tf.zeros([1, 4, 6, 6])).shape
        TensorShape([1, 4, 6, 6])
    """

    def __init__(self, width: int, heads: int, ffn_size: int, blocks: Blocks, **kwargs: Any):
        super().__init__(**kwargs)
        dtype = self.dtype_policy
        self.width, self.heads, self.ffn_size = width, heads, ffn_size
        self.blocks = Blocks(*blocks)
        self.attention = LocalAttention(width, heads, self.blocks, dtype=dtype, name="attention")
        self.ffn = DenseFeedForward(width, ffn_size, dtype=dtype, name="ffn")
        self.norms = [
            keras.layers.LayerNormalization(epsilon=1e-6, dtype=dtype, name=f"norm_{i}")
            for i in range(2)
        ]

    def build(self, input_shape: Shape) -> None:
        if self.built:
            return
        for layer in (self.attention, self.ffn, *self.norms):
            layer.build(input_shape)
        self.built = True

    def call(self, x: tf.Tensor, dropout: Dropout = no_dropout) -> tf.Tensor:
        x = self.norms[0](x + dropout.attention(self.attention(x)))
        return self.norms[1](x + dropout.attention(self.ffn(x)))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


class ImageTransformer(IntensityDecoder):
    """The distributions of an image's intensities by the Image Transformer.

    The image comes in the order in which it is drawn: its blocks on top of each other. The input
    of a position is the intensity at the position before it.

    Args:
        config: sizes of the network and of its images.

    Example:
        >>> config = ImageTransformerConfig(
        ...     height=4, width=4, bits=3, transformer_layers=1, transformer_width=8,
        ...     transformer_heads=2, transformer_ffn_size=8, transformer_block_rows=2,
        ...     transformer_block_columns=2,
        ... )
        >>> ImageTransformer(config)(tf.zeros([2, 8, 2, 3], tf.int32)).shape
        TensorShape([2, 8, 2, 3, 8])
    """

    config: ImageTransformerConfig

    def __init__(self, config: ImageTransformerConfig, **kwargs: Any):
        super().__init__(config, **kwargs)
        c, dtype = config, self.dtype_policy
        per_pixel = c.positions_per_pixel
        self.blocks = Blocks(
            c.height,
            c.width * per_pixel,
            c.transformer_block_rows,
            c.transformer_block_columns * per_pixel,
            c.transformer_memory_rows,
            c.transformer_memory_columns * per_pixel,
        )
        self.positions = PositionEmbedding(dtype=dtype, name="positions")
        self.layers = [
            LocalLayer(
                c.transformer_width,
                c.transformer_heads,
                c.transformer_ffn_size,
                self.blocks,
                dtype=dtype,
                name=f"layer_{i}",
            )
            for i in range(c.transformer_layers)
        ]
        # A position of a single colour needs no colours beside its features.
        self.head = self._colour_head(c.channels // per_pixel, c.transformer_width)

    def build(self, input_shape: Shape | None = None) -> None:
        if self.built:
            return
        c = self.config
        width, per_pixel = c.transformer_width, c.positions_per_pixel
        self.intensities.build((None, c.slice_height, c.slice_width, c.channels))
        # One matrix for each position of a pixel.
        self.project = self.add_weight(
            shape=(per_pixel, c.channels // per_pixel * c.pixel_units, width),
            initializer=keras.initializers.VarianceScaling(1 / per_pixel, mode="fan_in"),
            name="project_kernel",
        )
        plane = (None, self.blocks.height, self.blocks.width, width)
        self.positions.build(plane)
        for layer in self.layers:
            layer.build(plane)
        self.head.build(plane)
        self.built = True

    def call(
        self,
        pixels: tf.Tensor,
        embedding: tf.Tensor | None = None,
        predicted: tf.Tensor | None = None,
        dropout: Dropout = no_dropout,
    ) -> tf.Tensor:
        c, b = self.config, self.blocks
        per_pixel, width = c.positions_per_pixel, c.transformer_width
        units = self.units(pixels, predicted)
        by_position = [-1, c.slice_height * c.slice_width, *self.project.shape[:2]]
        x = tf.einsum(
            "btpu,pud->btpd", tf.reshape(units, by_position), tf.convert_to_tensor(self.project)
        )
        x = tf.reshape(x, [-1, c.height * c.width * per_pixel, width])
        x = tf.pad(x[:, :-1], [[0, 0], [1, 0], [0, 0]])
        x = tf.reshape(x, [-1, 1, c.slice_height, c.slice_width, per_pixel * width])
        x = self.positions(tf.reshape(to_image(x, c), [-1, b.height, b.width, width]))
        if embedding is not None:
            x += embedding[:, :1, :1]  # of the class, which is the same everywhere
        x = dropout.attention(x)
        for layer in self.layers:
            x = recomputed(layer, x, dropout=dropout)
        x = to_slices(tf.reshape(x, [-1, c.height, c.width, per_pixel * width]), c)
        x = tf.reshape(x, [-1, c.slice_height, c.slice_width * per_pixel, width])
        parameters = self.head(x, units if per_pixel == 1 else None)
        shape = [-1, c.slice_height, c.slice_width, c.channels, self.distribution.parameters]
        return tf.reshape(parameters, shape)
