"""not-so-BigGAN-PIXEL: bilinear resizes, and a UNet that predicts the residual (section 4.5)."""

from typing import Any

import keras
import tensorflow as tf

from wavelet_tf.bilinear import enlarged, halved
from wavelet_tf.config import PIXEL_DOWNS, PixelConfig
from wavelet_tf.decoder import Decoder
from wavelet_tf.unet import UNet


class PixelDecoder(Decoder[PixelConfig]):
    """A small image to one of twice the size.

    Args:
        config, level, synchronized: see `Decoder`.

    Example:
        >>> config = PixelConfig(image_size=32, levels=1, pixel_width=4)
        >>> decoder = PixelDecoder(config, level=1)
        >>> small = tf.zeros([2, 16, 16, 3])
        >>> decoder.join(small, decoder(small)).shape
        TensorShape([2, 32, 32, 3])
    """

    detail_maps = 4

    def __init__(self, config: PixelConfig, level: int, synchronized: bool = False, **kwargs: Any):
        super().__init__(config, level, synchronized, **kwargs)
        widths = [config.pixel_width << scale for scale in range(PIXEL_DOWNS + 1)]
        self.unet = UNet(widths, synchronized, dtype=self.dtype_policy)
        self.output_convolution = keras.layers.Conv2D(
            config.channels,
            1,
            data_format="channels_last",
            kernel_initializer="zeros",
            dtype=self.dtype_policy,
        )

    def build(self, input_shape: tuple[int | None, ...] | None = None) -> None:
        if self.built:
            return
        c = self.config
        self.unet.build((None, self.size, self.size, c.channels))
        self.output_convolution.build((None, self.size, self.size, c.pixel_width))

    def call(self, coarse: tf.Tensor, training: bool = False) -> tf.Tensor:
        """float32 [B, s/2, s/2, C] to the predicted residual of its bilinear resize."""
        features = self.unet(enlarged(coarse, self.size), training=training)
        return tf.cast(self.output_convolution(features), tf.float32)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape[0], self.size, self.size, self.config.channels

    def split(self, fine: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """[B, s, s, C] to half the size, [B, s/2, s/2, C], and the residual, [B, s, s, C]."""
        coarse = halved(fine, self.config.antialias)
        return coarse, fine - enlarged(coarse, self.size)

    def loss(self, predicted: tf.Tensor, true: tf.Tensor) -> tf.Tensor:
        """Mean squared error of each example, [B]."""
        return tf.reduce_mean(tf.math.squared_difference(predicted, true), axis=[1, 2, 3])

    def details(self, residual: tf.Tensor) -> tf.Tensor:
        """The residual, with 2x2 pixels on channels, [B, s/2, s/2, 4 C]."""
        return tf.nn.space_to_depth(residual, 2)

    def join(self, coarse: tf.Tensor, residual: tf.Tensor) -> tf.Tensor:
        """The bilinear resize and its residual to [B, s, s, C]."""
        return enlarged(coarse, self.size) + residual
