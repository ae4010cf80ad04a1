"""The distributions of a group of pixels, which do not depend on one another."""

from typing import Any

import tensorflow as tf

from spn_tf.dropout import Dropout, no_dropout
from spn_tf.intensity_decoder import IntensityDecoder
from spn_tf.parallel_multiscale.config import ParallelConfig
from spn_tf.shapes import Shape


class ParallelDecoder(IntensityDecoder):
    """The distributions of a group's intensities, given the groups before.

    Pixels are independent given the slice embedding. The colours of a pixel are not: green depends
    on red, and blue on both.

    Args:
        config: sizes of the network and of its images.

    Example:
        >>> config = ParallelConfig(height=4, width=4, bits=3, embedder_residual_channels=16)
        >>> decoder = ParallelDecoder(config)
        >>> decoder(tf.zeros([1, 2, 2, 3], tf.int32), tf.zeros([1, 2, 2, 16])).shape
        TensorShape([1, 2, 2, 3, 8])
    """

    config: ParallelConfig

    def __init__(self, config: ParallelConfig, **kwargs: Any):
        super().__init__(config, **kwargs)
        self.head = self._colour_head(config.channels, config.embedder_residual_channels)

    def build(self, input_shape: Shape | None = None) -> None:
        if self.built:
            return
        c = self.config
        plane = (None, c.slice_height, c.slice_width)
        if self.head.sees_colours:
            self.intensities.build((*plane, c.channels))
        self.head.build((*plane, c.embedding_channels))
        self.built = True

    def call(
        self,
        pixels: tf.Tensor,
        embedding: tf.Tensor | None = None,
        predicted: tf.Tensor | None = None,
        dropout: Dropout = no_dropout,
    ) -> tf.Tensor:
        units = self.units(pixels, predicted) if self.head.sees_colours else None
        return self.head(tf.nn.relu(embedding), units)
