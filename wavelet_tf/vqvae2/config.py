"""Sizes of VQ-VAE-2's autoencoder, and of the models of its codes (Razavi et al., 2019)."""

import dataclasses

from cascade_tf import shared_settings as shared
from cascade_tf.settings import Settings, setting
from wavelet_tf.training_config import RegressionTrainingConfig


@dataclasses.dataclass(frozen=True)
class VQVAE2Config(Settings):
    """Images, and sizes of the autoencoder; the defaults are for ImageNet at 256x256.

    Attributes:
        stride: pixels per bottom code along a side; a top code covers twice as many.

    Raises:
        SettingError: the sizes do not fit together.

    >>> config = VQVAE2Config(image_size=256)
    >>> config.bottom_size, config.top_size
    (64, 32)
    """

    prefix = "vq_"

    image_size: int = shared.image_size(256)
    channels: int = shared.channels()
    codes: int = setting(
        512, "Codes of each codebook of VQ-VAE-2.", decides="model", at_least=2, whole=True
    )
    code_size: int = setting(
        64, "Numbers in a code of VQ-VAE-2.", decides="model", at_least=1, whole=True
    )
    stride: int = setting(
        4,
        "Pixels per bottom code of VQ-VAE-2 along a side: a power of 2.",
        decides="model",
        at_least=2,
        whole=True,
    )
    width: int = setting(
        128, "Units of VQ-VAE-2's autoencoder.", decides="model", at_least=2, whole=True
    )
    residual_blocks: int = setting(
        2,
        "Residual blocks of each part of VQ-VAE-2's autoencoder.",
        decides="model",
        at_least=0,
        whole=True,
    )
    residual_width: int = setting(
        64,
        "Units inside each residual block of VQ-VAE-2's autoencoder.",
        decides="model",
        at_least=1,
        whole=True,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        shared.check_channels(self)
        if self.stride & (self.stride - 1):
            self.refuse("use a power of 2", "stride")
        if self.image_size % (2 * self.stride):
            self.refuse(
                f"images of {self.image_size}x{self.image_size} pixels are not divisible into top "
                f"codes of {2 * self.stride}x{2 * self.stride} pixels",
                "image_size",
                "stride",
            )

    @property
    def bottom_size(self) -> int:
        """Side of the map of bottom codes."""
        return self.image_size // self.stride

    @property
    def top_size(self) -> int:
        """Side of the map of top codes."""
        return self.bottom_size // 2


@dataclasses.dataclass(frozen=True)
class CodePriorConfig(Settings):
    """The models of VQ-VAE-2's codes.

    >>> CodePriorConfig().code_prior
    'pixelsnail'
    """

    code_prior: str = setting(
        "pixelsnail",
        "Model of VQ-VAE-2's codes: the paper's, or a Subscale Pixel Network.",
        decides="model",
        choices=("pixelsnail", "spn"),
        whole=True,
    )
    guide_layers: int = setting(
        4,
        "Residual blocks that read the top codes, for the model of bottom codes.",
        decides="model",
        at_least=0,
    )


@dataclasses.dataclass(frozen=True)
class AutoencoderTrainingConfig(RegressionTrainingConfig):
    """Training settings of VQ-VAE-2's autoencoder.

    Attributes:
        commitment: beta of their equation 2.
        codebook_decay: gamma of the codebook's moving averages (their section 2.1).
        codebook_restart: a code is replaced by an encoding of the batch when it is used less than
            this share of an average code's use; 0: never.

    Raises:
        SettingError: a value is outside of its range.

    >>> AutoencoderTrainingConfig().commitment
    0.25
    """

    seed: int = shared.seed()
    commitment: float = setting(
        0.25, "Weight of VQ-VAE-2's commitment loss.", decides="training", at_least=0
    )
    codebook_decay: float = setting(
        0.99,
        "Decay of the moving averages of VQ-VAE-2's codebooks.",
        decides="training",
        at_least=0,
        below=1,
    )
    codebook_restart: float = setting(
        0.01,
        "Share of an average code's use below which VQ-VAE-2 replaces a code; 0: never.",
        decides="training",
        at_least=0,
        below=1,
    )
