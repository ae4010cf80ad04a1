"""Sizes of a gated PixelCNN."""

import dataclasses

from spn_tf.autoregressive_config import AutoregressiveConfig, convolution_dropout
from spn_tf.image_config import size


@dataclasses.dataclass(frozen=True)
class GatedPixelCNNConfig(AutoregressiveConfig):
    """Images, and widths and depths of the gated PixelCNN (van den Oord et al., 2016c).

    Attributes:
        num_classes: 1 makes the model unconditional. A class is a learned vector, which reaches
            the gates of all layers (their section 2.3).
        pixelcnn_conv_channels: units before the gate, which halves them.
        convolution_dropout: rate on the gates, before they enter the residual stream.

    Raises:
        SettingError: for sizes that cannot work together.

    >>> GatedPixelCNNConfig(pixelcnn_layers=4).pixelcnn_filter_size
    3
    """

    system = "gated_pixelcnn"

    pixelcnn_layers: int = size(15, "Gated layers of the decoder.")
    pixelcnn_filter_size: int = size(3, "Filter size of the PixelCNN.")
    pixelcnn_conv_channels: int = size(128, "Units before each gate of the PixelCNN.")
    pixelcnn_residual_channels: int = size(1280, "Width of the PixelCNN's residual stream.")
    convolution_dropout: float = convolution_dropout()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pixelcnn_conv_channels % 2:
            self.refuse("use an even number (the gate halves it)", "pixelcnn_conv_channels")
        if self.pixelcnn_filter_size % 2 == 0:
            self.refuse("use an odd number", "pixelcnn_filter_size")

    @property
    def embedding_channels(self) -> int:
        return self.pixelcnn_residual_channels
