"""Latents, the coarsest representation of images, in the range that a prior's networks use."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from cascade_tf.data import Source
from cascade_tf.errors import SettingError
from wavelet_tf.unit_images import unit_range

FITTED_IMAGES = 2048  # images to which a range is fitted


class Latents(keras.layers.Layer):
    """The representation that a chain of decoders starts from, and its range.

    Networks see the range as [-1, 1]. It is `value_range`, or fitted to the data. The authors use
    ((TL + 3) / 10 - 0.5) / 0.5 for TL after two transforms: the range from -3 to 7.

    Args:
        encode: float32 images [B, H, W, C] in [0, 1] to the representation [B, size, size, C].
        size: side of the representation.
        channels: C.
        gain: scale relative to an image in [0, 1]; TL doubles at every level.
        value_range: lowest and highest latent; None: `fit` sets them.
    """

    def __init__(
        self,
        encode: Callable[[tf.Tensor], tf.Tensor],
        size: int,
        channels: int,
        gain: int = 1,
        value_range: tuple[float, float] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**{"dtype": "float32"} | kwargs)
        self._encode = encode
        self.size, self.channels, self.gain = size, channels, gain
        self.value_range = value_range

    def build(self, input_shape: tuple[int | None, ...] | None = None) -> None:
        if self.built:
            return
        # Weights, so that checkpoints and exported models hold them.
        low, high = self.value_range or (0.0, float(self.gain))
        self.low, self.high = [
            self.add_weight(
                shape=(), initializer=keras.initializers.Constant(x), trainable=False, name=name
            )
            for name, x in (("low", low), ("high", high))
        ]

    def fit(self, source: Source) -> str:
        """Fits the range to the first training images, unless `value_range` sets it.

        Returns:
            A line that states the range.

        Raises:
            SettingError: the latents of such images are of another size.
        """
        c, own = source.config, (self.size, self.size, self.channels)
        images = tf.zeros([1, c.image_size, c.image_size, c.channels], tf.uint8)
        shape = tuple(self.encode(images).shape[1:])
        if shape != own:
            raise SettingError(
                {"image_size": c.image_size, "channels": c.channels},
                f"the latents of such images are {'x'.join(map(str, shape))}, but those of the "
                f"prior are {'x'.join(map(str, own))}",
            )
        if self.value_range is None:
            self._fit(source)
        return f"latents from {self.low.numpy():.4g} to {self.high.numpy():.4g}"

    def _fit(self, source: Source) -> None:
        lows, highs = [], []
        for batch in source.evaluation_examples(64, limit=FITTED_IMAGES):
            latents = self.encode(batch.images[batch.indices >= 0])
            lows.append(float(tf.reduce_min(latents)))
            highs.append(float(tf.reduce_max(latents)))
        low, high = min(lows), max(highs)
        self.low.assign(low)
        # Constant images would give a range of zero width.
        self.high.assign(high if high > low else low + 1)

    def encode(self, images: tf.Tensor) -> tf.Tensor:
        """uint8 [B, H, W, C] to the representation, float32 [B, size, size, C]."""
        return self._encode(unit_range(images))

    def normalise(self, latents: tf.Tensor) -> tf.Tensor:
        """Maps the range to [-1, 1]; latents outside of it fall outside."""
        return 2 * (latents - self.low) / (self.high - self.low) - 1

    def restore(self, normalised: tf.Tensor) -> tf.Tensor:
        """Inverse of `normalise`."""
        return self.low + (normalised + 1) / 2 * (self.high - self.low)
