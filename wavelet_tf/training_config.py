"""How not-so-BigGAN's decoders learn (Tables 3, 4)."""

import dataclasses
import math

from cascade_tf.errors import UsageError
from cascade_tf.optimizers import check_learning_rates


@dataclasses.dataclass(frozen=True)
class DecoderTrainingConfig:
    """How a decoder learns.

    Raises:
        UsageError: for values that cannot work.
    """

    learning_rates: tuple[float, ...] = (1e-4,)
    learning_rate_boundaries: tuple[int, ...] = ()  # steps
    adam_beta_1: float = 0.9
    adam_beta_2: float = 0.999
    adam_epsilon: float = 1e-8
    clip_norm: float = 0.0  # of the gradient; 0: no clipping
    precision: str = "float32"  # of activations and products; or "bfloat16"
    jit_compile: bool = True  # forward and backward pass under XLA

    def __post_init__(self) -> None:
        check_learning_rates(self.learning_rates, self.learning_rate_boundaries)
        for flag in ("adam_beta_1", "adam_beta_2"):
            if not 0 <= getattr(self, flag) < 1:
                raise UsageError(f"--{flag}={getattr(self, flag)}: use a number from 0 up to 1")
        # Gradients are zero at first where a later layer's weights are.
        if not 0 < self.adam_epsilon < math.inf:
            raise UsageError(f"--adam_epsilon={self.adam_epsilon}: use a number above 0")
        if not 0 <= self.clip_norm < math.inf:
            raise UsageError(f"--clip_norm={self.clip_norm}: use a number from 0 up")
