"""Sizes of a GAN: BigGAN (Brock et al., 2019, tables 4 to 9; Table 2 of not-so-BigGAN), R3GAN."""

import dataclasses

from cascade_tf import shared_settings as shared
from cascade_tf.settings import Settings, setting

ARCHITECTURES = ("biggan", "biggan_deep", "r3gan")
BOTTOM = 4  # side of the generator's first feature map

# Units at the sides 4, 8, ..., size, as multiples of the generator's width. Sizes from 64 up are
# the paper's. 32 is as in BigGAN-PyTorch, whose networks for CIFAR have one width throughout. 16
# is 32 without its last scale: small images have too few scales for narrow layers.
_GENERATOR_WIDTHS = {
    16: (4, 4, 4),
    32: (4, 4, 4, 4),
    64: (16, 16, 8, 4, 2),
    128: (16, 16, 8, 4, 2, 1),
    256: (16, 16, 8, 8, 4, 2, 1),
    512: (16, 16, 8, 8, 4, 2, 1, 1),
}
# Units after each block of BigGAN's discriminator. In BigGAN-deep they are those after the first
# convolution and after each stage.
_DISCRIMINATOR_WIDTHS = {
    16: (4, 4, 4),
    32: (4, 4, 4, 4),
    64: (1, 2, 4, 8, 16),
    128: (1, 2, 4, 8, 16, 16),
    256: (1, 2, 4, 8, 8, 16, 16),
    512: (1, 1, 2, 4, 8, 8, 16, 16),
}
# Units of R3GAN at the sides 4, 8, ... in both networks, as in its authors' program for 32x32,
# 64x64 and 256x256. The others follow from these.
_R3GAN_WIDTHS = {
    16: (8, 8, 8),
    32: (8, 8, 8, 8),
    64: (8, 8, 8, 8, 4),
    128: (8, 8, 8, 8, 4, 2),
    256: (8, 8, 8, 8, 4, 2, 1),
    512: (8, 8, 8, 8, 4, 2, 1, 1),
}
_R3GAN_UNITS = 8  # units of a residual block are a multiple of it
_R3GAN_NOISE = 64
_NOISE = 128  # default units of the noise, rounded down to a multiple of the generator's parts
_ATTENTION = 32  # default side of attention, for larger images than this
# Discriminators of small images stop halving at 8x8, as BigGAN-PyTorch's for CIFAR.
_SMALLEST_SIDES = {16: 8, 32: 8}


