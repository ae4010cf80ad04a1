"""Sizes of a BigGAN (Brock et al., 2019, tables 4 to 9; Table 2 of not-so-BigGAN)."""

import dataclasses

from cascade_tf.errors import UsageError

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
class BigGANConfig:
    """What a BigGAN makes, and how wide its two nets are.

    The defaults are of the sampler of not-so-BigGAN's best model. Classes may be one: everything
    that is given a class is then given the same.

    Raises:
        UsageError: for sizes that cannot work together.

    Example:
        >>> BigGANConfig().attention_size, BigGANConfig(size=16).attention_size
        (32, 0)
    """

    size: int = 64  # side of the pictures: 16, 32, ..., 512
    channels: int = 3  # 1 or 3
    classes: int = 1000
    architecture: str = "biggan_deep"  # or biggan
    generator_width: int = 128  # "ch" in the paper: units are multiples of it
    discriminator_width: int = 128
    z_size: int = 128  # of the noise; biggan gives each block a part of it
    class_embedding: int = 128  # units for a class, shared by all of the generator's blocks
    # Side at which both nets have self-attention; 0 for none. None becomes 32, or 0 below size 64.
    attention_size: int | None = None

    def __post_init__(self) -> None:
        if self.attention_size is None:
            object.__setattr__(self, "attention_size", _ATTENTION if self.size > _ATTENTION else 0)
        if self.size not in _GENERATOR_WIDTHS:
            raise UsageError(
                f"--image_size, --levels: the GAN would make {self.size}x{self.size}: "
                f"use sizes that leave it {', '.join(map(str, _GENERATOR_WIDTHS))}"
            )
        if self.channels not in (1, 3):
            raise UsageError(f"--channels={self.channels}: use 1 (grey) or 3 (colour)")
        if self.classes < 1:
            raise UsageError(f"--num_classes={self.classes}: use 1 (no classes) or more")
        if self.architecture not in ARCHITECTURES:
            raise UsageError(
                f"--gan_architecture={self.architecture}: use {' or '.join(ARCHITECTURES)}"
            )
        for field in ("generator_width", "discriminator_width"):
            # Attention has an eighth of the units, a bottleneck a quarter.
            if getattr(self, field) < 8:
                raise UsageError(f"--gan_{field}={getattr(self, field)}: use 8 or more")
        for field in ("z_size", "class_embedding"):
            if getattr(self, field) < 1:
                raise UsageError(f"--gan_{field}={getattr(self, field)}: use 1 or more")
        if self.z_size % self.z_parts:
            raise UsageError(
                f"--gan_z_size={self.z_size}: a generator of {self.size}x{self.size} shares it "
                f"out in {self.z_parts} equal parts: use a multiple of {self.z_parts}"
            )
        sides = [8 << n for n in range(self.size.bit_length() - 4)]
        if self.attention_size not in (0, *sides):
            raise UsageError(
                f"--gan_attention_size={self.attention_size}: at size {self.size}, use "
                f"{', '.join(map(str, sides))}, or 0 for none"
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
