"""What the decoders of a slice have in common: embedded intensities, and parameters as results."""

import abc
from typing import Any

import tensorflow as tf

from cascade_tf.serializable_layer import SerializableLayer
from spn_tf.autoregressive_config import PIXEL_UNITS, AutoregressiveConfig
from spn_tf.colour_head import ColourHead
from spn_tf.dropout import Dropout, no_dropout
from spn_tf.error_units import error_units
from spn_tf.intensity_distribution import intensity_distribution
from spn_tf.intensity_embedding import embedding_of
from spn_tf.shapes import Shape


class IntensityDecoder(SerializableLayer):
    """The distributions of a slice's intensities, each given those before and the slice embedding.

    The order is raster order over pixels, then R, G, B within a pixel.

    Args:
        config: sizes of the network and of its images.

    Attributes:
        distribution: of an intensity, whose parameters the decoder computes.
        intensities: the embedding of intensities.
    """

    def __init__(self, config: AutoregressiveConfig, **kwargs: Any):
        super().__init__(**kwargs)
        self.config = config
        self.distribution = intensity_distribution(config)
        self.intensities = embedding_of(config, dtype=self.dtype_policy, name="intensities")

    @abc.abstractmethod
    def call(
        self,
        pixels: tf.Tensor,
        embedding: tf.Tensor | None = None,
        predicted: tf.Tensor | None = None,
        dropout: Dropout = no_dropout,
    ) -> tf.Tensor:
        """Parameters of the distributions, float32 [B, h, w, C, .]; of a softmax its logits.

        Args:
            pixels: int32 [B, h, w, C], intensities of the slice.
            embedding: the slice embedding [B, h, w, .]; None for an unconditional model of one
                slice.
            predicted: int32 [B, h, w, C], predictions of the intensities; None if the distribution
                is not relative to them.
            dropout: of residual branches.
        """

    def _colour_head(self, colours: int, hidden: int) -> ColourHead:
        """A head for `colours` of a pixel, with so many hidden units; it is a layer, `head`."""
        return ColourHead(
            colours,
            self.distribution.parameters,
            hidden,
            self.config.pixel_units,
            dtype=self.dtype_policy,
            name="head",
        )

    def units(self, pixels: tf.Tensor, predicted: tf.Tensor | None) -> tf.Tensor:
        """Embeds intensities and the errors of their predictions, channel by channel.

        int32 [..., C] each to [..., C * pixel_units]; predictions may be None.
        """
        units = self.intensities(pixels)
        if predicted is None:
            return units
        outer = [-1, *pixels.shape[1:]]
        errors = error_units(pixels - predicted, self.config.levels, units.dtype.name)
        units = tf.concat([tf.reshape(units, [*outer, PIXEL_UNITS]), errors], axis=-1)
        return tf.reshape(units, [*outer[:-1], pixels.shape[-1] * self.config.pixel_units])

    @property
    def output_dtype(self) -> str:
        return self.variable_dtype

    def compute_output_shape(self, pixels_shape: Shape) -> Shape:
        return (*pixels_shape, self.distribution.parameters)
