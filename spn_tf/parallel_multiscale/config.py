"""Sizes of a Parallel Multiscale PixelCNN."""

import dataclasses

from cascade_tf.settings import Settings, setting
from spn_tf.autoregressive_config import AutoregressiveConfig, convolution_dropout
from spn_tf.image_config import size


@dataclasses.dataclass(frozen=True)
class MultiscaleConfig(Settings):
    """The stages of a Parallel Multiscale PixelCNN.

    Raises:
        SettingError: a base size below 1.

    >>> MultiscaleConfig(base_size=4).sizes(image_size=32)
    [4, 8, 16, 32]
    """

    base_size: int = setting(
        4,
        "Side of the smallest images of a Parallel Multiscale PixelCNN.",
        decides="model",
        at_least=1,
        whole=True,
    )

    def sizes(self, image_size: int) -> list[int]:
        """Sides of the images, from the base up, each twice the one before.

        Raises:
            SettingError: the last one would not be `image_size`.
        """
        sizes = [self.base_size]
        while sizes[-1] < image_size:
            sizes.append(2 * sizes[-1])
        if sizes[-1] != image_size:
            self.refuse(
                f"it does not grow to {image_size} by doubling; use an image size divided by a "
                f"power of two",
                "base_size",
            )
        return sizes


@dataclasses.dataclass(frozen=True)
class ParallelConfig(AutoregressiveConfig):
    """Images, and widths and depths of the network that doubles their size.

    The slices of scale 2 are the paper's groups: the corners of every 2x2 pixels. The network of a
    group is a ResNet on the groups before it. The paper's sizes are not published.

    Attributes:
        num_classes: 1 makes the model unconditional. A class is a learned vector, added to the
            features of the groups before.
        convolution_dropout: rate on hidden units of the residual blocks.

    Raises:
        SettingError: for sizes that cannot work together.

    >>> ParallelConfig(height=32, width=32).slice_height
    16
    """

    system = "parallel_multiscale"
    # Of the embedder, which has convolutions alone here.
    embedder_attention_layers = 0
    embedder_attention_heads = 1
    embedder_attention_channels = 1
    attention_ffn = "dense"
    ffn_size = 1

    embedder_conv_layers: int = size(12, "Residual blocks of the slice embedder.", 0)
    embedder_filter_size: int = size(3, "Filter size of the slice embedder.")
    embedder_conv_channels: int = size(128, "Units inside each residual block.")
    embedder_residual_channels: int = size(256, "Width of the slice embedder's residual stream.")
    convolution_dropout: float = convolution_dropout()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.height % 2 or self.width % 2:
            self.refuse("use even sides", "height", "width")
        if self.embedder_filter_size % 2 == 0:
            self.refuse("use an odd number", "embedder_filter_size")

    @property
    def scale(self) -> int:
        return 2

    @property
    def embedding_channels(self) -> int:
        return self.embedder_residual_channels
