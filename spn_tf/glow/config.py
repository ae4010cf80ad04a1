"""Sizes of a Glow, named as in section 3 and Figure 2."""

import dataclasses

from cascade_tf.settings import setting
from spn_tf.image_config import ImageConfig

COUPLINGS = ("affine", "additive")


@dataclasses.dataclass(frozen=True)
class GlowConfig(ImageConfig):
    """Sizes of the images, and depth and width of the flow.

    The defaults are those of CIFAR-10 in Table 4, with affine coupling.

    Attributes:
        height, width: of the images, in pixels.
        num_classes: 1 makes the model unconditional. A class has its own mean and scale of the
            last level's latents.
        glow_levels: L. Each level halves the sides, and all but the last factor out half of the
            latents.
        glow_depth: K.

    Raises:
        SettingError: for sizes that cannot work together.

    >>> GlowConfig(height=32, width=32).glow_levels
    3
    >>> GlowConfig(height=20, width=32)
    Traceback (most recent call last):
    cascade_tf.errors.SettingError: glow_levels=3: images of 20x32 pixels cannot be halved as \
often; use fewer levels, or sides divisible by 8
    """

    system = "glow"

    glow_levels: int = setting(3, "Levels of the multi-scale flow, L.", decides="model", at_least=1)
    glow_depth: int = setting(32, "Steps of flow of each level, K.", decides="model", at_least=1)
    glow_hidden_channels: int = setting(
        512, "Units of the hidden layers of each coupling.", decides="model", at_least=1
    )
    glow_coupling: str = setting(
        "affine", "Coupling layers of the flow.", decides="model", choices=COUPLINGS
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        divisor = 2**self.glow_levels
        if self.height % divisor or self.width % divisor:
            self.refuse(
                f"images of {self.height}x{self.width} pixels cannot be halved as often; use "
                f"fewer levels, or sides divisible by {divisor}",
                "glow_levels",
            )

    def level_shape(self, level: int) -> tuple[int, int, int]:
        """Height, width and channels of the features at a level, counted from 0.

        >>> GlowConfig(height=32, width=32).level_shape(0)
        (16, 16, 12)
        >>> GlowConfig(height=32, width=32).level_shape(1)  # half of the channels are factored out
        (8, 8, 24)
        """
        side = 2 ** (level + 1)
        return self.height // side, self.width // side, self.channels * 2 * side
