"""Sizes of not-so-BigGAN's decoders, wavelet and pixel (sections 4.2, 4.5; Tables 3, 4)."""

import dataclasses

from cascade_tf import shared_settings as shared
from cascade_tf.settings import Settings, setting
from wavelet_tf.transform.modes import MODES

# Times that a UNet halves its input.
PIXEL_DOWNS = 4  # of the pixel variant: 19 convolutions with the output's
PACKET_DOWNS = 3  # of the wavelet decoder: 14 convolutions, and two in each head


@dataclasses.dataclass(frozen=True)
class NSBConfig(Settings):
    """Sizes that all decoders of a chain share; the defaults are the paper's.

    Attributes:
        levels: the number of decoders; each doubles the sides.

    Raises:
        SettingError: the sizes do not fit together.
    """

    image_size: int = shared.image_size(256)
    channels: int = shared.channels()
    levels: int = setting(
        2,
        "Decoders of not-so-BigGAN; each doubles the sides.",
        decides="model",
        at_least=1,
        whole=True,
        group="model",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        shared.check_channels(self)
        if self.image_size % 2**self.levels:
            self.refuse(
                f"images of {self.image_size}x{self.image_size} pixels cannot be halved so often: "
                f"use fewer levels, or sides divisible by 2^levels",
                "levels",
            )

    @property
    def latent_size(self) -> int:
        """Side of the coarsest representation, in pixels or coefficients."""
        return self.image_size >> self.levels

    def size_of(self, level: int) -> int:
        """Side of the target of stage `level`, counted from 1."""
        return self.latent_size << level


@dataclasses.dataclass(frozen=True)
class WaveletConfig(NSBConfig):
    """Sizes of wavelet decoders (Table 3).

    Attributes:
        patch_size: side of the packets that a decoder works on, the same at every image size.
        packet_width: units of the UNet, at all its scales.
        head_width: hidden units of each head.

    Raises:
        SettingError: the sizes do not fit together.

    >>> WaveletConfig(image_size=64, levels=1).latent_size
    32
    """

    wavelet: str = setting(
        "bior2.2",
        "A discrete wavelet by PyWavelets' name, such as bior2.2, bior4.4, haar or db4.",
        decides="model",
        whole=True,
    )
    wavelet_mode: str = setting(
        "reflect",
        "Extension of images beyond their borders.",
        decides="model",
        choices=MODES,
        whole=True,
    )
    patch_size: int = setting(
        32,
        "Side of the packets that wavelet decoders work on.",
        decides="model",
        at_least=1,
        whole=True,
    )
    packet_width: int = setting(
        512, "Units of a wavelet decoder's UNet.", decides="model", at_least=1
    )
    head_width: int = setting(
        256, "Hidden units of each head of a wavelet decoder.", decides="model", at_least=1
    )

    def __post_init__(self) -> None:
        from wavelet_tf.transform.filters import filters  # imports TensorFlow
        from wavelet_tf.transform.packets import number_of_splits

        super().__post_init__()
        try:
            filters(self.wavelet, self.wavelet_mode)
        except ValueError as error:
            argument, _, advice = str(error).partition(": ")
            self.refuse(advice, {"mode": "wavelet_mode"}.get(argument, argument))
        try:
            number_of_splits(self.latent_size, self.patch_size)
        except ValueError:
            self.refuse(
                f"TL after {self.levels} transforms is {self.latent_size} pixels wide: use this "
                f"width divided by a power of two",
                "patch_size",
            )
        if self.patch_size % 2**PACKET_DOWNS:
            self.refuse(
                f"the UNet halves it {PACKET_DOWNS} times: use a multiple of {2**PACKET_DOWNS}",
                "patch_size",
            )


@dataclasses.dataclass(frozen=True)
class PixelConfig(NSBConfig):
    """Sizes of the pixel variant's decoders (Table 4).

    Attributes:
        pixel_width: units of the UNet's first scale; every further scale doubles them.
        antialias: whether the bilinear resize to half the size is antialiased.

    Raises:
        SettingError: the sizes do not fit together.

    >>> PixelConfig().size_of(1)
    128
    """

    pixel_width: int = setting(
        64, "Units of a pixel decoder's UNet, first scale.", decides="model", at_least=1
    )
    antialias: bool = setting(
        False, "Antialias the bilinear resize to half the size.", decides="model", whole=True
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        coarsest = 2 * self.latent_size
        if coarsest % 2**PIXEL_DOWNS:
            self.refuse(
                f"the first stage's UNet halves {coarsest}x{coarsest} pixels {PIXEL_DOWNS} times: "
                f"its sides must be a multiple of {2**PIXEL_DOWNS}",
                "image_size",
                "levels",
            )
