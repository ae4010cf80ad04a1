"""Training settings of not-so-BigGAN's decoders and samplers (Tables 2 to 4)."""

import dataclasses

from cascade_tf import shared_settings as shared
from cascade_tf.learning_config import LearningConfig
from cascade_tf.settings import setting

AUGMENTATIONS = ("colour", "translation", "cutout", "flip")
LOSSES = ("hinge", "relativistic")
DECODER_LOSSES = ("mse", "perceptual", "adversarial")
_OF_TERM = {  # settings of a term of a decoder's loss
    "perceptual_weight": "perceptual",
    "adversarial_weight": "adversarial",
    "adversarial_width": "adversarial",
}


@dataclasses.dataclass(frozen=True)
class RegressionTrainingConfig(LearningConfig):
    """Training settings of a regression of images.

    Raises:
        SettingError: a value is outside of its range.

    >>> RegressionTrainingConfig().learning_rate
    (0.0001,)
    """

    adam_beta_1: float = setting(
        0.9, "Decay of Adam's mean of gradients.", decides="training", at_least=0, below=1
    )
    adam_beta_2: float = setting(
        0.999, "Decay of Adam's mean of squares.", decides="training", at_least=0, below=1
    )
    # Above 0: layers below weights that start at zero have gradients of zero at first.
    adam_epsilon: float = setting(1e-8, "Epsilon of Adam.", decides="training", above=0)


@dataclasses.dataclass(frozen=True)
class DecoderTrainingConfig(RegressionTrainingConfig):
    """Training settings of a decoder.

    Attributes:
        decoder_loss: terms of the loss, which are added. The paper has the mean squared error
            alone, and names the others in section 6.

    Raises:
        SettingError: a value is outside of its range.

    >>> DecoderTrainingConfig(decoder_loss=("mse", "adversarial")).adversarial_width
    64
    """

    decoder_loss: tuple[str, ...] = setting(
        ("mse",),
        "Terms of a decoder's loss, with commas: the squared error of details (the paper's), the "
        "distance of images in Inception's features, the loss against a discriminator of patches.",
        decides="training",
        choices=DECODER_LOSSES,
    )
    perceptual_weight: float = setting(
        1.0, "Weight of a decoder's perceptual loss.", decides="training", above=0
    )
    adversarial_weight: float = setting(
        0.01, "Weight of a decoder's adversarial loss.", decides="training", above=0
    )
    adversarial_width: int = setting(
        64, "Units of the discriminator of patches.", decides="training", at_least=1
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.decoder_loss or len({*self.decoder_loss}) < len(self.decoder_loss):
            self.refuse(f"use some of {', '.join(DECODER_LOSSES)}, each once", "decoder_loss")
        for field, term in _OF_TERM.items():
            default = type(self).__dataclass_fields__[field].default
            if term not in self.decoder_loss and getattr(self, field) != default:
                self.refuse(f"it means nothing without `decoder_loss`={term}", field)


@dataclasses.dataclass(frozen=True)
class GANTrainingConfig(LearningConfig):
    """Training settings of a generator and its discriminator; defaults are those of Table 2.

    Attributes:
        learning_rate: the generator's.
        discriminator_steps: steps for each step of the generator; they split the batch.

    Raises:
        SettingError: a value is outside of its range.

    >>> GANTrainingConfig(accumulations=4).discriminator_rate
    4.0
    """

    prefix = "gan_"
    adam_beta_1: float = setting(
        0.0, "Decay of Adam's mean of gradients, of a GAN.", decides="training", at_least=0, below=1
    )
    adam_beta_2: float = setting(
        0.999, "Decay of Adam's mean of squares, of a GAN.", decides="training", at_least=0, below=1
    )
    adam_epsilon: float = setting(1e-8, "Epsilon of Adam, of a GAN.", decides="training", above=0)
    seed: int = shared.seed()
    discriminator_rate: float = setting(
        4.0,
        "Ratio of the discriminator's learning rate to the generator's.",
        decides="training",
        above=0,
    )
    discriminator_steps: int = setting(
        1,
        "Discriminator steps for each of the generator; they split the batch.",
        decides="training",
        at_least=1,
    )
    accumulations: int = setting(
        1,
        "Parts of a batch whose gradients are summed, to save memory.",
        decides="training",
        at_least=1,
    )
    orthogonal_regularisation: float = setting(
        0.0,
        "Weight of the generator's orthogonal penalty; BigGAN has 1e-4 as an option.",
        decides="training",
        at_least=0,
    )
    loss: str = setting(
        "hinge",
        "Loss of a GAN: BigGAN's, or that of pairs of a real and a generated image.",
        decides="training",
        choices=LOSSES,
    )
    augmentation: tuple[str, ...] = setting(
        (),
        "Random changes of all that the discriminator sees, with commas; DiffAugment has three.",
        decides="training",
        choices=AUGMENTATIONS,
    )
    r1: float = setting(
        0.0,
        "Gamma of the penalty on gradients at real images; its half is the weight.",
        decides="training",
        at_least=0,
    )
    r2: float = setting(
        0.0,
        "Gamma of the penalty on gradients at generated images.",
        decides="training",
        at_least=0,
    )
    penalty_every: int = setting(
        1,
        "Discriminator steps between penalties on gradients, which are multiplied by it.",
        decides="training",
        at_least=1,
    )
    classification: float = setting(
        1.0,
        "Weight of the auxiliary classifier's cross-entropy in the losses of both players.",
        decides="training",
        at_least=0,
    )
    lecam: float = setting(
        0.0,
        "Weight of LeCam regularisation.",
        decides="training",
        at_least=0,
    )
    consistency: float = setting(
        0.0,
        "Weight of consistency between real images and changed ones.",
        decides="training",
        at_least=0,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if len({*self.augmentation}) < len(self.augmentation):
            self.refuse("name each change once", "augmentation")
        if self.penalty_every > 1 and not (self.r1 or self.r2):
            self.refuse("it means nothing without R1 or R2", "penalty_every")
