"""An image model as a prior: it learns latents as pictures of 8 bits (section 4.4, equation 4).

With an exact-likelihood model, p(z) of the equation is explicit.
"""

from collections.abc import Mapping, Sequence

import keras
import numpy as np
import tensorflow as tf

from cascade_tf.data import Source
from cascade_tf.description import Description
from cascade_tf.examples import Examples
from cascade_tf.sample_request import OnProgress, SampleRequest
from cascade_tf.stage import Stage
from wavelet_tf.latents import Latents
from wavelet_tf.unit_images import to_uint8


class QuantizedPrior(Stage):
    """A stage that makes images, put to making latents; its figures are of quantized latents.

    Args:
        model: of images of the latents' size, given nothing; not yet built.
        latents: what it makes.
        bits: of the images that the model makes, on the 8-bit scale.
        description: of the prior; by default that of the model.
    """

    accepts = ("temperature",)

    def __init__(
        self,
        model: Stage,
        latents: Latents,
        bits: int = 8,
        description: Description | None = None,
    ):
        self.description = description or model.description
        self.model, self.latents, self.bits = model, latents, bits
        self.name, self.headline = model.name, model.headline
        self.sampling_parts = model.sampling_parts

    def build(self) -> None:
        self.model.build()
        self.latents.build()

    def prepare(self, source: Source) -> str:
        """Fits the latents' range."""
        return self.latents.fit(source)

    def networks(self) -> Mapping[str, keras.Layer]:
        return {**self.model.networks(), "latents": self.latents}

    def optimizers(self) -> Mapping[str, keras.optimizers.Optimizer]:
        return self.model.optimizers()

    def averaged_variables(self) -> Sequence[keras.Variable]:
        return self.model.averaged_variables()

    def train_step(self, examples: Examples, step: tf.Tensor) -> Mapping[str, tf.Tensor]:
        return self.model.train_step(self._quantized(examples), step)

    def evaluate_step(self, examples: Examples) -> Mapping[str, tf.Tensor]:
        return self.model.evaluate_step(self._quantized(examples))

    def _sample(self, request: SampleRequest) -> tf.Tensor:
        """Samples latents, float32 [B, size, size, C]."""
        return self._latents(self.model.to_images(self.model.sample(request)))

    def target(self, images: tf.Tensor) -> tf.Tensor:
        """What is left of real latents when they are quantized."""
        pictures = self._pictures(images)
        return self._latents(self.model.to_images(self.model.target(pictures)))

    def to_images(self, target: tf.Tensor) -> tf.Tensor:
        return to_uint8(target, self.latents.gain)

    def previews(self, examples: Examples, on_progress: OnProgress) -> Mapping[str, np.ndarray]:
        return self.model.previews(self._quantized(examples), on_progress)

    def _quantized(self, examples: Examples) -> Examples:
        return examples._replace(images=self._pictures(examples.images))

    def _pictures(self, images: tf.Tensor) -> tf.Tensor:
        """Images to their latents as pictures, uint8; lowest of the range 0, highest 255."""
        share = (self.latents.normalise(self.latents.encode(images)) + 1) / 2
        return tf.cast(tf.round(255 * tf.clip_by_value(share, 0, 1)), tf.uint8)

    def _latents(self, pictures: tf.Tensor) -> tf.Tensor:
        middles = tf.cast(pictures, tf.float32) + (2.0 ** (8 - self.bits) - 1) / 2
        return self.latents.restore(middles / 127.5 - 1)
