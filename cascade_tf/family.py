"""A model family: creates the stages of an experiment from settings."""

import abc
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from cascade_tf.data.config import DataConfig
from cascade_tf.settings import AnySettings, Settings
from cascade_tf.training_config import TrainingConfig

if TYPE_CHECKING:
    from cascade_tf.stage import Stage


class Read(Protocol):
    """Reads settings: the user's, else the recorded ones, else the defaults."""

    def __call__(
        self, kind: type[AnySettings], stage: str | None = None, /, **overrides: Any
    ) -> AnySettings:
        """Settings of a stage, or of the whole experiment; `overrides` take precedence."""


class Family(abc.ABC):
    """One experiment of a model family. Only `make_stage` imports TensorFlow.

    Args:
        system: the name by which the family was chosen.
        read: reads the settings.

    Attributes:
        whole: classes of settings that determine the list of stages.
        kinds: classes of settings that any of its stages may have.
        stage_names: in order, coarsest first.

    Raises:
        SettingError: values that cannot work.
    """

    whole: ClassVar[Sequence[type[Settings]]] = ()
    kinds: ClassVar[Sequence[type[Settings]]]
    stage_names: Sequence[str]

    def __init__(self, system: str, read: Read) -> None:
        self.system, self._read = system, read

    def settings(self, stage: str) -> Sequence[type[Settings]]:
        """The settings classes of a stage; where names of fields are equal, the first counts."""
        return self.kinds

    def unrecorded(self, stage: str) -> frozenset[str]:
        """Names of a stage's settings that the experiment derives from others."""
        return frozenset()

    @abc.abstractmethod
    def make_stage(self, stage: str) -> "Stage":
        """A stage, not yet built; raises SettingError."""


SHARED: tuple[type[Settings], ...] = (DataConfig, TrainingConfig)  # of every stage
