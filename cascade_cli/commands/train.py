"""Trains the stages of an experiment, all in order or one of them; resumes automatically."""

import sys
import time
from collections.abc import Sequence

import tensorflow as tf
from etils import epath

from cascade_cli.evaluation.training_distance import training_distance
from cascade_cli.options import TrainOptions
from cascade_cli.own_pictures.chosen import CHOSEN_FLAGS
from cascade_cli.systems import open_system
from cascade_cli.training_report import report
from cascade_tf.checkpoint_files import has_checkpoint
from cascade_tf.choices import STRATEGIES
from cascade_tf.class_record import (
    changes,
    require_known_classes,
    require_number_of_classes,
    require_same_classes,
)
from cascade_tf.class_record import described as described_classes
from cascade_tf.data import CachedSource, Source, open_source
from cascade_tf.data.split_overlap import overlap_warnings
from cascade_tf.description import absolute
from cascade_tf.errors import UsageError, UserError, with_flags
from cascade_tf.experiment import Experiment
from cascade_tf.files import make_directory, write_atomically
from cascade_tf.metrics.inception import load_first_layers
from cascade_tf.record import save_record, stage_record
from cascade_tf.shipped_models import located
from cascade_tf.stage_lock import stage_lock
from cascade_tf.stage_state import StageState
from cascade_tf.strategies import (
    described,
    is_chief,
    make_strategy,
    set_intra_op_threads,
    workers,
)
from cascade_tf.training import Trainer, require_divisible, require_images
from cascade_tf.training_program import write_training_program


