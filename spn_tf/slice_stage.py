"""The first stage of size upscaling: a decoder on single slices (section 2.3)."""

import dataclasses

import tensorflow as tf

from cascade_tf.description import Description
from cascade_tf.examples import Examples
from spn_tf.bit_depth import quantize
from spn_tf.config import SPNConfig
from spn_tf.ordering import image_to_slices
from spn_tf.spn_stage import SPNStage
from spn_tf.training_config import SPNTrainingConfig


class SliceStage(SPNStage):
    """p(first slice), by a network without slice embedder.

    It is trained on the first slices of images, or on slices at all positions, which are S*S
    times as many and much alike (`training.slice_positions`). It is evaluated on first slices:
    those are its part of an image.

    Args:
        name: of the stage.
        config: of the images that are cut into slices; the network's own is derived from it.
        training: how it learns.
        description: of the stage, as of SPNStage.
    """

    def __init__(
        self,
        name: str,
        config: SPNConfig,
        training: SPNTrainingConfig,
        description: Description | None = None,
    ):
        own = dataclasses.replace(
            config, height=config.slice_height, width=config.slice_width, scale=1
        )
        super().__init__(name, own, training, description=description)
        self.slicing = config.scale
        self.dimensions = config.dimensions

    def _own_pixels(self, images: tf.Tensor) -> tf.Tensor:
        return images[:, :: self.slicing, :: self.slicing]

    def _training_target(self, examples: Examples) -> tf.Tensor:
        if self.training.slice_positions == "first":
            return self.target(examples.images)
        position = self._draw("position", examples.indices, self.slicing**2)
        slices = image_to_slices(examples.images, self.slicing)
        return quantize(tf.gather(slices, position, batch_dims=1), self.config.bits)
