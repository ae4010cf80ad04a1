"""Sizes of a BigGAN (Brock et al., 2019, tables 4 to 9; Table 2 of not-so-BigGAN)."""

import dataclasses

from cascade_tf import shared_settings as shared
from cascade_tf.settings import Settings, setting

ARCHITECTURES = ("biggan", "biggan_deep")
BOTTOM = 4  # side of the picture that the generator begins with

# Units at the sides 4, 8, ..., size, as multiples of the generator's width. From 64 up they are
# the paper's; 32 is as in BigGAN-PyTorch, whose nets for CIFAR have one width throughout, and 16
# is 32 without its last scale: small pictures have no scales to spare on narrow layers.
_GENERATOR_WIDTHS = {
    16: (4, 4, 4),
    32: (4, 4, 4, 4),
    64: (16, 16, 8, 4, 2),
    128: (16, 16, 8, 4, 2, 1),
    256: (16, 16, 8, 8, 4, 2, 1),
    512: (16, 16, 8, 8, 4, 2, 1, 1),
}
# Units after each block of BigGAN's discriminator; after the first convolution, and then each
# stage, of BigGAN-deep's.
_DISCRIMINATOR_WIDTHS = {
    16: (4, 4, 4),
    32: (4, 4, 4, 4),
    64: (1, 2, 4, 8, 16),
    128: (1, 2, 4, 8, 16, 16),
    256: (1, 2, 4, 8, 8, 16, 16),
    512: (1, 1, 2, 4, 8, 8, 16, 16),
}
_ATTENTION = 32  # the default side of attention, where the nets have it below their output
# Both nets stop halving small pictures at 8x8, as BigGAN-PyTorch's for CIFAR.
_SMALLEST_SIDES = {16: 8, 32: 8}


@dataclasses.dataclass(frozen=True)
class BigGANConfig(Settings):
    """Images that a BigGAN generates, and the widths of its two networks.

    The widths are of the sampler of not-so-BigGAN's best model (Table 2). With one class,
    everything that depends on the class is the same for all images.

    Attributes:
        size: side of the images: 16, 32, ..., 512.
        generator_width: "ch" in the paper: units are multiples of it.
        z_size: units of the noise; biggan gives each block a part of it.
        class_embedding: units for a class, shared by all of the generator's blocks.
        attention_size: side at which both networks have self-attention, 0 for none; None becomes
            32, or 0 below size 64.

    Raises:
        SettingError: for sizes that cannot work together.

    >>> BigGANConfig().attention_size, BigGANConfig(size=16).attention_size
    (32, 0)
    """

    prefix = "gan_"
    size: int = 64
    channels: int = shared.channels()
    num_classes: int = setting(
        1,
        "Classes of images, 0 to this less 1; 1: none are known.",
        decides="model",
        at_least=1,
        group="model",
        plain=True,
    )
    architecture: str = setting(
        "biggan_deep",
        "Architecture of the GAN.",
        decides="model",
        choices=ARCHITECTURES,
        plain=True,
    )
    # Attention has an eighth of the units, a bottleneck a quarter.
    generator_width: int = setting(
        128, "Multiplies the generator's units; ch in BigGAN's tables.", decides="model", at_least=8
    )
    discriminator_width: int = setting(
        128, "Multiplies the discriminator's units.", decides="model", at_least=8
    )
    z_size: int = setting(128, "Units of the noise.", decides="model", at_least=1)
    class_embedding: int = setting(
        128, "Units of the embedding of classes.", decides="model", at_least=1
    )
    attention_size: int | None = setting(
        None,
        "Side of self-attention in both networks, 0: none; by default 32, or 0 below 64x64.",
        decides="model",
        at_least=0,
    )

    def __post_init__(self) -> None:
        if self.attention_size is None:
            object.__setattr__(self, "attention_size", _ATTENTION if self.size > _ATTENTION else 0)
        super().__post_init__()
        shared.check_channels(self)
        if self.size not in _GENERATOR_WIDTHS:
            self.refuse(
                f"the GAN would generate {self.size}x{self.size}: use an image_size (and levels) "
                f"that leave {', '.join(map(str, _GENERATOR_WIDTHS))}",
                "size",
            )
        if self.z_size % self.z_parts:
            self.refuse(
                f"a generator of {self.size}x{self.size} splits it into {self.z_parts} equal "
                f"parts: use a multiple of {self.z_parts}",
                "z_size",
            )
        sides = [8 << n for n in range(self.size.bit_length() - 4)]
        if self.attention_size not in (0, *sides):
            self.refuse(
                f"at size {self.size}, use {', '.join(map(str, sides))}, or 0 for none",
                "attention_size",
            )

    @property
    def deep(self) -> bool:
        return self.architecture == "biggan_deep"

    @property
    def z_parts(self) -> int:
        """Parts of z: BigGAN's first layer and each block have their own, deep has the whole."""
        return 1 if self.deep else len(_GENERATOR_WIDTHS[self.size])

    @property
    def generator_widths(self) -> list[int]:
        """Units at the sides 4, 8, ..., size."""
        return [self.generator_width * m for m in _GENERATOR_WIDTHS[self.size]]

    @property
    def discriminator_widths(self) -> list[int]:
        """Units after each block (biggan), or after the first convolution and each stage (deep)."""
        return [self.discriminator_width * m for m in _DISCRIMINATOR_WIDTHS[self.size]]

    @property
    def halvings(self) -> int:
        """The number of the discriminator's blocks, or stages, that halve the sides; the first."""
        return (self.size // _SMALLEST_SIDES.get(self.size, BOTTOM)).bit_length() - 1
