"""Sizes of not-so-BigGAN's decoders, wavelet and pixel (sections 4.2, 4.5; Tables 3, 4)."""

import dataclasses

from cascade_tf.errors import UsageError
from wavelet_tf.transform.filters import filters
from wavelet_tf.transform.packets import number_of_splits

PIXEL_DOWNS = 4  # times that the pixel variant's UNet halves its input (19 convolutions)
PACKET_DOWNS = 3  # times that the wavelet decoder's does (14, and two in each head)


@dataclasses.dataclass(frozen=True)
class NSBConfig:
    """What the decoders of one chain make, and how wide they are; the defaults are the paper's.

    Raises:
        UsageError: for sizes that cannot work together.
    """

    image_size: int = 256
    channels: int = 3  # 1 or 3
    levels: int = 2  # stages, each of which doubles the sides
    wavelet: str = "bior2.2"  # of the wavelet decoders, as all up to head_width
    wavelet_mode: str = "reflect"
    patch_size: int = 32  # of the packets that a decoder works on, whatever the image's size
    packet_width: int = 512  # of the UNet, at all its scales
    head_width: int = 256  # hidden units of each head
    pixel_width: int = 64  # of the pixel variant's UNet, doubled at each of its scales
    antialias: bool = False  # of the pixel variant's bilinear resize to half the size

    def __post_init__(self) -> None:
        if self.channels not in (1, 3):
            raise UsageError(f"--channels={self.channels}: use 1 (grey) or 3 (colour)")
        if self.levels < 1 or self.image_size % 2**self.levels:
            raise UsageError(
                f"--levels={self.levels}: images of {self.image_size}x{self.image_size} pixels "
                f"cannot be halved so often: use 1 or more, and sides divisible by 2^levels"
            )
        for flag in ("patch_size", "packet_width", "head_width", "pixel_width"):
            if getattr(self, flag) < 1:
                raise UsageError(f"--{flag}={getattr(self, flag)}: use 1 or more")

    def require_packets(self) -> None:
        """Raises UsageError unless wavelet decoders work with these sizes."""
        try:
            filters(self.wavelet, self.wavelet_mode)
        except ValueError as error:
            flag, _, told = str(error).partition(": ")
            flag = {"mode": "wavelet_mode"}.get(flag, flag)
            raise UsageError(f"--{flag}={getattr(self, flag)}: {told}") from error
        try:
            number_of_splits(self.latent_size, self.patch_size)
        except ValueError:
            raise UsageError(
                f"--patch_size={self.patch_size}: TL after {self.levels} transforms is "
                f"{self.latent_size} pixels wide: use that divided by a power of two"
            ) from None
        if self.patch_size % 2**PACKET_DOWNS:
            raise UsageError(
                f"--patch_size={self.patch_size}: the UNet halves it {PACKET_DOWNS} times: use a "
                f"multiple of {2**PACKET_DOWNS}"
            )

    def require_pixels(self) -> None:
        """Raises UsageError unless the pixel variant works with these sizes."""
        coarsest = 2 * self.latent_size
        if coarsest % 2**PIXEL_DOWNS:
            raise UsageError(
                f"--image_size={self.image_size} --levels={self.levels}: the UNet of the first "
                f"stage, {coarsest} pixels wide, halves them {PIXEL_DOWNS} times: use a multiple "
                f"of {2**PIXEL_DOWNS}"
            )

    @property
    def latent_size(self) -> int:
        """Side of the coarsest representation, in pixels or coefficients."""
        return self.image_size >> self.levels

    def size_of(self, level: int) -> int:
        """Side of what stage `level`, counted from 1, makes."""
        return self.latent_size << level
