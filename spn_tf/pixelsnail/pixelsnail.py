"""PixelSNAIL: causal convolutions and attention over all pixels before (Chen et al., 2017)."""

from typing import Any

import keras
import tensorflow as tf

from spn_tf.convolution import convolution
from spn_tf.dropout import Dropout, no_dropout
from spn_tf.intensity_decoder import IntensityDecoder
from spn_tf.pixelsnail.config import PixelSNAILConfig
from spn_tf.pixelsnail.snail_block import SnailBlock, positions
from spn_tf.shapes import Shape


class PixelSNAIL(IntensityDecoder):
    """The distributions of an image's intensities by PixelSNAIL.

    A first layer sees the pixels above and on the left of each: a convolution of 1x3 over the row
    above and one of 2x1 over the column on the left. Blocks of causal convolutions and attention
    follow (their Figure 3).

    Args:
        config: sizes of the network and of its images.

    Example:
        >>> config = PixelSNAILConfig(
        ...     height=4, width=4, bits=3, pixelsnail_blocks=1, pixelsnail_residual_blocks=1,
        ...     pixelsnail_filters=8, pixelsnail_key_channels=2,
        ... )
        >>> PixelSNAIL(config)(tf.zeros([2, 4, 4, 3], tf.int32)).shape
        TensorShape([2, 4, 4, 3, 32])
    """

    config: PixelSNAILConfig

    def __init__(self, config: PixelSNAILConfig, **kwargs: Any):
        super().__init__(config, **kwargs)
        c, dtype = config, self.dtype_policy
        self.blocks = [
            SnailBlock(
                c.pixelsnail_residual_blocks,
                c.pixelsnail_filters,
                c.pixelsnail_key_channels,
                has_condition=c.has_embedding,
                dtype=dtype,
                name=f"block_{i}",
            )
            for i in range(c.pixelsnail_blocks)
        ]
        self.head = self._colour_head(c.channels, c.pixelsnail_filters)

    def build(self, input_shape: Shape | None = None) -> None:
        if self.built:
            return
        c = self.config
        plane = (None, c.height, c.width)
        units, filters = c.channels * c.pixel_units, c.pixelsnail_filters
        self.intensities.build((*plane, c.channels))
        # One more channel tells pixels from the zeros around them.
        self.above, self.left = (
            self.add_weight(
                shape=(*size, units + 1, filters),
                initializer=keras.initializers.LecunNormal(),
                name=f"{name}_kernel",
            )
            for name, size in (("above", (1, 3)), ("left", (2, 1)))
        )
        self.bias = self.add_weight(shape=(filters,), initializer="zeros", name="bias")
        for block in self.blocks:
            block.build((*plane, filters), (*plane, units))
        self.head.build((*plane, filters))
        self.built = True

    def call(
        self,
        pixels: tf.Tensor,
        embedding: tf.Tensor | None = None,
        predicted: tf.Tensor | None = None,
        dropout: Dropout = no_dropout,
    ) -> tf.Tensor:
        units = self.units(pixels, predicted)
        places = tf.cast(positions(*units.shape[1:3]), units.dtype)[None]
        x = self._first_layer(units)
        for block in self.blocks:
            x = block(x, units, places, embedding, dropout=dropout)
        return self.head(tf.nn.elu(x), units)

    def _first_layer(self, units: tf.Tensor) -> tf.Tensor:
        marked = tf.pad(units, [[0, 0], [0, 0], [0, 0], [0, 1]], constant_values=1)
        lower = tf.pad(marked[:, :-1], [[0, 0], [1, 0], [0, 0], [0, 0]])
        right = tf.pad(marked[:, :, :-1], [[0, 0], [0, 0], [1, 0], [0, 0]])
        above = convolution(lower, tf.convert_to_tensor(self.above), [(0, 0), (1, 1)])
        left = convolution(right, tf.convert_to_tensor(self.left), [(1, 0), (0, 0)])
        return above + left + self.bias
