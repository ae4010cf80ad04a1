"""A guide: a coarser map of codes that an image is conditioned on, as features of its pixels.

VQ-VAE-2's bottom codes are conditioned on its top codes in this way (Razavi et al., 2019, section
3.2).
"""

from typing import Any

import keras
import tensorflow as tf

from cascade_tf.serializable_layer import SerializableLayer
from spn_tf.autoregressive_config import AutoregressiveConfig
from spn_tf.dense import Dense
from spn_tf.shapes import Shape
from spn_tf.slice_embedder import ResidualBlock


class GuideEmbedding(SerializableLayer):
    """Codes of a guide, int32 [B, g * g] in raster order, to features [B, H, W, D].

    A learned vector for each code, residual convolutions, and for each pixel under a code a
    projection of its own. D is `config.embedding_channels`.

    Args:
        config: sizes of the images and of the guide.

    Example:
        >>> from spn_tf.pixelsnail.config import PixelSNAILConfig
        >>> config = PixelSNAILConfig(
        ...     height=4, width=4, codes=16, intensity_distribution="softmax",
        ...     pixelsnail_filters=6, guide_size=2, guide_codes=8, guide_layers=1,
        ... )
        >>> GuideEmbedding(config)(tf.zeros([3, 4], tf.int32)).shape
        TensorShape([3, 4, 4, 6])
    """

    def __init__(self, config: AutoregressiveConfig, **kwargs: Any):
        super().__init__(**kwargs)
        c, dtype = config, self.dtype_policy
        self.config, self.factor = config, config.height // config.guide_size
        self.table = keras.layers.Embedding(
            c.guide_codes, c.embedding_channels, dtype=dtype, name="table"
        )
        self.blocks = [
            ResidualBlock(c.embedding_channels, c.embedding_channels, 3, dtype=dtype, name=f"{i}")
            for i in range(c.guide_layers)
        ]
        self.spread = Dense(self.factor**2 * c.embedding_channels, dtype=dtype, name="spread")

    def build(self, input_shape: Shape | None = None) -> None:
        if self.built:
            return
        c = self.config
        plane = (None, c.guide_size, c.guide_size, c.embedding_channels)
        self.table.build((None, c.guide_size**2))
        for block in self.blocks:
            block.build(plane)
        self.spread.build(plane)
        self.built = True

    def call(self, guide: tf.Tensor) -> tf.Tensor:
        c = self.config
        x = tf.reshape(self.table(guide), [-1, c.guide_size, c.guide_size, c.embedding_channels])
        for block in self.blocks:
            x = block(x)
        return tf.nn.depth_to_space(self.spread(x), self.factor) if self.factor > 1 else x

    def compute_output_shape(self, guide_shape: Shape) -> Shape:
        c = self.config
        return guide_shape[0], c.height, c.width, c.embedding_channels
