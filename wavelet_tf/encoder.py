"""Deterministic encoders: images to a pyramid of smaller representations (eq. 2; section 4.5)."""

import abc

import tensorflow as tf

from wavelet_tf.bilinear import halved
from wavelet_tf.config import NSBConfig, PixelConfig, WaveletConfig
from wavelet_tf.transform import dwt2
from wavelet_tf.transform.filters import filters
from wavelet_tf.unit_images import unit_range


class Encoder(abc.ABC):
    """Levels of representations: 0 is the coarsest, `config.levels` the image itself.

    Args:
        config: sizes of the chain.

    Attributes:
        center: position of a representation's sample 0 in the next finer one, in pixels from its
            first; 0.5 is between the first two.
    """

    center: float

    def __init__(self, config: NSBConfig):
        self.config = config

    @abc.abstractmethod
    def coarser(self, representation: tf.Tensor) -> tf.Tensor:
        """The next coarser representation, [B, s, s, C] to [B, s/2, s/2, C]."""

    @abc.abstractmethod
    def gain(self, level: int) -> int:
        """Scale of a level relative to an image in [0, 1]."""

    def at_level(self, images: tf.Tensor, level: int) -> tf.Tensor:
        """One representation of images, float32.

        Args:
            images: float32 [B, H, W, C] in [0, 1]; H and W are the chain's `image_size`.
            level: from 0 to `levels`.
        """
        for _ in range(self.config.levels - level):
            images = self.coarser(images)
        return images

    def pyramid(self, images: tf.Tensor) -> list[tf.Tensor]:
        """All representations, coarsest first, the images last."""
        pyramid = [images]
        for _ in range(self.config.levels):
            pyramid.insert(0, self.coarser(pyramid[0]))
        return pyramid

    def latents(self, images: tf.Tensor) -> tf.Tensor:
        """uint8 images [B, H, W, C] to the coarsest representation, float32 [B, h, w, C]."""
        return self.at_level(unit_range(images), 0)


class WaveletEncoder(Encoder):
    """TL of a wavelet transform at each level (equation 2).

    The values of TL after l transforms are 2^l times those of an image, and overshoot at edges.

    >>> encoder = WaveletEncoder(WaveletConfig(image_size=32, levels=1, patch_size=8))
    >>> encoder.latents(tf.zeros([1, 32, 32, 3], tf.uint8)).shape, encoder.gain(0)
    (TensorShape([1, 16, 16, 3]), 2)
    """

    config: WaveletConfig

    def __init__(self, config: WaveletConfig):
        super().__init__(config)
        self.center = filters(config.wavelet, config.wavelet_mode).center

    def coarser(self, representation: tf.Tensor) -> tf.Tensor:
        return dwt2(representation, self.config.wavelet, self.config.wavelet_mode).tl

    def gain(self, level: int) -> int:
        return 2 ** (self.config.levels - level)


class PixelEncoder(Encoder):
    """Bilinear resizes to half the size; all levels are in [0, 1] (section 4.5).

    >>> encoder = PixelEncoder(PixelConfig(image_size=32, levels=1))
    >>> encoder.latents(tf.zeros([1, 32, 32, 3], tf.uint8)).shape, encoder.gain(0)
    (TensorShape([1, 16, 16, 3]), 1)
    """

    config: PixelConfig
    center = 0.5

    def coarser(self, representation: tf.Tensor) -> tf.Tensor:
        return halved(representation, self.config.antialias)

    def gain(self, level: int) -> int:
        return 1
