"""The commands' interface to a model family."""

import abc
from collections.abc import Sequence
from typing import Generic, TypeVar

import numpy as np
import tensorflow as tf

from cascade_cli.evaluation.report import Report
from cascade_cli.options import (
    CompressOptions,
    DecompressOptions,
    EvaluateOptions,
    ExportOptions,
    SampleOptions,
)
from cascade_tf.cascade import sample_cascade
from cascade_tf.class_names import listed
from cascade_tf.class_record import load_classes
from cascade_tf.data import Source
from cascade_tf.errors import UsageError
from cascade_tf.experiment import Experiment
from cascade_tf.sample_request import OnProgress, SampleRequest
from cascade_tf.saved_model import Endpoint
from cascade_tf.stage import Stage

AnyStage = TypeVar("AnyStage", bound=Stage)
_NO_ARCHIVES = "archives need an exact likelihood, which this model does not have"


class Drawing:
    """The samples that a command draws, numbered from 0 on.

    Args:
        stages: of the cascade, coarsest first.
        count: number of samples.
        request: seed, and truncation or temperature, of all samples.
        temperatures: of each stage; None: the request's.
        in_a_row: samples in a row of the grid; None: one of each of `classes`. If that is 1, as
            many as make it about square.
        classes: of the samples in turn; empty: drawn at random, if the model has classes.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        count: int,
        request: SampleRequest,
        temperatures: Sequence[float] | None = None,
        in_a_row: int | None = None,
        classes: Sequence[int] = (),
    ):
        self.stages, self.count = stages, count
        in_a_row = in_a_row or len(classes)
        self.in_a_row = in_a_row if in_a_row > 1 else None
        self._request, self._classes = request, np.array(classes, np.int32)
        self._temperatures = None if temperatures is None else [*map(tf.constant, temperatures)]

    def draw(self, numbers: np.ndarray, on_progress: OnProgress) -> dict[str, np.ndarray]:
        """Draws samples: the columns of stages.png by name, the samples themselves last.

        Args:
            numbers: of the samples, int [B].
            on_progress: called after each part of the work.

        Returns:
            uint8 [B, h, w, C] by name.
        """
        request = self._request.replace(indices=numbers, on_progress=on_progress)
        if len(self._classes):
            request = request.replace(labels=self._classes[numbers % len(self._classes)])
        targets = self._targets(request, numbers)
        images = self._conditions(numbers)
        for stage, target in zip(self.stages, targets, strict=True):
            images[stage.name] = stage.to_images(target).numpy()
        return images

    def _targets(self, request: SampleRequest, numbers: np.ndarray) -> list[tf.Tensor]:
        """Each stage's target of these samples."""
        return sample_cascade(self.stages, request, self._temperatures)

    def _conditions(self, numbers: np.ndarray) -> dict[str, np.ndarray]:
        """Columns before those of the stages."""
        return {}


class System(abc.ABC, Generic[AnyStage]):
    """The commands' side of a model family.

    Args:
        experiment: one of the family.

    Attributes:
        unused: options of the commands that have no effect on it.
        samples: whether it samples without images of the user.
        has_likelihood: whether images have a likelihood, `bits_per_dim`.
        truncates: whether samples have a truncation of the noise, rather than a temperature.
        compares_samples: whether evaluation compares samples with real images.
        samples_of_first_stage_are_images: whether they look like small images, so that training
            can compare them.
        sampling_unit: name of the parts that sampling counts, in the plural.
    """

    unused: Sequence[str] = ()
    samples = True
    has_likelihood = False
    truncates = False
    compares_samples = False
    samples_of_first_stage_are_images = True
    sampling_unit = "slices"

    def __init__(self, experiment: Experiment):
        self.experiment = experiment

    @property
    def limits(self) -> dict[str, list[int]]:
        """Lowest and highest value of further arguments of its endpoints, by name."""
        return {}

    def class_names(self, stage: str) -> list[str]:
        """Names of the classes that a stage was trained on; empty if they are not recorded."""
        return list(load_classes(self.experiment.directory(stage)))

    def classes(self, stages: Sequence[Stage], options: SampleOptions) -> tuple[int, ...]:
        """Numbers of the classes that the user named; a name counts before an equal number.

        Raises:
            UsageError: no stage knows classes.
            SettingError: a class that the first one of them does not know.
        """
        if not options.classes:
            return ()
        of_classes = [stage for stage in stages if "labels" in stage.accepts]
        if not of_classes:
            raise UsageError("`classes` needs a model of classes, and this one is unconditional")
        known, names = of_classes[0].num_classes, self.class_names(of_classes[0].name)
        numbers = {str(number): number for number in range(known)}
        numbers |= {name: number for number, name in enumerate(names[:known])}
        for text in options.classes:
            if text not in numbers:
                of = f" ({listed(names)})" if names else f" (0 to {known - 1})"
                options.refuse(f"there is no class {text}: the model knows {known}{of}", "classes")
        return tuple(numbers[text] for text in options.classes)

    @abc.abstractmethod
    def evaluate(
        self,
        strategy: tf.distribute.Strategy,
        source: Source,
        total: int,
        options: EvaluateOptions,
        report: Report,
    ) -> None:
        """Evaluates the first `total` images of a source.

        Args:
            strategy: spreads batches over devices.
            source, total: the images, and the number of them.
            options: of the command.
            report: begins after the options are checked, and gets each part when it is computed.

        Raises:
            UserError: options or images that cannot work.
        """

    def held_out(self, strategy: tf.distribute.Strategy, source: Source, total: int) -> str | None:
        """Figures of the first `total` images in words, for the end of a training.

        None if the evaluation takes samples, and so as long as one likes.
        """
        return None

    @abc.abstractmethod
    def drawing(self, stages: Sequence[AnyStage], options: SampleOptions, seed: int) -> Drawing:
        """The samples that the options ask for.

        Raises:
            UserError: options or images that cannot work.
        """

    @abc.abstractmethod
    def endpoints(
        self, stages: Sequence[AnyStage], options: ExportOptions, batch: int | None = None
    ) -> dict[str, Endpoint]:
        """Functions of an exported model, of a fixed number of images or of any."""

    def compress(self, options: CompressOptions) -> None:
        """Writes archives of pictures."""
        raise UsageError(_NO_ARCHIVES)

    def decompress(self, options: DecompressOptions) -> None:
        """Writes the pictures of archives."""
        raise UsageError(_NO_ARCHIVES)

    def bits_per_dim(
        self, stages: Sequence[AnyStage], images: np.ndarray, classes: np.ndarray
    ) -> np.ndarray:
        """Bits per dimension of images, uint8 [N, H, W, C]: float32 [N]. See `has_likelihood`.

        `classes`, int32 [N], are those of the images.
        """
        raise NotImplementedError
