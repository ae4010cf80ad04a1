"""An image model as a prior of latents quantized to 8 bits (section 4.4, equation 4).

With a likelihood model, p(z) in the equation is exact.
"""

from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from cascade_tf.data import Source
from cascade_tf.description import Description
from cascade_tf.examples import Examples
from cascade_tf.sample_request import OnProgress, SampleRequest
from cascade_tf.stage import Stage
from wavelet_tf.latents import Latents
from wavelet_tf.model_prior import ModelPrior
from wavelet_tf.unit_images import to_uint8


class QuantizedPrior(ModelPrior):
    """A stage for images as a prior of latents; its figures are of quantized latents.

    Args:
        model: stage for images of the latents' size, not yet built.
        latents: the representation that it samples.
        bits: bits that the model keeps of each 8-bit value.
        description: of the prior; by default the model's.
    """

    def __init__(
        self,
        model: Stage,
        latents: Latents,
        bits: int = 8,
        description: Description | None = None,
    ):
        super().__init__(model, description)
        self.accepts = [name for name in model.accepts if name in ("temperature", "labels")]
        self.num_classes = model.num_classes
        self.latents, self.bits = latents, bits

    def build(self) -> None:
        self.model.build()
        self.latents.build()

    def prepare(self, source: Source) -> str:
        """Fits the latents' range."""
        return self.latents.fit(source)

    def networks(self) -> Mapping[str, keras.Layer]:
        return {**self.model.networks(), "latents": self.latents}

    def _sample(self, request: SampleRequest) -> tf.Tensor:
        """Samples latents, float32 [B, size, size, C]."""
        return self._latents(self.model.to_images(self.model.sample(request)))

    def target(self, images: tf.Tensor) -> tf.Tensor:
        """Latents of real images after quantization."""
        return self._latents(self.model.to_images(self.model.target(self._quantize(images))))

    def to_images(self, target: tf.Tensor) -> tf.Tensor:
        return to_uint8(target, self.latents.gain)

    def previews(self, examples: Examples, on_progress: OnProgress) -> Mapping[str, np.ndarray]:
        return self.model.previews(self._represented(examples), on_progress)

    def _represented(self, examples: Examples) -> Examples:
        return examples._replace(images=self._quantize(examples.images))

    def _quantize(self, images: tf.Tensor) -> tf.Tensor:
        """Images to their latents as uint8: 0 is the lowest of the range, 255 the highest."""
        share = (self.latents.normalise(self.latents.encode(images)) + 1) / 2
        return tf.cast(tf.round(255 * tf.clip_by_value(share, 0, 1)), tf.uint8)

    def _latents(self, quantized: tf.Tensor) -> tf.Tensor:
        """Latents of uint8 values, each in the middle of its quantization step."""
        middles = tf.cast(quantized, tf.float32) + (2.0 ** (8 - self.bits) - 1) / 2
        return self.latents.restore(middles / 127.5 - 1)
