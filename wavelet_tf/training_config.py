"""How not-so-BigGAN's decoders and samplers learn (Tables 2 to 4)."""

import dataclasses
import math

from cascade_tf.learning_config import LearningConfig


@dataclasses.dataclass(frozen=True)
class DecoderTrainingConfig(LearningConfig):
    """How a decoder learns.

    Raises:
        UsageError: for values that cannot work.
    """

    adam_beta_1: float = 0.9
    adam_beta_2: float = 0.999
    adam_epsilon: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_fractions("adam_beta_1", "adam_beta_2")
        # Gradients are zero at first where a later layer's weights are.
        if not 0 < self.adam_epsilon < math.inf:
            self.refuse("adam_epsilon", "use a number above 0")


@dataclasses.dataclass(frozen=True)
class GANTrainingConfig(DecoderTrainingConfig):
    """How a generator and its discriminator learn; the defaults are those of Table 2.

    `learning_rates` are the generator's.

    Raises:
        UsageError: for values that cannot work.
    """

    flag_prefix = "gan_"
    adam_beta_1: float = 0.0
    seed: int = 0
    discriminator_rate: float = 4.0  # of the generator's
    discriminator_steps: int = 1  # for each of the generator; they share out the batch
    accumulations: int = 1  # parts of a batch whose gradients are summed, to save memory
    orthogonal_regularisation: float = 0.0  # of the generator; BigGAN has 1e-4 as an option

    def __post_init__(self) -> None:
        super().__post_init__()
        for flag in ("discriminator_steps", "accumulations"):
            if getattr(self, flag) < 1:
                self.refuse(flag, "use 1 or more")
        if not 0 < self.discriminator_rate < math.inf:
            self.refuse("discriminator_rate", "use a number above 0")
        if not 0 <= self.orthogonal_regularisation < math.inf:
            self.refuse("orthogonal_regularisation", "use a number from 0 up")
