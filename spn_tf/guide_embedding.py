"""A guide: a coarser map of codes that an image is conditioned on, as features of its pixels.

VQ-VAE-2's bottom codes are conditioned on its top codes in this way (Razavi et al., 2019, section
3.2).
"""

from typing import Any

import keras
import tensorflow as tf

from cascade_tf.serializable_layer import SerializableLayer
from spn_tf.dense import Dense
from spn_tf.shapes import Shape
from spn_tf.slice_embedder import ResidualBlock


class GuideEmbedding(SerializableLayer):
    """Codes of a guide, int32 [B, g * g] in raster order, to features [B, H, H, D].

    A learned vector for each code, residual convolutions, and for each pixel under a code a
    projection of its own.

    Args:
        codes: number of codes that the guide may hold.
        size: g.
        image_size: H, a multiple of g.
        width: D.
        layers: residual blocks.

    Example:
        >>> guide = GuideEmbedding(codes=8, size=2, image_size=4, width=6, layers=1)
        >>> guide(tf.zeros([3, 4], tf.int32)).shape
        TensorShape([3, 4, 4, 6])
    """

    def __init__(
        self, codes: int, size: int, image_size: int, width: int, layers: int, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.codes, self.size, self.image_size = codes, size, image_size
        self.width, self.layers = width, layers
        dtype = self.dtype_policy
        self.table = keras.layers.Embedding(codes, width, dtype=dtype, name="table")
        self.blocks = [
            ResidualBlock(width, width, 3, dtype=dtype, name=f"block_{i}") for i in range(layers)
        ]
        self.spread = Dense((image_size // size) ** 2 * width, dtype=dtype, name="spread")

    def build(self, input_shape: Shape | None = None) -> None:
        if self.built:
            return
        plane = (None, self.size, self.size, self.width)
        self.table.build((None, self.size**2))
        for block in self.blocks:
            block.build(plane)
        self.spread.build(plane)
        self.built = True

    def call(self, guide: tf.Tensor) -> tf.Tensor:
        x = tf.reshape(self.table(guide), [-1, self.size, self.size, self.width])
        for block in self.blocks:
            x = block(x)
        x, factor = self.spread(x), self.image_size // self.size
        return tf.nn.depth_to_space(x, factor) if factor > 1 else x

    def compute_output_shape(self, guide_shape: Shape) -> Shape:
        return guide_shape[0], self.image_size, self.image_size, self.width
