"""The stages of a Parallel Multiscale PixelCNN, as those of a cascade."""

import tensorflow as tf

from cascade_tf.description import Description
from cascade_tf.sample_request import SampleRequest
from spn_tf.decoders import DecoderConfig
from spn_tf.gated_pixelcnn_config import GatedPixelCNNConfig
from spn_tf.parallel_multiscale.config import MultiscaleConfig
from spn_tf.spn_stage import SPNStage
from spn_tf.training_config import LikelihoodTrainingConfig


class MultiscaleStage(SPNStage):
    """p(small image), or p(image | the image of half its size).

    Every second pixel of a row and column makes the smaller image (their Figure 2). The base stage
    is a gated PixelCNN of whole images. Other stages draw three groups of pixels: upper right,
    lower left, lower right.

    Args:
        name: of the stage.
        multiscale: the list of stages.
        config: of the network and of the stage's images.
        training: its training settings.
        image_size: side of the whole images.

    >>> from spn_tf.parallel_multiscale.config import ParallelConfig
    >>> config = ParallelConfig(height=8, width=8)
    >>> training = LikelihoodTrainingConfig()
    >>> stage = MultiscaleStage("up8", MultiscaleConfig(), config, training, image_size=16)
    >>> stage.target(tf.zeros([2, 16, 16, 3], tf.uint8)).shape
    TensorShape([2, 8, 8, 3])
    """

    def __init__(
        self,
        name: str,
        multiscale: MultiscaleConfig,
        config: DecoderConfig,
        training: LikelihoodTrainingConfig,
        image_size: int,
    ):
        description = Description("parallel_multiscale", (multiscale, config, training))
        is_base = isinstance(config, GatedPixelCNNConfig)
        super().__init__(name, config, training, not is_base, description)
        self.models_first_slice = is_base
        self._step = image_size // config.height
        self.image_shape = image_size, image_size, config.channels
        self.dimensions = image_size**2 * config.channels

    def _own_pixels(self, images: tf.Tensor) -> tf.Tensor:
        return images[:, :: self._step, :: self._step]

    def _sample(self, request: SampleRequest) -> tf.Tensor:
        if self.first_slice_given and request.condition is None and request.known is None:
            raise ValueError(f"condition: {self.name} needs images of half the size")
        return super()._sample(request)
