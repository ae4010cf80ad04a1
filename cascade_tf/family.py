"""A model family: the stages of an experiment, and how settings make them."""

import abc
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from cascade_tf.data.config import DataConfig
from cascade_tf.settings import AnySettings, Settings
from cascade_tf.training_config import TrainingConfig

if TYPE_CHECKING:
    from cascade_tf.stage import Stage


class Read(Protocol):
    """Reads settings as a user gave them, else as recorded, else the defaults."""

    def __call__(
        self, kind: type[AnySettings], stage: str | None = None, /, **overrides: Any
    ) -> AnySettings:
        """Settings of a stage, or of the whole experiment; `overrides` by field go first."""


class Family(abc.ABC):
    """One experiment of a model family. Making it needs no TensorFlow; making its stages does.

    Args:
        system: the name that the family was chosen by.
        read: gives the settings.

    Attributes:
        whole: classes of settings that decide which stages there are.
        kinds: classes of settings that any of its stages may have.
        stage_names: in order, coarsest first.

    Raises:
        SettingError: for settings that cannot work.
    """

    whole: ClassVar[Sequence[type[Settings]]] = ()
    kinds: ClassVar[Sequence[type[Settings]]]
    stage_names: Sequence[str]

    def __init__(self, system: str, read: Read) -> None:
        self.system, self._read = system, read

    def settings(self, stage: str) -> Sequence[type[Settings]]:
        """The classes that a stage is made from; of fields with one name, the first counts."""
        return self.kinds

    def unrecorded(self, stage: str) -> frozenset[str]:
        """Names of settings in those classes that the experiment derives from others."""
        return frozenset()

    @abc.abstractmethod
    def make_stage(self, stage: str) -> "Stage":
        """A stage, not yet built; raises SettingError."""


SHARED: tuple[type[Settings], ...] = (DataConfig, TrainingConfig)  # of every stage
