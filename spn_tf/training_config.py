"""How a Subscale Pixel Network learns (section 3.3, Table 4)."""

import dataclasses
import math

from cascade_tf.errors import UsageError
from cascade_tf.optimizers import check_learning_rates


@dataclasses.dataclass(frozen=True)
class SPNTrainingConfig:
    """How a stage learns; the defaults are the CelebA-HQ column of Table 4.

    Raises:
        UsageError: for values that cannot work.
    """

    seed: int = 0
    slice_positions: str = "first"  # of a slice stage: train on first slices, or on "all" (2.3)
    learning_rates: tuple[float, ...] = (5e-5,)
    learning_rate_boundaries: tuple[int, ...] = ()  # steps
    rmsprop_momentum: float = 0.9
    rmsprop_decay: float = 0.95
    rmsprop_epsilon: float = 1e-8
    clip_norm: float = 0.0  # of the gradient; 0: no clipping
    precision: str = "float32"  # of activations and products; or "bfloat16"
    jit_compile: bool = True  # forward and backward pass under XLA

    def __post_init__(self) -> None:
        if self.slice_positions not in ("first", "all"):
            raise UsageError(f"--slice_positions={self.slice_positions}: use first or all")
        check_learning_rates(self.learning_rates, self.learning_rate_boundaries)
        for flag in ("rmsprop_momentum", "rmsprop_decay"):
            if not 0 <= getattr(self, flag) < 1:
                raise UsageError(f"--{flag}={getattr(self, flag)}: use a number from 0 up to 1")
        for flag in ("rmsprop_epsilon", "clip_norm"):
            if not 0 <= getattr(self, flag) < math.inf:
                raise UsageError(f"--{flag}={getattr(self, flag)}: use a number from 0 up")
