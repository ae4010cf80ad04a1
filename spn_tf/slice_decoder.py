"""The decoder of one slice: masked 1D Transformer, then gated PixelCNN (section 3.2, Figure 4b).

Without the Transformer it is the gated PixelCNN of van den Oord et al. (2016c, Figure 2).
"""

from typing import Any

import tensorflow as tf

from spn_tf.attention import PositionEmbedding, Transformer
from spn_tf.config import SPNConfig
from spn_tf.dense import Dense
from spn_tf.dropout import Dropout, no_dropout
from spn_tf.gated_pixelcnn import GatedPixelCNN
from spn_tf.gated_pixelcnn_config import GatedPixelCNNConfig
from spn_tf.intensity_decoder import IntensityDecoder
from spn_tf.shapes import Shape


class SliceDecoder(IntensityDecoder):
    """A masked Transformer over pixels, then a gated PixelCNN over pixels and their colours.

    The colours of the current pixel enter in the PixelCNN alone.

    In depth upscaling the logits are of the further bits only. Preceding intensities are seen with
    all their bits.

    Args:
        config: sizes of the network and of its images.

    Example:
        >>> config = SPNConfig(
        ...     height=4, width=4, bits=3, scale=1, decoder_attention_layers=1, pixelcnn_layers=1,
        ...     pixelcnn_conv_channels=8, pixelcnn_residual_channels=6, ffn_size=8,
        ... )
        >>> SliceDecoder(config)(tf.zeros([2, 4, 4, 3], tf.int32)).shape
        TensorShape([2, 4, 4, 3, 8])
    """

    def __init__(self, config: SPNConfig | GatedPixelCNNConfig, **kwargs: Any):
        super().__init__(config, **kwargs)
        c, dtype = config, self.dtype_policy
        self.transformer = None
        if isinstance(c, SPNConfig):
            self.width = c.decoder_attention_heads * c.decoder_attention_channels
            self.project = Dense(self.width, dtype=dtype, name="project")
            self.positions = PositionEmbedding(dtype=dtype, name="positions")
            self.transformer = Transformer(
                layers=c.decoder_attention_layers,
                width=self.width,
                heads=c.decoder_attention_heads,
                channels=c.decoder_attention_channels,
                causal=True,
                ffn=c.attention_ffn,
                ffn_size=c.ffn_size,
                dtype=dtype,
                name="transformer",
            )
        self.pixelcnn = GatedPixelCNN(
            layers=c.pixelcnn_layers,
            size=c.pixelcnn_filter_size,
            conv_channels=c.pixelcnn_conv_channels,
            residual_channels=c.pixelcnn_residual_channels,
            colours=c.channels,
            classes=self.distribution.parameters,
            pixel_units=c.pixel_units,
            dtype=dtype,
            name="pixelcnn",
        )

    def build(self, input_shape: Shape | None = None) -> None:
        if self.built:
            return
        c = self.config
        plane = (None, c.slice_height, c.slice_width)
        pixels = (*plane, c.channels * c.pixel_units)
        self.intensities.build((*plane, c.channels))
        context = 0
        if self.transformer is not None:
            context = self.width
            self.project.build(pixels)
            self.positions.build((*plane, context))
            self.transformer.build((None, plane[1] * plane[2], context))
        embedding = c.embedding_channels if c.has_embedding else 0
        self.pixelcnn.build(
            pixels,
            (*plane, embedding) if embedding else None,
            (*plane, context + embedding) if context + embedding else None,
        )
        self.built = True

    def call(
        self,
        pixels: tf.Tensor,
        embedding: tf.Tensor | None = None,
        predicted: tf.Tensor | None = None,
        dropout: Dropout = no_dropout,
    ) -> tf.Tensor:
        units = self.units(pixels, predicted)
        if self.transformer is None:
            return self.pixelcnn(units, embedding, embedding, dropout=dropout)
        h, w = self.config.slice_height, self.config.slice_width
        x = tf.reshape(self.project(units), [-1, h * w, self.width])
        x = tf.pad(x[:, :-1], [[0, 0], [1, 0], [0, 0]])  # pixel t sees pixels before t
        x = self.positions(tf.reshape(x, [-1, h, w, self.width]))
        x = self.transformer(tf.reshape(x, [-1, h * w, self.width]), dropout=dropout)
        context = tf.reshape(x, [-1, h, w, self.width])
        if embedding is not None:
            context = tf.concat([context, embedding], axis=-1)
        return self.pixelcnn(units, embedding, context, dropout=dropout)
