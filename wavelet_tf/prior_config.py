"""The prior in front of not-so-BigGAN's decoders (section 4.3)."""

import dataclasses
import math

from cascade_tf.settings import Settings, setting

PRIORS = ("none", "biggan", "biggan_deep", "r3gan", "spn")


@dataclasses.dataclass(frozen=True)
class PriorConfig(Settings):
    """The model that samples latents; with "none", the decoders only upsample.

    >>> PriorConfig("biggan").is_gan
    True
    """

    prior: str = setting(
        "none",
        "Model that samples the latents of not-so-BigGAN.",
        decides="model",
        choices=PRIORS,
        whole=True,
        group="model",
    )

    @property
    def is_gan(self) -> bool:
        """Whether the prior is a GAN."""
        return self.prior in ("biggan", "biggan_deep", "r3gan")


@dataclasses.dataclass(frozen=True)
class LatentConfig(Settings):
    """The range of latents that a prior sees as [-1, 1].

    Raises:
        SettingError: the range is not a lower and a higher number.

    >>> LatentConfig((-3.0, 7.0)).range
    (-3.0, 7.0)
    """

    latent_range: tuple[float, ...] = setting(
        (),
        "Lowest and highest latent, as -3,7; by default those of the training images.",
        decides="model",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        limits = self.latent_range
        if limits and not (len(limits) == 2 and -math.inf < limits[0] < limits[1] < math.inf):
            self.refuse("give the lowest and the highest, as -3,7", "latent_range")

    @property
    def range(self) -> tuple[float, float] | None:
        """The lowest and the highest latent; None: those of the training images."""
        return (self.latent_range[0], self.latent_range[1]) if self.latent_range else None
