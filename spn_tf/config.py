"""Sizes of a Subscale Pixel Network, named as in Table 4."""

import dataclasses
import re
from typing import Any

from cascade_tf import shared_settings as shared
from cascade_tf.settings import Settings, entries, setting

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
PIXEL_UNITS = 8  # section 3.2: intensities and meta-positions are embedded to 8 units each
ERROR_UNITS = 8  # of the error of an intensity's prediction


def _size(default: int, help: str, at_least: int = 1) -> Any:
    return setting(default, help, decides="model", at_least=at_least)


@dataclasses.dataclass(frozen=True)
class SPNConfig(Settings):
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
        attention: whether the decoder has a Transformer before its PixelCNN. At scale 1, the
            decoder without it is the gated PixelCNN of van den Oord et al. (2016c).
        pixelcnn_conv_channels: units before the gate, which halves them.
        dropout: rate on each residual branch of the attention stacks.
        convolution_dropout: rate on the gates of the PixelCNN, before they enter its residual
            stream, and on hidden units of the embedder's residual blocks.

    Raises:
        SettingError: for sizes that cannot work together.

    >>> config = SPNConfig(height=32, width=32, scale=4)
    >>> config.slice_height, config.levels
    (8, 256)
    """

    height: int = 32
    width: int = 32
    channels: int = shared.channels()
    num_classes: int = shared.num_classes(1)
    bits: int = setting(
        8,
        "Bit depth of the images, or of a prior's latents.",
        decides="model",
        at_least=1,
        at_most=8,
        whole=True,
        group="model",
    )
    coarse_bits: int = 0
    attention: bool = True
    scale: int = setting(
        4,
        "Subscale factor S; 1 is the decoder baseline.",
        decides="model",
        at_least=1,
        whole=True,
        group="model",
    )

    intensity_distribution: str = setting(
        "softmax",
        "Distribution of an intensity: over all (the paper's), or relative to a prediction from "
        "its neighbours.",
        decides="model",
        choices=("softmax", "relative_softmax", "anchored_softmax", "logistic_mixture"),
    )
    mixture_components: int = _size(10, "Components of the logistic mixture.")

    pixelcnn_layers: int = _size(15, "Gated layers of the decoder.")
    pixelcnn_filter_size: int = _size(3, "Filter size of the PixelCNN.")
    pixelcnn_conv_channels: int = _size(128, "Units before each gate of the PixelCNN.")
    pixelcnn_residual_channels: int = _size(1280, "Width of the PixelCNN's residual stream.")
    decoder_attention_layers: int = _size(5, "Masked self-attention layers of the decoder.", 0)
    decoder_attention_heads: int = _size(5, "Attention heads of the decoder.")
    decoder_attention_channels: int = _size(128, "Attention channels per head of the decoder.")

    embedder_conv_layers: int = _size(5, "Residual blocks of the slice embedder.", 0)
    embedder_filter_size: int = _size(3, "Filter size of the slice embedder.")
    embedder_conv_channels: int = _size(256, "Units inside each residual block.")
    embedder_residual_channels: int = _size(1024, "Width of the slice embedder's residual stream.")
    embedder_attention_layers: int = _size(6, "Self-attention layers of the slice embedder.", 0)
    embedder_attention_heads: int = _size(4, "Attention heads of the slice embedder.")
    embedder_attention_channels: int = _size(
        64, "Attention channels per head of the slice embedder."
    )

    attention_ffn: str = setting(
        "parameter_attention",
        "Feed-forward layer of attention blocks.",
        decides="model",
        choices=("parameter_attention", "dense"),
    )
    ffn_size: int = _size(1024, "Rows of parameter_attention, or hidden units of the dense layer.")
    dropout: float = setting(
        0.0,
        "Rate of dropout on residual branches of attention stacks.",
        decides="model",
        at_least=0,
        below=1,
    )
    convolution_dropout: float = setting(
        0.0,
        "Rate of dropout on the gates of the PixelCNN and in residual blocks of the embedder.",
        decides="model",
        at_least=0,
        below=1,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        shared.check_channels(self)
        for field, at_least in (("height", 1), ("width", 1), ("coarse_bits", 0)):
            shared.check_count(self, field, at_least)
        if self.coarse_bits >= self.bits:
            self.refuse("use fewer coarse bits than bits", "coarse_bits", "bits")
        if self.height % self.scale or self.width % self.scale:
            self.refuse(
                f"images of {self.height}x{self.width} pixels are not divisible into slices at "
                f"this scale; use a divisor of both sides",
                "scale",
            )
        if self.has_embedder and not self.attention:
            advice = "without attention there are no slices and no coarse image"
            self.refuse(advice, "attention", "scale", "coarse_bits")
        if self.pixelcnn_conv_channels % 2:
            self.refuse("use an even number (the gate halves it)", "pixelcnn_conv_channels")
        for field in ("pixelcnn_filter_size", "embedder_filter_size"):
            if getattr(self, field) % 2 == 0:
                self.refuse("use an odd number", field)

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
    def levels(self) -> int:
        """The number of intensities, 2**bits."""
        return 2**self.bits

    @property
    def classes(self) -> int:
        """The number of possible intensities of a subpixel, 2**(bits - coarse_bits)."""
        return 2 ** (self.bits - self.coarse_bits)

    @property
    def relative(self) -> bool:
        """Whether distributions and embeddings of intensities start at predictions."""
        return self.intensity_distribution != "softmax"

    @property
    def pixel_units(self) -> int:
        """The number of units that an intensity is embedded to, for the decoder."""
        return PIXEL_UNITS + ERROR_UNITS * self.relative

    @property
    def has_embedder(self) -> bool:
        """Whether there is a slice embedder, for preceding slices or for coarse bits."""
        return self.scale > 1 or self.coarse_bits > 0

    @property
    def has_embedding(self) -> bool:
        """Whether the decoder has a slice embedding, of an embedder, of classes or of both."""
        return self.has_embedder or self.num_classes > 1

    @property
    def embedding_channels(self) -> int:
        """Units of the slice embedding and of a class's vector."""
        return (
            self.embedder_residual_channels if self.attention else self.pixelcnn_residual_channels
        )

    @property
    def slice_height(self) -> int:
        """Height of a slice, in pixels."""
        return self.height // self.scale

    @property
    def slice_width(self) -> int:
        """Width of a slice, in pixels."""
        return self.width // self.scale

    @property
    def dimensions(self) -> int:
        """H * W * C of the images that the network models."""
        return self.height * self.width * self.channels


# Settings of networks that have attention or slices.
UNUSED_BY_GATED_PIXELCNN = frozenset(
    name
    for name in (*entries([SPNConfig]), "fused_attention", "slice_positions")
    if re.match("scale|dropout|embedder_|decoder_attention_|attention_ffn|ffn_|fused_|slice_", name)
)
