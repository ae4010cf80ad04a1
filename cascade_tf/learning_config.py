"""What the optimizers of all stages are told: rates, clipping, precision, compilation."""

import dataclasses
import math
from typing import ClassVar, NoReturn

import keras

from cascade_tf.errors import UsageError
from cascade_tf.optimizers import learning_rate_schedule


@dataclasses.dataclass(frozen=True)
class LearningConfig:
    """How a stage learns; stages add what is their own.

    Raises:
        UsageError: for values that cannot work.
    """

    flag_prefix: ClassVar[str] = ""  # of the flags of a stage's own fields
    learning_rates: tuple[float, ...] = (1e-4,)
    learning_rate_boundaries: tuple[int, ...] = ()  # steps
    clip_norm: float = 0.0  # of the gradient; 0: no clipping
    precision: str = "float32"  # of activations and products; or "bfloat16"
    jit_compile: bool = True  # forward and backward pass under XLA

    def __post_init__(self) -> None:
        rates, boundaries = self.learning_rates, self.learning_rate_boundaries
        if len(rates) != len(boundaries) + 1:
            raise UsageError(
                f"--learning_rate has {len(rates)} and --learning_rate_boundaries has "
                f"{len(boundaries)} values: give one rate more than boundaries"
            )
        if not all(0 < rate < math.inf for rate in rates):
            raise UsageError(f"--learning_rate={','.join(map(str, rates))}: use numbers above 0")
        if list(boundaries) != sorted(set(boundaries)) or min(boundaries, default=1) < 1:
            raise UsageError(
                f"--learning_rate_boundaries={','.join(map(str, boundaries))}: use steps from 1 "
                f"in ascending order"
            )
        if not 0 <= self.clip_norm < math.inf:
            raise UsageError(f"--clip_norm={self.clip_norm}: use a number from 0 up")

    def refuse(self, field: str, advice: str) -> NoReturn:
        """Raises UsageError for the flag of a field, which is named for it."""
        raise UsageError(f"--{self.flag_prefix}{field}={getattr(self, field)}: {advice}")

    def require_fractions(self, *flags: str) -> None:
        """Raises UsageError unless the fields of these names are from 0 up to 1."""
        for flag in flags:
            if not 0 <= getattr(self, flag) < 1:
                self.refuse(flag, "use a number from 0 up to 1")

    @property
    def dtype_policy(self) -> str:
        """Keras's name of the precision; weights are float32 in both."""
        return "mixed_bfloat16" if self.precision == "bfloat16" else "float32"

    def learning_rate(
        self, factor: float = 1.0
    ) -> float | keras.optimizers.schedules.LearningRateSchedule:
        """The rate, or what gives it for each step, times `factor`."""
        rates = [factor * rate for rate in self.learning_rates]
        return learning_rate_schedule(rates, self.learning_rate_boundaries)
