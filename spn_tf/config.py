"""Sizes of a Subscale Pixel Network, named as in Table 4."""

import dataclasses

from cascade_tf.errors import UsageError

PIXEL_UNITS = 8  # section 3.2: intensities and meta-positions are embedded to 8 units each


@dataclasses.dataclass(frozen=True)
class SPNConfig:
    """What a network computes and how wide it is.

    The defaults are the CelebA-HQ column of Table 4. Channels of attention are per head;
    `ffn_size` is the number of key/value rows of `parameter_attention`, or the hidden units of
    a dense feed-forward layer (docs/reproduction.md tells why 1024).

    Raises:
        UsageError: for sizes that cannot work together.
    """

    height: int = 256
    width: int = 256
    channels: int = 3  # 1 or 3
    bits: int = 8
    coarse_bits: int = 0  # given, most significant first; above 0 in depth upscaling only
    scale: int = 8  # 1: the decoder baseline, without slices before the target

    pixelcnn_layers: int = 15
    pixelcnn_filter_size: int = 3
    pixelcnn_conv_channels: int = 128  # before the gate halves them
    pixelcnn_residual_channels: int = 1280
    decoder_attention_layers: int = 5
    decoder_attention_heads: int = 5
    decoder_attention_channels: int = 128

    embedder_conv_layers: int = 5
    embedder_filter_size: int = 3
    embedder_conv_channels: int = 256
    embedder_residual_channels: int = 1024
    embedder_attention_layers: int = 6
    embedder_attention_heads: int = 4
    embedder_attention_channels: int = 64

    attention_ffn: str = "parameter_attention"  # or "dense"
    ffn_size: int = 1024
    dropout: float = 0.0  # of each residual branch of the attention stacks

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= 8:
            raise UsageError(f"--bits={self.bits}: use 1 to 8")
        if not 0 <= self.coarse_bits < self.bits:
            raise UsageError(
                f"--coarse_bits={self.coarse_bits}: use 1 up to, not with, --bits={self.bits}"
            )
        if self.channels not in (1, 3):
            raise UsageError(f"--channels={self.channels}: use 1 (grey) or 3 (colour)")
        if self.scale < 1 or self.height % self.scale or self.width % self.scale:
            raise UsageError(
                f"--scale={self.scale}: images of {self.height}x{self.width} pixels are not "
                f"divisible into slices at this scale; use a divisor of both sides"
            )
        if self.attention_ffn not in ("parameter_attention", "dense"):
            raise UsageError(
                f"--attention_ffn={self.attention_ffn}: use parameter_attention or dense"
            )
        if self.pixelcnn_conv_channels % 2:
            raise UsageError(
                f"--pixelcnn_conv_channels={self.pixelcnn_conv_channels}: use an even number "
                f"(the gate halves it)"
            )
        for flag in ("pixelcnn_filter_size", "embedder_filter_size"):
            if getattr(self, flag) % 2 == 0:
                raise UsageError(f"--{flag}={getattr(self, flag)}: use an odd number")
        if not 0 <= self.dropout < 1:
            raise UsageError(f"--dropout={self.dropout}: use a rate from 0 up to, not with, 1")

    @property
    def levels(self) -> int:
        """The number of intensities, 2**bits."""
        return 2**self.bits

    @property
    def classes(self) -> int:
        """The number of values that an intensity can still take: of the bits not given."""
        return 2 ** (self.bits - self.coarse_bits)

    @property
    def has_embedder(self) -> bool:
        """Whether there is anything to embed: slices before the target, or coarse bits."""
        return self.scale > 1 or self.coarse_bits > 0

    @property
    def slice_height(self) -> int:
        return self.height // self.scale

    @property
    def slice_width(self) -> int:
        return self.width // self.scale

    @property
    def dimensions(self) -> int:
        """H * W * C of the images that the network models."""
        return self.height * self.width * self.channels
