"""Sizes of a PixelSNAIL."""

import dataclasses

from spn_tf.autoregressive_config import AutoregressiveConfig, convolution_dropout, distribution
from spn_tf.image_config import size


@dataclasses.dataclass(frozen=True)
class PixelSNAILConfig(AutoregressiveConfig):
    """Images, and widths and depths of a PixelSNAIL; the defaults are its authors'.

    Attributes:
        num_classes: 1 makes the model unconditional. A class is a learned vector, which reaches
            the gates of all residual blocks of convolutions.
        convolution_dropout: rate on hidden units of the residual blocks.

    Raises:
        SettingError: for sizes that cannot work together.

    >>> PixelSNAILConfig(pixelsnail_filters=64).intensity_distribution
    'absolute_logistic_mixture'
    """

    system = "pixelsnail"

    intensity_distribution: str = distribution("absolute_logistic_mixture")
    pixelsnail_blocks: int = size(12, "Blocks of a PixelSNAIL: convolutions, then attention.")
    pixelsnail_residual_blocks: int = size(4, "Residual blocks of each block of a PixelSNAIL.")
    pixelsnail_filters: int = size(256, "Units of a PixelSNAIL; attention reads half as many.", 2)
    pixelsnail_key_channels: int = size(16, "Channels of a PixelSNAIL's keys.")
    convolution_dropout: float = convolution_dropout()

    @property
    def embedding_channels(self) -> int:
        return self.pixelsnail_filters
