"""The slice embedder: what the preceding slices tell about the target (section 3.2, Figure 4a)."""

from typing import Any

import keras
import tensorflow as tf

from spn_tf.attention import Dropout, PositionEmbedding, Transformer, no_dropout
from spn_tf.config import PIXEL_UNITS, SPNConfig
from spn_tf.intensity_embedding import IntensityEmbedding
from spn_tf.ordering import slot_table
from spn_tf.shapes import Shape


class ResidualBlock(keras.layers.Layer):
    """x + conv1x1(relu(conv(relu(x)))), [B, h, w, D] to [B, h, w, D]."""

    def __init__(self, width: int, filters: int, size: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.filters = filters
        self.conv = keras.layers.Conv2D(
            filters, size, padding="same", dtype=self.dtype_policy, name="conv"
        )
        self.out = keras.layers.Conv2D(width, 1, dtype=self.dtype_policy, name="out")

    def build(self, input_shape: Shape) -> None:
        self.conv.build(input_shape)
        self.out.build((*input_shape[:-1], self.filters))
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return x + self.out(tf.nn.relu(self.conv(tf.nn.relu(x))))


class SliceEmbedder(keras.layers.Layer):
    """Slices before the target to a feature map of the size of a slice.

    Preceding slices are stacked on channels in slots of relative meta-position, padded with
    empty slices, beside the target's own meta-position as 8 units; then self-attention layers,
    then residual convolutions.
    """

    def __init__(self, config: SPNConfig, **kwargs: Any):
        super().__init__(**kwargs)
        c, dtype = config, self.dtype_policy
        self.config = config
        self.slots = slot_table(c.scale)
        self.intensities = IntensityEmbedding(c.levels, dtype=dtype, name="intensities")
        self.meta_position = keras.layers.Embedding(
            c.scale**2, PIXEL_UNITS, dtype=dtype, name="meta_position"
        )
        self.project = keras.layers.Dense(c.embedder_residual_channels, dtype=dtype, name="project")
        self.positions = PositionEmbedding(dtype=dtype, name="positions")
        self.transformer = Transformer(
            layers=c.embedder_attention_layers,
            width=c.embedder_residual_channels,
            heads=c.embedder_attention_heads,
            channels=c.embedder_attention_channels,
            causal=False,
            ffn=c.attention_ffn,
            ffn_size=c.ffn_size,
            dtype=dtype,
            name="transformer",
        )
        self.blocks = [
            ResidualBlock(
                c.embedder_residual_channels,
                c.embedder_conv_channels,
                c.embedder_filter_size,
                dtype=dtype,
                name=f"block_{i}",
            )
            for i in range(c.embedder_conv_layers)
        ]

    def build(self, input_shape: Shape | None = None) -> None:
        c = self.config
        h, w, width = c.slice_height, c.slice_width, c.embedder_residual_channels
        slots = self.slots.shape[1]
        self.intensities.build((None, h, w, c.channels))
        self.meta_position.build((None,))
        self.project.build((None, h, w, (slots * c.channels + 1) * PIXEL_UNITS))
        self.positions.build((None, h, w, width))
        self.transformer.build((None, h * w, width))
        for block in self.blocks:
            block.build((None, h, w, width))
        self.built = True

    def call(
        self, slices: tf.Tensor, target: tf.Tensor, dropout: Dropout = no_dropout
    ) -> tf.Tensor:
        """Features [B, h, w, residual channels].

        Args:
            slices: int32 [B, S*S, h, w, C], intensities of every slice. Those from the target
                on are not looked at, whatever they hold.
            target: int32 [B], the slice to be generated.
        """
        c = self.config
        h, w = c.slice_height, c.slice_width
        empty = tf.fill(tf.shape(slices[:, :1]), c.levels)
        pixels = self.intensities(tf.concat([slices, empty], axis=1))  # [B, S*S + 1, h, w, C*8]
        slots = tf.gather(tf.constant(self.slots), target)  # [B, slots]
        context = tf.gather(pixels, slots, batch_dims=1)  # [B, slots, h, w, C*8]
        context = tf.transpose(context, [0, 2, 3, 1, 4])
        context = tf.reshape(context, [-1, h, w, self.slots.shape[1] * pixels.shape[-1]])
        position = self.meta_position(target)[:, None, None]  # [B, 1, 1, 8]
        position = tf.tile(position, [1, h, w, 1])

        x = self.positions(self.project(tf.concat([context, position], axis=-1)))
        width = x.shape[-1]
        x = self.transformer(tf.reshape(x, [-1, h * w, width]), dropout=dropout)
        x = tf.reshape(x, [-1, h, w, width])
        for block in self.blocks:
            x = block(x)
        return x
