"""What a prior makes: the coarsest representation of images, in a range that networks like."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from cascade_tf.data import Source
from wavelet_tf.unit_images import unit_range

FITTED_IMAGES = 2048  # that a range is fitted on


class Latents(keras.layers.Layer):
    """The representation that a chain of decoders starts from, and its range.

    Networks see the range as [-1, 1]. It is fitted on the data, or given: the authors take
    TL after two transforms as ((TL + 3) / 10 - 0.5) / 0.5, the range from -3 to 7.

    Args:
        encode: float32 images [B, H, W, C] in [0, 1] to the representation [B, size, size, C].
        size: its side.
        channels: C.
        gain: its numbers over those of a picture of the same look in [0, 1].
        value_range: lowest and highest; None until `fit`.
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
        super().__init__(**kwargs)
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
        """Takes the range of the first training images, if none was given; tells the range."""
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
        self.high.assign(high if high > low else low + 1)  # of images of one value

    def encode(self, images: tf.Tensor) -> tf.Tensor:
        """uint8 [B, H, W, C] to the representation, float32 [B, size, size, C]."""
        return self._encode(unit_range(images))

    def normalise(self, latents: tf.Tensor) -> tf.Tensor:
        """The range to [-1, 1]; what is outside of it, to outside."""
        return 2 * (latents - self.low) / (self.high - self.low) - 1

    def restore(self, normalised: tf.Tensor) -> tf.Tensor:
        """The inverse of `normalise`."""
        return self.low + (normalised + 1) / 2 * (self.high - self.low)
