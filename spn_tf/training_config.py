"""How a Subscale Pixel Network learns (section 3.3, Table 4)."""

import dataclasses
import math

from cascade_tf.learning_config import LearningConfig


@dataclasses.dataclass(frozen=True)
class SPNTrainingConfig(LearningConfig):
    """How a stage learns; the defaults are the CelebA-HQ column of Table 4.

    Raises:
        UsageError: for values that cannot work.
    """

    learning_rates: tuple[float, ...] = (5e-5,)
    seed: int = 0
    slice_positions: str = "first"  # of a slice stage: train on first slices, or on "all" (2.3)
    rmsprop_momentum: float = 0.9
    rmsprop_decay: float = 0.95
    rmsprop_epsilon: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.slice_positions not in ("first", "all"):
            self.refuse("slice_positions", "use first or all")
        self.require_fractions("rmsprop_momentum", "rmsprop_decay")
        if not 0 <= self.rmsprop_epsilon < math.inf:
            self.refuse("rmsprop_epsilon", "use a number from 0 up")
