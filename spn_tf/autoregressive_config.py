"""What all autoregressive models of this package share: distributions of intensities in slices."""

import dataclasses
from typing import Any

from cascade_tf import shared_settings as shared
from cascade_tf.settings import setting
from spn_tf.image_config import ImageConfig, size

PIXEL_UNITS = 8  # section 3.2: intensities and meta-positions are embedded to 8 units each
ERROR_UNITS = 8  # of the error of an intensity's prediction
CODE_UNITS = 32  # of a code, which has no order that 8 units could hold


def distribution(default: str) -> Any:
    """The field `intensity_distribution`, with a default for each family."""
    return setting(
        default,
        "Distribution of an intensity: over all (SPN's), or relative to a prediction from its "
        "neighbours; absolute_logistic_mixture is a mixture of logistics that is not relative.",
        decides="model",
        choices=(
            "softmax",
            "relative_softmax",
            "anchored_softmax",
            "logistic_mixture",
            "absolute_logistic_mixture",
        ),
    )


def dropout() -> Any:
    """The field `dropout`."""
    return setting(
        0.0,
        "Rate of dropout on residual branches of attention stacks.",
        decides="model",
        at_least=0,
        below=1,
    )


def convolution_dropout() -> Any:
    """The field `convolution_dropout`."""
    return setting(
        0.0,
        "Rate of dropout on the gates of a PixelCNN and on hidden units of residual blocks.",
        decides="model",
        at_least=0,
        below=1,
    )


@dataclasses.dataclass(frozen=True)
class AutoregressiveConfig(ImageConfig):
    """Images, and the distributions of their intensities.

    Attributes:
        codes: number of codes, which stand in place of intensities and have no order; 0: none.
        guide_size: side of a map of codes, the guide, that each image is conditioned on; 0: none.
        guide_codes: number of codes that a guide may hold.
        guide_layers: residual blocks of the network that reads the guide.

    Raises:
        SettingError: for values that cannot work together.

    >>> AutoregressiveConfig(intensity_distribution="relative_softmax").relative
    True
    """

    intensity_distribution: str = distribution("softmax")
    mixture_components: int = size(10, "Components of the logistic mixture.")
    codes: int = 0
    guide_size: int = 0
    guide_codes: int = 0
    guide_layers: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        for field in ("codes", "guide_size", "guide_codes", "guide_layers"):
            shared.check_count(self, field, 0)
        if self.codes and self.intensity_distribution != "softmax":
            self.refuse("codes have no order; use softmax", "intensity_distribution")
        if self.guide_size and (self.height % self.guide_size or self.width != self.height):
            self.refuse(
                "the guide's side must divide that of square images", "guide_size", "height"
            )

    @property
    def dropout(self) -> float:
        """Rate of dropout on residual branches of attention stacks."""
        return 0.0

    @property
    def convolution_dropout(self) -> float:
        """Rate of dropout on hidden units of convolutional layers."""
        return 0.0

    @property
    def scale(self) -> int:
        """Subscale factor S; an image of scale 1 is one slice."""
        return 1

    @property
    def coarse_bits(self) -> int:
        """Bits of the coarse image that depth upscaling is conditioned on; 0: none."""
        return 0

    @property
    def slice_height(self) -> int:
        """Height of a slice, in pixels."""
        return self.height // self.scale

    @property
    def slice_width(self) -> int:
        """Width of a slice, in pixels."""
        return self.width // self.scale

    @property
    def levels(self) -> int:
        """The number of intensities, 2**bits, or of codes."""
        return self.codes or 2**self.bits

    @property
    def classes(self) -> int:
        """The number of possible intensities of a subpixel: levels / 2**coarse_bits."""
        return self.levels >> self.coarse_bits

    @property
    def block(self) -> tuple[int, int] | None:
        """Rows and columns of the blocks of pixels that are drawn one after another, if any."""
        return None

    @property
    def relative(self) -> bool:
        """Whether distributions and embeddings of intensities start at predictions."""
        return self.intensity_distribution not in ("softmax", "absolute_logistic_mixture")

    @property
    def is_mixture(self) -> bool:
        """Whether the distribution is a mixture of logistics."""
        return self.intensity_distribution.endswith("logistic_mixture")

    @property
    def intensity_units(self) -> int:
        """The number of units that an intensity or a code is embedded to."""
        return CODE_UNITS if self.codes else PIXEL_UNITS

    @property
    def pixel_units(self) -> int:
        """`intensity_units`, and those of a prediction's error, for the decoder."""
        return self.intensity_units + ERROR_UNITS * self.relative

    @property
    def has_embedder(self) -> bool:
        """Whether there is a slice embedder, for preceding slices or for coarse bits."""
        return self.scale > 1 or self.coarse_bits > 0

    @property
    def has_embedding(self) -> bool:
        """Whether the decoder has a slice embedding: of an embedder, a guide or classes."""
        return self.has_embedder or self.guide_size > 0 or self.num_classes > 1

    @property
    def embedding_channels(self) -> int:
        """Units of the slice embedding and of a class's vector."""
        raise NotImplementedError