class Training:
    """The training of one stage.

    Constructing it checks settings and opens the data, but writes nothing.

    Args:
        experiment: of the stage.
        name: of the stage.
        options: of the command.
        strategy: spreads the batch over devices.

    Attributes:
        stage: that is trained.
        splits: images to train on, uncached, and those to hold out, if any.

    Raises:
        SettingError: the batch cannot be divided among the replicas.
        UserError: settings differ from those that the stage was trained with, or there is no data.
    """

    def __init__(
        self,
        experiment: Experiment,
        name: str,
        options: TrainOptions,
        strategy: tf.distribute.Strategy,
    ):
        experiment.require_as_recorded(name, training=True)
        self._experiment = experiment
        self._directory = experiment.directory(name)
        state = options.lowered_state
        self._state = epath.Path(absolute(state)) if state else None
        self._strategy, self._chief = strategy, is_chief(strategy)
        data, self._config = experiment.data(name), experiment.training(name)
        if not data.dataset and not experiment.is_given(name, "dataset"):
            missing = f"stage {name}" if experiment.trained_stages else "training"
            raise UsageError(
                f"{experiment.workdir} holds no {missing} to resume: check `workdir`, or add "
                f"--flagfile=... or `dataset` for a new one"
            )
        self.stage = experiment.make_stage(name)
        require_divisible(self._config, self.stage, strategy)
        split = experiment.training_split(name, options.split)
        self._source = open_source(data, split)
        if experiment.infer(name, "num_classes", self._source.num_classes):
            self.stage = experiment.make_stage(name)
        self.stage.inception = options.inception
        self._compare_classes(experiment)
        self._held_out = open_source(data, "test") if split == "train" else None
        for source in (self._source, self._held_out):
            require_known_classes(self.stage.num_classes, source)
        self.splits = (self._source, self._held_out)
        if data.cache_dir:
            self._source = CachedSource(self._source, data.cache_dir)
        self._distance = None
        # Only the first stage samples without a condition.
        system = open_system(experiment, options)
        if options.distance_images and not system.samples_of_first_stage_are_images:
            raise UsageError(f"`distance_images` means nothing to {experiment.described}")
        if system.samples and name == experiment.stage_names[0]:
            self._distance = training_distance(options, self.stage, self._held_out)

    def _compare_classes(self, experiment: Experiment) -> None:
        """Raises UserError if the model's classes are not those of the images."""
        known = self.stage.num_classes
        for trained in experiment.trained_on_data_of(self.stage.name):
            require_same_classes(experiment.directory(trained), known, self._source)
        require_number_of_classes(known, self._source)

    def save_record(self) -> None:
        """Writes the stage's settings into its directory, unless it has a checkpoint already."""
        if not self._chief:
            return
        make_directory(self._directory)
        with stage_lock(self._directory):
            if not has_checkpoint(self._directory):
                settings = stage_record(self.stage, self._config, self._source)
                save_record(self._directory, settings)

    def lower(self, directory: epath.Path, num_examples: int | None) -> tuple[int, int]:
        """Writes the next step as a program, with its state and the next examples.

        Args:
            directory: exists; see `write_training_program`.
            num_examples: by default as many as there are images; whole batches are written.

        Returns:
            The step of the state, and the number of examples.
        """
        require_images(self._source, self.stage)
        self.stage.batch_parts = 1  # the cores of a CPU have parts
        state = StageState.create(self.stage, self._config, self._directory, self._strategy)
        if not state.restore():
            origin = self._config.init_from
            state.begin(self._source, located(origin) / self.stage.name if origin else None)
        if int(state.step.numpy()) >= self._config.steps:
            raise UserError(
                f"{self._directory} is at step {int(state.step.numpy())} already: "
                f"raise `steps` to go on"
            )
        size = self._config.batch_size
        batches = max(1, (num_examples or self._source.num_examples) // size)
        self._source.prepare()
        write_training_program(directory, state, self._config, self._source, batches)
        return int(state.step.numpy()), batches * size

    def run(self) -> bool:
        """Trains the stage from its newest checkpoint on; returns whether there was a step left."""
        trainer = Trainer(
            self.stage,
            self._config,
            self._source,
            self._directory,
            self._held_out,
            self._strategy,
            self._distance,
        )
        if self.stage.num_classes > 1:
            self._print(described_classes(self._source))
        changed = changes(self._directory, self._source) if trainer.resumed else None
        if changed:
            self._print(changed)
        start = "resumed at" if trainer.resumed else "from"
        held_out = f", {self._held_out.num_examples:,} held out" if self._held_out else ""
        self._print(
            f"{self.stage.parameters():,} parameters, "
            f"{self._source.num_examples:,} images{held_out}, {start} step {trainer.step}; "
            f"strategy: {described(self._strategy)}"
        )
        before = trainer.step
        if not trainer.finished:
            self._require_that_none_needs_it()
        trainer.train(self._state)
        limit = ""
        if trainer.step < self._config.steps:
            limit = f"; max_minutes={self._config.max_minutes:g} are used up, raise it to continue"
        self._print(f"trained to step {trainer.step}, in {self._directory}{limit}")
        return trainer.step > before

    def _require_that_none_needs_it(self) -> None:
        """Raises UserError if another stage was trained on what this one computes now."""
        others = [
            other
            for other in self._experiment.trained_stages
            if self.stage.name in self._experiment.make_stage(other).needs
        ]
        if others:
            directories = " and ".join(str(self._experiment.directory(other)) for other in others)
            raise UserError(
                f"{self._directory}: {' and '.join(others)} learned from what it computes now: "
                f"train them alone, by `stage`; delete {directories} and add the training's flags "
                f"again; or use another `workdir`"
            )

    def _print(self, line: str) -> None:
        if self._chief:
            print(f"stage {self.stage.name}: {line}", file=sys.stderr)


def _in_order(experiment: Experiment, trainings: Sequence[Training]) -> list[Training]:
    """The trainings, each after those that it needs; raises UserError if one is missing."""
    names = [training.stage.name for training in trainings]
    for training in trainings:
        for needed in training.stage.needs:
            if needed not in (*names, *experiment.trained_stages):
                raise UserError(
                    f"stage {training.stage.name} needs the trained stage {needed}: train it first"
                )
    # No stage needs one that needs another.
    return sorted(trainings, key=lambda training: bool(training.stage.needs))


def _tell_of_data(splits: Sequence[tuple[Source, Source | None]]) -> None:
    """Prints what the user should know of the images, once for all stages of the same images."""
    distinct = {(train.config, train.split): (train, test) for train, test in splits}
    for train, held_out in distinct.values():
        for line in (*train.notes, *overlap_warnings(train, held_out)):
            print(f"data: {with_flags(line)}", file=sys.stderr)


def main(experiment: Experiment, options: TrainOptions) -> None:
    """Trains the stages that the options name."""
    names = list(experiment.stage_names)
    if options.stage is not None:
        if options.stage not in names:
            options.refuse(f"the stages are {', '.join(names)}", "stage")
        names = [options.stage]
    if options.lowered_state and len(names) > 1:
        options.refuse(f"name its `stage`: {', '.join(names)}", "lowered_state")
    if options.tpu and options.strategy != "tpu":
        raise UsageError(f"`tpu`={options.tpu} means nothing without `strategy`=tpu")
    threads = experiment.training(names[0]).intra_op_threads
    if threads:
        set_intra_op_threads(threads)
    strategy = make_strategy(options.strategy, options.tpu)
    trainings = [Training(experiment, name, options, strategy) for name in names]
    trainings = _in_order(experiment, trainings)
    needed = [t.stage.name for t in trainings if t.stage.needs_inception]
    anywhere = any(experiment.make_stage(name).needs_inception for name in experiment.stage_names)
    if options.inception and not (options.distance_images or anywhere):
        raise UsageError("`inception` means nothing without `distance_images` or a loss of it")
    if needed:
        if not options.inception:
            raise UsageError(f"the loss of {needed[0]} needs `inception`, the weights of Inception")
        load_first_layers(options.inception)  # now, since stages before it may train for hours
    if is_chief(strategy):
        _tell_of_data([training.splits for training in trainings])
    for training in trainings:  # all of them first: the workdir alone is then enough to resume
        training.save_record()
    if options.chosen and is_chief(strategy):
        write_atomically(experiment.workdir / CHOSEN_FLAGS, options.chosen)
    began, trained = time.monotonic(), False
    while trainings:
        trained |= trainings.pop(0).run()  # popped, so that its memory is freed for the next stage
    complete = all(has_checkpoint(experiment.directory(name)) for name in experiment.stage_names)
    alone = options.strategy in STRATEGIES and workers(strategy) == 1  # on one machine, no TPU
    if options.report and trained and complete and alone:
        report(experiment, options, strategy, time.monotonic() - began)
