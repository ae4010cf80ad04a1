"""The experiment that flags and records describe, and the stages it makes."""

import functools
import itertools
import os
from collections.abc import Callable
from typing import Any

import tensorflow as tf
from absl import flags
from etils import epath

import experiment_flags
import scoped_flags
from biggan_system import BigGANSystem
from cascade_tf import record
from cascade_tf.data import DataConfig
from cascade_tf.errors import UsageError, UserError
from cascade_tf.stage import Stage
from cascade_tf.stage_state import StageState, has_checkpoint
from cascade_tf.training_config import TrainingConfig
from experiment_flags import (
    DECIDES,
    HAVE_PRIORS,
    MODEL,
    PARSERS,
    PRIOR_STAGE,
    TRAINING,
    WHOLE,
    meaningful,
)
from flag_values import from_values
from nsb_system import NSBSystem
from spn_system import SPNSystem
from system import System

flags.adopt_module_key_flags(experiment_flags)
FLAGS = flags.FLAGS

_SYSTEMS: dict[str, Callable[[dict[str, Any]], System[Any]]] = {
    "spn": SPNSystem,
    "nsb": NSBSystem,
    "nsb_pixel": NSBSystem,
    "biggan": BigGANSystem,
}


class Experiment:
    """The experiment that the command line and the records of its workdir describe.

    Raises:
        UserError: flags that differ from the records.
        UsageError: values that cannot work.
    """

    def __init__(self) -> None:
        if not FLAGS.workdir:
            raise UsageError("--workdir is missing: name the experiment's directory")
        self.workdir = epath.Path(FLAGS.workdir).expanduser()
        self._trained = {
            name: self._recorded(name)
            for name in record.recorded_stages(self.workdir)
            if has_checkpoint(self.directory(name))
        }
        self._require_one_experiment()
        v = self._model = self._values_of_the_model()
        self.system: System[Any] = _SYSTEMS[v["system"]](v)
        self._refuse_flags_without_meaning()
        self.stage_names = self.system.stage_names
        for name in DECIDES:
            for scope in sorted(scoped_flags.scopes(name) - set(self.stage_names)):
                raise UsageError(
                    f"--{name}={scope}:...: there is no stage {scope}; "
                    f"the stages are {', '.join(self.stage_names)}"
                )

    def directory(self, stage: str) -> epath.Path:
        """Where the stage's record, checkpoints and summaries lie."""
        return self.workdir / stage

    def _require_one_experiment(self) -> None:
        """Raises UserError where trained stages differ from the flags, or from one another."""
        names = sorted(name for name in WHOLE if DECIDES[name] == MODEL)
        for stage, recorded in self._trained.items():
            record.check_same(self.directory(stage), recorded, _given(stage), names)
        for stage, other in itertools.pairwise(self._trained):
            for name in (*names, "dataset"):
                a, b = self._trained[stage].get(name), self._trained[other].get(name)
                if a != b and None not in (a, b):
                    raise UserError(
                        f"{self.directory(stage)} was trained with --{name}={a}, "
                        f"{self.directory(other)} with {b}: stages of one workdir must agree"
                    )

    def _values_of_the_model(self) -> dict[str, Any]:
        """What all stages share: as given, else as recorded, else the default."""
        names = record.recorded_stages(self.workdir)
        records = {name: self._recorded(name) for name in names} | self._trained
        values = {}
        for name, decides in DECIDES.items():
            if name in WHOLE and decides == MODEL:
                present, values[name] = scoped_flags.value(name, None)
                for stage, recorded in records.items():
                    if name in recorded and not present:
                        values[name] = self._parse(stage, name, PARSERS[name], recorded[name])
        return values

    @functools.cache  # noqa: B019 one Experiment lives as long as the process
    def values(self, stage: str) -> dict[str, Any]:
        """Flag values of a stage by name: as given, else as recorded, else the default.

        Those of the model that all stages share are the experiment's, whatever an older record of
        the stage alone may say.
        """
        recorded = self._recorded(stage)
        values = {}
        for name, parser in PARSERS.items():
            present, values[name] = scoped_flags.value(name, stage)
            if present:
                continue
            if name in self._model:
                values[name] = self._model[name]
            elif name in recorded:
                values[name] = self._parse(stage, name, parser, recorded[name])
        return values

    def require_as_recorded(self, stage: str, training: bool = False) -> None:
        """Raises UserError where given flags are not those that the stage was trained with.

        Args:
            stage: that is to be used.
            training: it is to be trained: the flags of training, too, must be the same, and the
                dataset that of the stages trained already.
        """
        fixed = (MODEL, TRAINING) if training else (MODEL,)
        kept = [name for name, decides in DECIDES.items() if decides in fixed]
        if stage in self._trained:  # else nothing was trained with these flags
            record.check_same(self.directory(stage), self._trained[stage], _given(stage), kept)
        dataset = {"dataset": self.values(stage)["dataset"]}
        if training and dataset["dataset"]:
            for other, recorded in self._trained.items():
                record.check_same(self.directory(other), recorded, dataset, ["dataset"])

    def _recorded(self, stage: str) -> dict[str, str]:
        """A stage's record; of flags that concern it but are not told, defaults. Or nothing."""
        told = record.load_record(self.directory(stage))
        if told is None:
            return {}
        names = meaningful(told.get("system", "spn"), told.get("prior"))
        return {name: scoped_flags.text(scoped_flags.default(name)) for name in names} | told

    def _refuse_flags_without_meaning(self) -> None:
        system, prior = self._model["system"], self._prior()
        used = meaningful(system, None) | meaningful(system, prior)
        unused = [name for name in PARSERS if name not in used]
        told = f"--system={system}" + (f" --prior={prior}" if prior else "")
        for name in (*unused, *self.system.unused):
            if name in FLAGS and FLAGS[name].present:
                raise UsageError(f"--{name} means nothing to {told}")

    def _prior(self) -> str | None:
        """The prior, of a system that can have one."""
        return self._model["prior"] if self._model["system"] in HAVE_PRIORS else None

    def _parse(self, stage: str, name: str, parser: flags.ArgumentParser, text: str) -> Any:
        try:
            return parser.parse(text)
        except ValueError as error:
            path = self.directory(stage) / record.NAME
            raise UserError(f"--{name}={text} in {path}: {error}") from error

    def record(self, stage: str) -> dict[str, str]:
        """What is recorded of a stage's flags."""
        values = self.values(stage)
        values = values | {name: from_anywhere(values[name]) for name in ("data_dir", "cache_dir")}
        told = meaningful(values["system"], self._prior() if stage == PRIOR_STAGE else None)
        return {name: scoped_flags.text(values[name]) for name in values if name in told}

    def data(self, stage: str) -> DataConfig:
        v = self.values(stage)
        if not v["dataset"]:
            raise UsageError(
                "--dataset is missing: use a flagfile of configs/, or digits, photos, folder, "
                "or a name in TFDS"
            )
        return DataConfig(
            dataset=v["dataset"],
            data_dir=v["data_dir"] or None,
            image_size=v["image_size"],
            channels=v["channels"],
            flip=v["flip"],
            smallest_crop=v["smallest_crop"],
            bad_images=v["bad_images"],
            seed=v["seed"],
        )

    def data_of_all_stages(self) -> DataConfig:
        """The images to evaluate a cascade on: the same ones for every stage.

        Raises:
            UserError: the stages were trained on different ones, and none are given.
        """
        configs = {name: self.data(name) for name in self.stage_names}
        folders = {config.data_dir: name for name, config in configs.items()}
        if len(folders) > 1:
            told = ", ".join(f"{name} on {folder}" for folder, name in folders.items())
            raise UserError(
                f"the stages were trained on different folders ({told}): add --data_dir"
            )
        return configs[self.stage_names[-1]]

    def training(self, stage: str) -> TrainingConfig:
        return from_values(TrainingConfig, self.values(stage))

    def training_split(self, stage: str) -> str:
        """The images a stage is trained on: `--split` of bin/train, else as recorded."""
        recorded = self._recorded(stage)
        if not FLAGS["split"].present:
            return recorded.get("split", FLAGS.split)
        if has_checkpoint(self.directory(stage)):
            record.check_same(self.directory(stage), recorded, {"split": FLAGS.split}, ["split"])
        return FLAGS.split

    def require_held_out(self, stage: str) -> None:
        """Raises UserError if the stage was trained on the images it would be tested on."""
        other = any(scoped_flags.value(name, stage)[0] for name in ("dataset", "data_dir"))
        if self._recorded(stage).get("split") == "all" and not other:
            raise UserError(
                f"{self.directory(stage)} was trained with --split=all, so no image is held out: "
                f"evaluate with --split=all, or on another --dataset"
            )

    def make_stage(self, stage: str) -> Any:
        """The stage, of the system's own kind, not yet built."""
        return self.system.make_stage(stage, self.values(stage))

    def inference_batch_size(self, *stages: str) -> int:
        """As given; else that of training, but no more than a small machine can hold.

        For several stages together, the smallest.
        """
        sizes = []
        for stage in stages:
            given, size = scoped_flags.value("batch_size", stage)
            sizes.append(size if given else min(32, self.values(stage)["batch_size"]))
        return min(sizes)

    def sampling_seed(self) -> int:
        """As given, else 0: the recorded seed is that of training."""
        given, seed = scoped_flags.value("seed", None)
        return seed if given else 0

    def load_state(self, stage: Stage, strategy: tf.distribute.Strategy) -> StageState:
        """Builds a stage and gives it the averaged weights of its newest checkpoint."""
        directory = self.directory(stage.name)
        state = StageState.create(stage, self.training(stage.name), directory, strategy)
        state.restore_averages()
        return state

    def load_stages(self, strategy: tf.distribute.Strategy | None = None) -> list[Any]:
        """All stages in order, with averaged weights; without a strategy, on one device."""
        stages = [self.make_stage(name) for name in self.stage_names]
        for stage in stages:
            self.load_state(stage, strategy or tf.distribute.get_strategy())
        return stages

    def require_trained(self) -> None:
        """Raises UserError unless the workdir holds every stage's record and a checkpoint."""
        if not self.workdir.is_dir():
            raise UserError(f"there is no workdir {self.workdir}: train it first with bin/train")
        for stage in self.stage_names:
            if stage not in self._trained:
                # In this order, as flagfiles name workdirs of their own.
                flagfile = "" if self._recorded(stage) else "--flagfile=... "
                raise UserError(
                    f"{self.workdir} holds no trained stage {stage}: train it first with "
                    f"bin/train {flagfile}--workdir={self.workdir} --stage={stage}"
                )
            self.require_as_recorded(stage)


def _given(stage: str) -> dict[str, str]:
    """The texts of the flags that the user gave for a stage."""
    values = {name: scoped_flags.value(name, stage) for name in PARSERS}
    return {name: scoped_flags.text(value) for name, (present, value) in values.items() if present}


def from_anywhere(path: str) -> str:
    """A path that means the same in any working directory; gs:// and the like as they are."""
    return path if "://" in path or not path else os.path.abspath(os.path.expanduser(path))
