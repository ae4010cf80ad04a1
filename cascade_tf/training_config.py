"""What the shared loop needs to know of a training."""

import dataclasses
import math

from cascade_tf.errors import UsageError


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """Length, intervals and averages of one stage's training.

    Raises:
        UsageError: for values that cannot work.
    """

    batch_size: int = 32  # global: all replicas together
    steps: int = 1000
    seed: int = 0
    polyak_decay: float = 0.9999
    polyak_start: int = 0  # steps before the average departs from the weights
    max_minutes: float = 0.0  # training stops after so long, over all resumes; 0: never
    checkpoint_every: int = 1000  # steps
    keep_checkpoints: int = 3
    summary_every: int = 50  # steps
    evaluate_every: int = 1000  # steps; 0: never
    evaluate_images: int = 256
    sample_every: int = 0  # steps; 0: never

    def __post_init__(self) -> None:
        for flag in ("batch_size", "steps", "checkpoint_every", "summary_every"):
            if getattr(self, flag) < 1:
                raise UsageError(f"--{flag}={getattr(self, flag)}: use 1 or more")
        for flag in ("max_minutes", "evaluate_every", "sample_every"):
            if not 0 <= getattr(self, flag) < math.inf:
                raise UsageError(f"--{flag}={getattr(self, flag)}: use 0 or more")
        if not 0 <= self.polyak_decay < 1:
            raise UsageError(f"--polyak_decay={self.polyak_decay}: use a number from 0 up to 1")
