"""Learning rates, clipping, precision and compilation, for all kinds of stages."""

import dataclasses
from typing import TYPE_CHECKING

from cascade_tf import shared_settings as shared
from cascade_tf.settings import Settings, setting

if TYPE_CHECKING:
    import keras


@dataclasses.dataclass(frozen=True)
class LearningConfig(Settings):
    """Optimization of a stage; each kind of stage adds its optimizer's settings.

    Attributes:
        learning_rate: one rate, or one more than `learning_rate_boundaries`.
        learning_rate_boundaries: ascending steps, or shares in (0, 1) of the training: of
            `TrainingConfig.steps` or `max_minutes`, whichever ends it first. When a training
            resumes with another length, its rates follow the new one.
        learning_rate_decay: "constant", "linear" or "cosine"; see `BudgetSchedule`.
        warmup: steps, or a share of the training below 1.

    Raises:
        SettingError: values that cannot work.

    >>> LearningConfig(learning_rate=(1e-3, 1e-4), learning_rate_boundaries=(500,)).dtype_policy
    'float32'
    """

    learning_rate: tuple[float, ...] = shared.learning_rate((1e-4,))
    learning_rate_boundaries: tuple[int | float, ...] = setting(
        (),
        "Where the next rate applies: at steps, or, below 1, at shares of the training (of `steps` "
        "or `max_minutes`, whichever ends it first).",
        decides="training",
        above=0,
        plain=True,
    )
    learning_rate_decay: str = setting(
        "constant",
        "Factor of the learning rate that falls from 1 to 0 over the training (of `steps` or "
        "`max_minutes`, whichever ends it first).",
        decides="training",
        choices=("constant", "linear", "cosine"),
        plain=True,
    )
    warmup: float = setting(
        0.0,
        "Steps, or below 1 the share of the training, over which the learning rate rises from 0.",
        decides="training",
        at_least=0,
        plain=True,
    )
    clip_norm: float = setting(
        0.0,
        "Largest norm of the gradient; 0: no clipping.",
        decides="training",
        at_least=0,
        plain=True,
    )
    precision: str = setting(
        "float32",
        "Precision of activations and matrix products.",
        decides="training",
        choices=("float32", "bfloat16"),
        plain=True,
    )
    jit_compile: bool | None = setting(
        None,
        "Compile training steps with XLA; by default, CPUs do whatever is faster in the first "
        "steps, and GPUs and TPUs use XLA.",
        plain=True,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        rates, boundaries = self.learning_rate, self.learning_rate_boundaries
        if len(rates) != len(boundaries) + 1:
            self.refuse(
                f"{len(rates)} and {len(boundaries)} values: use one rate more than boundaries "
                "(none for a single rate)",
                "learning_rate",
                "learning_rate_boundaries",
            )
        shares = all(boundary < 1 for boundary in boundaries)
        steps = all(isinstance(boundary, int) for boundary in boundaries)
        if not (shares or steps) or list(boundaries) != sorted(set(boundaries)):
            self.refuse(
                "use steps, or shares of the training below 1, in ascending order",
                "learning_rate_boundaries",
            )
        if self.warmup > 1 and not self.warmup.is_integer():
            self.refuse("use steps, or a share of the training below 1", "warmup")

    @property
    def dtype_policy(self) -> str:
        """Keras's dtype policy; weights are float32 under either."""
        return "mixed_bfloat16" if self.precision == "bfloat16" else "float32"

    def schedule(
        self, factor: float = 1.0, updates: int = 1
    ) -> "float | keras.optimizers.schedules.LearningRateSchedule":
        """The learning rate, constant or a schedule, times `factor`; it creates a variable.

        `updates` are those of the optimizer in a training step.
        """
        from cascade_tf.optimizers import learning_rate_schedule  # it imports TensorFlow

        rates = [factor * rate for rate in self.learning_rate]
        return learning_rate_schedule(
            rates, self.learning_rate_boundaries, self.learning_rate_decay, self.warmup, updates
        )
