"""Sizes of a Subscale Pixel Network, named as in Table 4."""

import dataclasses
from typing import Any

from cascade_tf import shared_settings as shared
from cascade_tf.settings import setting
from spn_tf.autoregressive_config import dropout
from spn_tf.gated_pixelcnn_config import GatedPixelCNNConfig
from spn_tf.image_config import size

# Widths and depths of configs/digits.flags.
SMALL = dict(
    pixelcnn_layers=4,
    pixelcnn_conv_channels=48,
    pixelcnn_residual_channels=64,
    decoder_attention_layers=1,
    decoder_attention_heads=2,
    decoder_attention_channels=32,
    embedder_conv_layers=2,
    embedder_conv_channels=32,
    embedder_residual_channels=64,
    embedder_attention_layers=1,
    embedder_attention_heads=2,
    embedder_attention_channels=32,
    attention_ffn="dense",
    ffn_size=128,
)


@dataclasses.dataclass(frozen=True)
class SPNConfig(GatedPixelCNNConfig):
    """Sizes of the images, and widths and depths of the network.

    The default widths are the CelebA-HQ column of Table 4. Attention channels are per head.
    `ffn_size` is the number of key/value rows of `parameter_attention`, or of hidden units of
    a dense feed-forward layer (docs/reproduction.md explains why 1024).

    Attributes:
        height, width: of the images, in pixels.
        num_classes: 1 makes the model unconditional. A class is a learned vector, added to the
            slice embedding. So it reaches the gates of all layers of the PixelCNN, as in van den
            Oord et al. (2016c).
        coarse_bits: bits of the coarse image that depth upscaling is conditioned on; 0: none.
        scale: subscale factor S; 1 is the decoder baseline, which has no slices before the target.
        dropout: rate on each residual branch of the attention stacks.
        convolution_dropout: rate on the gates of the PixelCNN, before they enter its residual
            stream, and on hidden units of the embedder's residual blocks.

    Raises:
        SettingError: for sizes that cannot work together.

    >>> config = SPNConfig(height=32, width=32, scale=4)
    >>> config.slice_height, config.levels
    (8, 256)
    """

    system = "spn"

    coarse_bits: int = 0
    scale: int = setting(
        4,
        "Subscale factor S; 1 is the decoder baseline.",
        decides="model",
        at_least=1,
        whole=True,
        group="model",
    )

    decoder_attention_layers: int = size(5, "Masked self-attention layers of the decoder.", 0)
    decoder_attention_heads: int = size(5, "Attention heads of the decoder.")
    decoder_attention_channels: int = size(128, "Attention channels per head of the decoder.")

    embedder_conv_layers: int = size(5, "Residual blocks of the slice embedder.", 0)
    embedder_filter_size: int = size(3, "Filter size of the slice embedder.")
    embedder_conv_channels: int = size(256, "Units inside each residual block.")
    embedder_residual_channels: int = size(1024, "Width of the slice embedder's residual stream.")
    embedder_attention_layers: int = size(6, "Self-attention layers of the slice embedder.", 0)
    embedder_attention_heads: int = size(4, "Attention heads of the slice embedder.")
    embedder_attention_channels: int = size(
        64, "Attention channels per head of the slice embedder."
    )

    attention_ffn: str = setting(
        "parameter_attention",
        "Feed-forward layer of attention blocks.",
        decides="model",
        choices=("parameter_attention", "dense"),
    )
    ffn_size: int = size(1024, "Rows of parameter_attention, or hidden units of the dense layer.")
    dropout: float = dropout()

    def __post_init__(self) -> None:
        super().__post_init__()
        shared.check_count(self, "coarse_bits", 0)
        if self.coarse_bits >= self.bits:
            self.refuse("use fewer coarse bits than bits", "coarse_bits", "bits")
        if self.height % self.scale or self.width % self.scale:
            self.refuse(
                f"images of {self.height}x{self.width} pixels are not divisible into slices at "
                f"this scale; use a divisor of both sides",
                "scale",
            )
        if self.embedder_filter_size % 2 == 0:
            self.refuse("use an odd number", "embedder_filter_size")

    @classmethod
    def small(cls, **settings: Any) -> "SPNConfig":
        """Widths and depths for a CPU, 0.24M weights: those of `configs/digits.flags`.

        Args:
            settings: fields to set otherwise.

        >>> SPNConfig.small(channels=1).pixelcnn_layers
        4
        """
        return cls(**{**SMALL, **settings})

    @property
    def embedding_channels(self) -> int:
        return self.embedder_residual_channels
