"""The images that a likelihood model knows."""

import dataclasses
from typing import Any, ClassVar

from cascade_tf import shared_settings as shared
from cascade_tf.settings import Settings, setting


def size(default: int, help: str, at_least: int = 1) -> Any:
    """A field for a size of a network, such as a width or a number of layers."""
    return setting(default, help, decides="model", at_least=at_least)


@dataclasses.dataclass(frozen=True)
class ImageConfig(Settings):
    """Images that a model knows.

    Attributes:
        system: name of the model family, as of the setting `system`.
        height, width: of the images, in pixels.
        num_classes: 1 makes the model unconditional.

    Raises:
        SettingError: for values that cannot work together.

    >>> ImageConfig(height=16, width=16, bits=5).levels
    32
    """

    system: ClassVar[str]

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

    def __post_init__(self) -> None:
        super().__post_init__()
        shared.check_channels(self)
        for field in ("height", "width"):
            shared.check_count(self, field, 1)

    @property
    def levels(self) -> int:
        """The number of intensities, 2**bits."""
        return 2**self.bits

    @property
    def dimensions(self) -> int:
        """H * W * C of the images that the network models."""
        return self.height * self.width * self.channels
