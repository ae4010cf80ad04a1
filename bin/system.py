"""What the commands ask of a model family; `experiment.py` picks the one of `--system`."""

import abc
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import numpy as np
import rich.table
import tensorflow as tf

from cascade_tf.data import Source
from cascade_tf.saved_model import Endpoint
from cascade_tf.stage import Stage
from sample_evaluation import Wanted

AnyStage = TypeVar("AnyStage", bound=Stage)


class GivenPictures(abc.ABC):
    """The pictures of --from_images, each once for every draw.

    Attributes:
        count: of images to be made.
    """

    count: int

    @abc.abstractmethod
    def of(self, numbers: np.ndarray) -> dict[str, Any]:
        """What `sample_cascade` is given for the images of these numbers."""

    def columns(self, numbers: np.ndarray) -> dict[str, np.ndarray]:
        """Pictures to show before those of the stages, uint8 [len(numbers), h, w, C] by name."""
        return {}


class System(abc.ABC, Generic[AnyStage]):
    """A model family, as the flags describe it.

    Attributes:
        stage_names: in order, coarsest first.
        unused: flags of the commands that mean nothing to it.
        samples: whether it makes images of nothing.
        compares_samples: whether evaluation compares samples with real images.
        truncates: whether samples are drawn with a truncation of noise, not a temperature.
        sampling_unit: what the parts of a sample are, in the plural.
    """

    stage_names: list[str]
    unused: Sequence[str] = ()
    samples = True
    truncates = False
    compares_samples = False
    sampling_unit = "slices"

    @abc.abstractmethod
    def make_stage(self, name: str, values: dict[str, Any]) -> AnyStage:
        """A stage, not yet built, by the values of its flags; raises UsageError."""

    @abc.abstractmethod
    def evaluate(
        self,
        exp: Any,
        strategy: tf.distribute.Strategy,
        source: Source,
        total: int,
        codecs: bool,
        wanted: Wanted,
    ) -> tuple[dict, list[rich.table.Table]]:
        """Figures of the first `total` images of a source, for JSON and for people."""

    @abc.abstractmethod
    def given_pictures(
        self, stages: Sequence[AnyStage], folder: str, draws: int, bits: int | None
    ) -> GivenPictures:
        """Reads the pictures of a folder; raises UserError, or UsageError if none can be used."""

    @abc.abstractmethod
    def endpoints(self, stages: Sequence[AnyStage]) -> dict[str, Endpoint]:
        """Functions of the SavedModel."""