@dataclasses.dataclass(frozen=True)
class BigGANConfig(Settings):
    """Sizes of a GAN's images and of its two networks: BigGAN's, BigGAN-deep's or R3GAN's.

    Default widths are those of the sampler in not-so-BigGAN's best model (Table 2). With one
    class the model is unconditional.

    Attributes:
        size: side of the images: 16, 32, ..., 512.
        num_classes: None becomes 1; `cascade-tf train` takes the number of the data set.
        conditioning: how the discriminator uses several classes: by a projection (Miyato and
            Koyama, 2018), or as a classifier beside the logit, as in AC-GAN (Odena et al., 2017).
        generator_width: "ch" in the paper: units are multiples of it.
        z_size: units of the noise; in BigGAN each block has a part of it.
        class_embedding: units of a class's embedding, which all of the generator's blocks share.
        attention_size: side of the feature maps at which both networks have self-attention, 0 for
            none. None becomes 32, or 0 below size 64. R3GAN has none.

    Raises:
        SettingError: the sizes do not fit together.

    >>> BigGANConfig().attention_size, BigGANConfig(size=16).attention_size
    (32, 0)
    """

    prefix = "gan_"
    size: int = 64
    channels: int = shared.channels()
    num_classes: int | None = shared.num_classes(None)
    architecture: str = setting(
        "biggan_deep",
        "Architecture of the GAN.",
        decides="model",
        choices=ARCHITECTURES,
        plain=True,
    )
    # At least 8, as attention has an eighth of the units and a bottleneck a quarter.
    generator_width: int = setting(
        128, "Multiplies the generator's units; ch in BigGAN's tables.", decides="model", at_least=8
    )
    discriminator_width: int = setting(
        128, "Multiplies the discriminator's units.", decides="model", at_least=8
    )
    z_size: int = setting(
        0,
        "Units of the noise; 0: 128, or less where BigGAN splits it into equal parts, R3GAN 64.",
        decides="model",
        at_least=0,
    )
    class_embedding: int = setting(
        128, "Units of the embedding of classes.", decides="model", at_least=1
    )
    attention_size: int | None = setting(
        None,
        "Side of self-attention in both networks, 0: none; by default 32, or 0 below 64x64.",
        decides="model",
        at_least=0,
    )
    conditioning: str = setting(
        "projection",
        "How a GAN's discriminator uses classes: by a projection, or by a classifier in its place.",
        decides="model",
        choices=("projection", "auxiliary_classifier"),
    )

    def __post_init__(self) -> None:
        shared.check_count(self, "size", 1)
        if self.attention_size is None:
            attends = self.size > _ATTENTION and not self.is_r3gan
            object.__setattr__(self, "attention_size", _ATTENTION if attends else 0)
        if self.num_classes is None:
            object.__setattr__(self, "num_classes", 1)
        super().__post_init__()
        shared.check_channels(self)
        if self.size not in _GENERATOR_WIDTHS:
            self.refuse(
                f"the GAN would generate {self.size}x{self.size}: use an image_size (and levels) "
                f"that leave {', '.join(map(str, _GENERATOR_WIDTHS))}",
                "size",
            )
        if not self.z_size:
            units = _R3GAN_NOISE if self.is_r3gan else _NOISE
            object.__setattr__(self, "z_size", units - units % self.z_parts)
        if self.z_size % self.z_parts:
            self.refuse(
                f"a generator of {self.size}x{self.size} splits it into {self.z_parts} equal "
                f"parts: use a multiple of {self.z_parts}",
                "z_size",
            )
        if self.is_r3gan:
            self._check_r3gan()
        sides = [8 << n for n in range(self.size.bit_length() - 4)]
        if self.attention_size not in (0, *sides):
            self.refuse(
                f"at size {self.size}, use {', '.join(map(str, sides))}, or 0 for none",
                "attention_size",
            )

    def _check_r3gan(self) -> None:
        if self.attention_size:
            self.refuse("R3GAN has no attention: use 0", "attention_size")
        fits = _R3GAN_UNITS // min(_R3GAN_UNITS, *_R3GAN_WIDTHS[self.size])
        for name in ("generator_width", "discriminator_width"):
            if getattr(self, name) % fits:
                self.refuse(f"R3GAN of {self.size}x{self.size} needs a multiple of {fits}", name)

    @property
    def classes(self) -> int:
        """`num_classes`, which is no longer None."""
        assert self.num_classes is not None
        return self.num_classes

    @property
    def has_classifier(self) -> bool:
        """Whether the discriminator classifies images, too."""
        return self.conditioning == "auxiliary_classifier" and self.classes > 1

    @property
    def deep(self) -> bool:
        return self.architecture == "biggan_deep"

    @property
    def is_r3gan(self) -> bool:
        return self.architecture == "r3gan"

    @property
    def z_parts(self) -> int:
        """Number of parts of z: one for BigGAN's first layer and for each block; else 1."""
        return len(_GENERATOR_WIDTHS[self.size]) if self.architecture == "biggan" else 1

    @property
    def generator_widths(self) -> list[int]:
        """Units at the sides 4, 8, ..., size."""
        widths = _R3GAN_WIDTHS if self.is_r3gan else _GENERATOR_WIDTHS
        return [self.generator_width * m for m in widths[self.size]]

    @property
    def discriminator_widths(self) -> list[int]:
        """Units after each block (biggan), or after the first convolution and each stage."""
        multiples = _DISCRIMINATOR_WIDTHS[self.size]
        if self.is_r3gan:
            multiples = _R3GAN_WIDTHS[self.size][::-1]
        return [self.discriminator_width * m for m in multiples]

    @property
    def halvings(self) -> int:
        """Number of the discriminator's first blocks (or stages, if deep) that halve the sides."""
        return (self.size // _SMALLEST_SIDES.get(self.size, BOTTOM)).bit_length() - 1
