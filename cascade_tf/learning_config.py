"""Rates, clipping, precision and compilation, for the optimizers of all stages."""

import dataclasses
from typing import TYPE_CHECKING

from cascade_tf import shared_settings as shared
from cascade_tf.settings import Settings, setting

if TYPE_CHECKING:
    import keras


@dataclasses.dataclass(frozen=True)
class LearningConfig(Settings):
    """How a stage learns; each kind of stage adds its optimizer's settings.

    Raises:
        SettingError: for values that cannot work.
    """

    learning_rate: tuple[float, ...] = shared.learning_rate((1e-4,))
    learning_rate_boundaries: tuple[int, ...] = setting(
        (),
        "Steps at which the next rate begins.",
        decides="training",
        at_least=1,
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
        "Precision of activations and products.",
        decides="training",
        choices=("float32", "bfloat16"),
        group="training",
        plain=True,
    )
    jit_compile: bool = setting(True, "Compile training steps with XLA.", plain=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        rates, boundaries = self.learning_rate, self.learning_rate_boundaries
        if len(rates) != len(boundaries) + 1:
            self.refuse(
                f"{len(rates)} and {len(boundaries)} values: use one rate more than boundaries",
                "learning_rate",
                "learning_rate_boundaries",
            )
        if list(boundaries) != sorted(set(boundaries)):
            self.refuse("use steps from 1 in ascending order", "learning_rate_boundaries")

    @property
    def dtype_policy(self) -> str:
        """Keras's name of the precision; weights are float32 in both."""
        return "mixed_bfloat16" if self.precision == "bfloat16" else "float32"

    def schedule(
        self, factor: float = 1.0
    ) -> "float | keras.optimizers.schedules.LearningRateSchedule":
        """The rate, or the schedule that gives it for each step, times `factor`."""
        from cascade_tf.optimizers import learning_rate_schedule  # it imports TensorFlow

        rates = [factor * rate for rate in self.learning_rate]
        return learning_rate_schedule(rates, self.learning_rate_boundaries)
