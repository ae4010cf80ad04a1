"""The first stage of size upscaling: a decoder on single slices (section 2.3)."""

import dataclasses

import tensorflow as tf

from cascade_tf.description import Description
from cascade_tf.examples import Examples
from spn_tf.bit_depth import quantize
from spn_tf.config import SPNConfig
from spn_tf.ordering import image_to_slices
from spn_tf.spn_stage import PartOfACascade, SPNStage
from spn_tf.training_config import SPNTrainingConfig
from spn_tf.upscaling import UpscalingConfig


class SliceStage(SPNStage):
    """p(first slice), by a network without slice embedder.

    It is trained on first slices, or on slices at all meta-positions
    (`training.slice_positions`): those are S*S times as many, and look much alike. It is evaluated
    on first slices only, since p(first slice) is its factor of an image's likelihood.

    Args:
        name: of the stage.
        config: of the images that are cut into slices; the network's own is derived from it.
        training: its training settings.
        description: see SPNStage.

    >>> stage = SliceStage("slice", SPNConfig(height=32, width=32, scale=4), SPNTrainingConfig())
    >>> stage.target(tf.zeros([2, 32, 32, 3], tf.uint8)).shape
    TensorShape([2, 8, 8, 3])
    """

    training: SPNTrainingConfig

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
        description = description or PartOfACascade("spn", (UpscalingConfig(), config, training))
        super().__init__(name, own, training, description=description)
        self.slicing = config.scale
        self.dimensions = config.dimensions
        self.image_shape = config.height, config.width, config.channels

    def _own_pixels(self, images: tf.Tensor) -> tf.Tensor:
        return images[:, :: self.slicing, :: self.slicing]

    def _training_target(self, examples: Examples) -> tf.Tensor:
        if self.training.slice_positions == "first":
            return self.target(examples.images)
        position = self._draw("position", examples.indices, self.slicing**2)
        slices = image_to_slices(examples.images, self.slicing)
        return quantize(tf.gather(slices, position, batch_dims=1), self.config.bits)
