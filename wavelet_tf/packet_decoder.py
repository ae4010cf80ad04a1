"""The wavelet decoder: the high bands predicted from TL, in small patches (section 4.2, eq. 3).

The full wavelet packet splits TL into patches of the same size at every image size. A UNet of
constant width processes them. Each patch of TR, BL and BR is predicted by a shallow network of its
own, its head.
"""

from typing import Any

import tensorflow as tf

from cascade_tf.serializable_layer import SerializableLayer
from wavelet_tf.config import PACKET_DOWNS, WaveletConfig
from wavelet_tf.decoder import Decoder
from wavelet_tf.transform import Bands, dwt2, idwt2, packet2, unpacket2
from wavelet_tf.unet import ConvolutionBlock, UNet


class Heads(SerializableLayer):
    """Shallow networks, one for each patch, computed together.

    Each is a 3x3 convolution to `width` units, BatchNorm, ReLU and a 3x3 convolution to the
    channels of a patch. All first convolutions are computed as one. The second ones have different
    inputs, so they are one batch of matrix products. A head's product gives the terms of all nine
    taps, which are then shifted and added.

    [B, h, w, D] to [B, h, w, heads * channels]; the channels of a head are adjacent.

    Args:
        heads: number of patches.
        width: hidden units of a head.
        channels: channels of a patch.
        synchronized: see `ConvolutionBlock`.

    Example:
        >>> layer = Heads(heads=2, width=4, channels=3, synchronized=False)
        >>> layer(tf.zeros([1, 8, 8, 5])).shape
        TensorShape([1, 8, 8, 6])
    """

    def __init__(self, heads: int, width: int, channels: int, synchronized: bool, **kwargs: Any):
        super().__init__(**kwargs)
        self.heads, self.width, self.channels = heads, width, channels
        self.synchronized = synchronized
        self.hidden = ConvolutionBlock(heads * width, synchronized, dtype=self.dtype_policy)

    def build(self, shape: tuple[int | None, ...]) -> None:
        if self.built:
            return
        self.hidden.build(shape)
        # Zeros: an untrained decoder predicts high bands of zero.
        self.kernel = self.add_weight(
            shape=(self.heads, self.width, 9 * self.channels), initializer="zeros", name="kernel"
        )
        self.bias = self.add_weight(
            shape=(self.heads * self.channels,), initializer="zeros", name="bias"
        )

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        hidden = self.hidden(x, training=training)
        _, h, w, _ = hidden.shape
        hidden = tf.reshape(hidden, [-1, h, w, self.heads, self.width])
        terms = tf.einsum("bhwgi,gio->bhwgo", hidden, tf.cast(self.kernel, hidden.dtype))
        terms = tf.reshape(terms, [-1, h, w, self.heads * 9 * self.channels])
        terms = tf.pad(terms, [[0, 0], [1, 1], [1, 1], [0, 0]])
        terms = tf.reshape(terms, [-1, h + 2, w + 2, self.heads, 9, self.channels])
        shifted = [
            terms[:, row : row + h, column : column + w, :, 3 * row + column]
            for row in range(3)
            for column in range(3)
        ]
        patches = tf.reshape(tf.add_n(shifted), [-1, h, w, self.heads * self.channels])
        return patches + tf.cast(self.bias, patches.dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.heads * self.channels)


class PacketDecoder(Decoder[WaveletConfig]):
    """TL to a finer TL, or an image, of twice the size.

    Args:
        config, level, synchronized: see `Decoder`.

    Example:
        >>> config = WaveletConfig(
        ...     image_size=32, levels=1, patch_size=8, packet_width=4, head_width=4
        ... )
        >>> decoder = PacketDecoder(config, level=1)
        >>> tl = tf.zeros([2, 16, 16, 3])
        >>> packets = decoder(tl)  # of 3 bands, each of 4 patches of 8x8
        >>> packets.shape, decoder.join(tl, packets).shape
        (TensorShape([2, 8, 8, 36]), TensorShape([2, 32, 32, 3]))
    """

    detail_maps = 3

    def __init__(
        self, config: WaveletConfig, level: int, synchronized: bool = False, **kwargs: Any
    ):
        super().__init__(config, level, synchronized, **kwargs)
        c = config
        self.patches = (self.size // 2 // c.patch_size) ** 2  # of each band
        widths = [c.packet_width] * (PACKET_DOWNS + 1)
        self.unet = UNet(widths, synchronized, dtype=self.dtype_policy)
        self.heads = Heads(
            3 * self.patches, c.head_width, c.channels, synchronized, dtype=self.dtype_policy
        )

    def build(self, input_shape: tuple[int | None, ...] | None = None) -> None:
        if self.built:
            return
        c = self.config
        packets = (None, c.patch_size, c.patch_size)
        self.unet.build((*packets, c.channels * self.patches))
        self.heads.build((*packets, c.packet_width))

    def call(self, coarse: tf.Tensor, training: bool = False) -> tf.Tensor:
        """float32 TL [B, s/2, s/2, C] to packets of TR, BL and BR, [B, p, p, 3 * patches * C].

        All patches of TR come first, then those of BL and of BR. Each is the output of one head.
        """
        features = self.unet(self._packet(coarse), training=training)
        return tf.cast(self.heads(features, training=training), tf.float32)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        c = self.config
        return input_shape[0], c.patch_size, c.patch_size, 3 * self.patches * c.channels

    def split(self, fine: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """[B, s, s, C] to TL, [B, s/2, s/2, C], and the packets of its true high bands."""
        tl, *high = dwt2(fine, self.config.wavelet, self.config.wavelet_mode)
        return tl, tf.concat([self._packet(band) for band in high], axis=-1)

    def loss(self, predicted: tf.Tensor, true: tf.Tensor) -> tf.Tensor:
        """Sum over heads of the mean squared error, per example, [B]."""
        errors = tf.reduce_mean(tf.math.squared_difference(predicted, true), axis=[1, 2])
        return tf.reduce_sum(errors, axis=1) / self.config.channels

    def bands(self, packets: tf.Tensor) -> list[tf.Tensor]:
        """Packets to TR, BL, BR, [B, s/2, s/2, C] each."""
        c = self.config
        parts = tf.split(packets, 3, axis=-1)
        return [unpacket2(part, self.size // 2, c.wavelet, c.wavelet_mode) for part in parts]

    def details(self, packets: tf.Tensor) -> tf.Tensor:
        """Packets to the three bands on channels, [B, s/2, s/2, 3 C]."""
        return tf.concat(self.bands(packets), axis=-1)

    def join(self, coarse: tf.Tensor, packets: tf.Tensor) -> tf.Tensor:
        """TL and the packets of the high bands to [B, s, s, C], by the inverse transform."""
        bands = Bands(coarse, *self.bands(packets))
        return idwt2(bands, self.config.wavelet, self.config.wavelet_mode)

    def _packet(self, band: tf.Tensor) -> tf.Tensor:
        c = self.config
        return packet2(band, c.patch_size, c.wavelet, c.wavelet_mode)
