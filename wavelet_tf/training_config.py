"""How not-so-BigGAN's decoders learn (Tables 3, 4)."""

import dataclasses
import math

from cascade_tf.errors import UsageError
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
            raise UsageError(f"--adam_epsilon={self.adam_epsilon}: use a number above 0")
