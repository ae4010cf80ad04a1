"""An experiment: the stages of a workdir and their settings, from a user or from records.

TensorFlow is imported only to create stages, so that wrong settings are reported at once.
"""

import functools
import itertools
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from etils import epath

from cascade_tf import record, stage_lock
from cascade_tf.checkpoint_files import WEIGHTS, has_checkpoint, has_weights, refuse_weights
from cascade_tf.class_record import require_model_of_classes
from cascade_tf.data.config import DataConfig
from cascade_tf.description import recorded_text
from cascade_tf.errors import SettingError, UsageError, UserError, text
from cascade_tf.family import SHARED, Family, Read
from cascade_tf.files import refuse_wildcards
from cascade_tf.given_settings import GivenSettings
from cascade_tf.settings import AnySettings, Decides, Entry, entries, from_values
from cascade_tf.shipped_models import located
from cascade_tf.training_config import TrainingConfig

if TYPE_CHECKING:
    import tensorflow as tf

    from cascade_tf.data import Source
    from cascade_tf.stage import Stage
    from cascade_tf.stage_state import StageState

SYSTEM = "system"
# Python functions that load a workdir, by the system of its stages.
_LOADERS = {
    "spn": "spn_tf.load",
    "gated_pixelcnn": "spn_tf.load",
    "pixelsnail": "spn_tf.load",
    "image_transformer": "spn_tf.load",
    "parallel_multiscale": "spn_tf.load",
    "glow": "spn_tf.load",
    "nsb": "wavelet_tf.load",
    "nsb_pixel": "wavelet_tf.load",
    "vqvae2": "wavelet_tf.load",
    "biggan": "wavelet_tf.load",
}


class NotTrainedError(UserError):
    """A workdir without a trained stage.

    Attributes:
        workdir: the directory.
        stage: the stage's name.
        is_recorded: whether the workdir has a record of the stage's settings.

    Args:
        others: trained stages that the model does not have, such as those of other names.
    """

    def __init__(
        self, workdir: epath.Path, stage: str, is_recorded: bool, others: Sequence[str] = ()
    ):
        found = f" (there is {', '.join(others)})" if others else ""
        if is_recorded:
            found += f", neither checkpoints nor {WEIGHTS}"
        super().__init__(f"{workdir} holds no trained stage {stage}{found}: train it first")
        self.workdir, self.stage, self.is_recorded = workdir, stage, is_recorded


class Experiment:
    """Settings of a workdir's stages: the user's, else the recorded ones, else the defaults.

    If the user names a workdir to start from, its model settings precede the defaults.

    Args:
        workdir: of the experiment, with a directory for each stage.
        families: model families by the name of their `system`; the first is the default.
        given: settings from the user; they must agree with those of trained stages.

    Attributes:
        stage_names: in order, coarsest first.

    Raises:
        UserError: the user's settings differ from recorded ones.
        SettingError: values that cannot work, or a workdir with a wildcard in its path.
    """

    def __init__(
        self,
        workdir: str | os.PathLike[str],
        families: Mapping[str, type[Family]],
        given: GivenSettings | None = None,
    ) -> None:
        refuse_wildcards("workdir", workdir)
        self.workdir = epath.Path(workdir).expanduser()
        self._families, self.given = families, given or GivenSettings()
        self._records = self._completed_records(self.workdir)
        self._trained = {
            name: recorded
            for name, recorded in self._records.items()
            if has_checkpoint(self.directory(name)) or has_weights(self.directory(name))
        }
        self._inferred: dict[str, dict[str, Any]] = {}
        self._require_one_experiment()
        self._origin = self._records_to_start_from()
        self._model = self._values_of_the_model()
        self.system: str = self._model[SYSTEM]
        self.family = self._family(self.system, self.settings)
        self._refuse_settings_without_meaning()
        self.stage_names = list(self.family.stage_names)
        for name, scope in self.given.scopes():
            if scope not in self.stage_names:
                raise SettingError(
                    {name: f"{scope}:..."},
                    f"there is no stage {scope}; the stages are {', '.join(self.stage_names)}",
                )
            if name not in _recorded_entries(self.family, scope):
                raise SettingError({name: f"{scope}:..."}, f"it means nothing to stage {scope}")

    @property
    def described(self) -> str:
        """The settings that chose the model family and its prior, for messages."""
        names = (SYSTEM, *(name for name in entries(self.family.whole)))
        return " ".join(f"`{name}`={self._model[name]}" for name in names if name in self._model)

    def directory(self, stage: str) -> epath.Path:
        """Directory of the stage's record, checkpoints and summaries."""
        return self.workdir / stage

    def settings(
        self, kind: type[AnySettings], stage: str | None = None, /, **overrides: Any
    ) -> AnySettings:
        """Settings of a stage, or those that all stages share; `overrides` take precedence."""
        values = self._model
        if stage is not None:
            values = self._values(stage) | self._inferred.get(stage, {})
        return from_values(kind, values, overrides)

    def data(self, stage: str) -> DataConfig:
        """The dataset of a stage and its preprocessing."""
        return self.settings(DataConfig, stage)

    def training(self, stage: str) -> TrainingConfig:
        """Length, intervals and averages of a stage's training."""
        return self.settings(TrainingConfig, stage)

    @property
    def trained_stages(self) -> list[str]:
        """Names of the stages that the workdir has weights of."""
        return list(self._trained)

    def infer(self, stage: str, name: str, value: Any) -> bool:
        """Sets a setting of a stage that is not trained, if it has no value; returns whether so."""
        is_unset = stage not in self._trained and self._values(stage).get(name, value) is None
        if is_unset:
            self._inferred.setdefault(stage, {})[name] = value
        return is_unset

    def trained_on_data_of(self, stage: str) -> list[str]:
        """Trained stages whose data set is that of `stage`, and `stage` itself if it is trained."""
        now = self.data(stage)
        same = {"dataset": now.dataset, "data_dir": recorded_text("data_dir", now.data_dir)}
        return [
            name
            for name, recorded in self._trained.items()
            if name == stage or same == {key: recorded.get(key, "") for key in same}
        ]

    def make_stage(self, stage: str) -> "Stage":
        """A stage, not yet built."""
        made = self.family.make_stage(stage)
        if self.is_given(stage, "batch_size"):
            made.largest_batch = self.training(stage).batch_size
        made.load_needed = self._load_stage
        return made

    def _load_stage(self, name: str) -> "Stage":
        """A trained stage on one device, with averaged weights."""
        import tensorflow as tf

        return self.load_state(self.make_stage(name), tf.distribute.get_strategy()).stage

    def recorded(self, stage: str) -> dict[str, str]:
        """A stage's record, completed with defaults; empty if there is none."""
        return self._records.get(stage, {})

    def is_given(self, stage: str, *names: str) -> bool:
        """Whether the user set one of these settings for a stage."""
        return any(name in self.given.for_stage(stage) for name in names)

    def require_as_recorded(self, stage: str, training: bool = False) -> None:
        """Raises UserError if the user's settings differ from those that a stage was trained with.

        Args:
            stage: its name.
            training: whether the stage is to be trained. Then its training settings must agree
                too, and its dataset must be that of the other trained stages.
        """
        if training:
            refuse_weights(self.directory(stage))
        fixed: tuple[Decides, ...] = ("model", "training") if training else ("model",)
        kept = [name for name, entry in self._all.items() if entry.facts.decides in fixed]
        if stage in self._trained:  # without a checkpoint, settings may still change
            directory, trained = self.directory(stage), self._trained[stage]
            record.check_same(directory, trained, self._given_texts(stage), kept)
        origin = self.training(stage).init_from
        if training and origin and stage not in self._trained:  # it has nothing to resume from
            Experiment(located(origin), self._families).require_stage(stage)
        dataset = {"dataset": self.data(stage).dataset}
        if training and dataset["dataset"]:
            for other, recorded in self._trained.items():
                record.check_same(self.directory(other), recorded, dataset, ["dataset"])

    def require_trained(self) -> None:
        """Raises UserError unless the workdir holds a record and a checkpoint of every stage."""
        for stage in self.stage_names:
            self.require_stage(stage)
            self.require_as_recorded(stage)

    def require_stage(self, stage: str) -> None:
        """Raises UserError unless the workdir holds a record and a checkpoint of a stage."""
        if not self.workdir.is_dir():
            raise UserError(f"there is no workdir {self.workdir}: train it first")
        if stage not in self._trained:
            others = [name for name in self._trained if name not in self.stage_names]
            raise NotTrainedError(self.workdir, stage, bool(self.recorded(stage)), others)

    def data_of_all_stages(self) -> DataConfig:
        """The dataset to evaluate a cascade on, the same for every stage.

        Raises:
            UserError: the stages were trained on different folders, and the user names none.
        """
        configs = {name: self.data(name) for name in self.stage_names}
        folders = {
            f"{config.data_dir}" + (f" without {config.test_dir}" if config.test_dir else ""): name
            for name, config in configs.items()
        }
        if len(folders) > 1:
            parts = ", ".join(f"{name} on {folder}" for folder, name in folders.items())
            raise UserError(
                f"the stages were trained on different folders ({parts}): add `data_dir`"
            )
        return configs[self.stage_names[-1]]

    def inference_batch_size(self, *stages: str) -> int:
        """The user's batch size, else that of training, but at most 32 to save memory.

        For several stages, the smallest of theirs.
        """
        sizes = []
        for stage in stages:
            size = self.training(stage).batch_size
            sizes.append(size if self.is_given(stage, "batch_size") else min(32, size))
        return min(sizes)

    def sampling_seed(self) -> int:
        """The user's seed, else 0: the recorded seed is for training alone."""
        return self.given.for_stage(None).get("seed", 0)

    def training_split(self, stage: str, split: str | None) -> str:
        """The split a stage is trained on: `split`, else the recorded one, else `train`."""
        recorded = self.recorded(stage)
        if split is None:
            return recorded.get("split", "train")
        if stage in self._trained:
            record.check_same(self.directory(stage), recorded, {"split": split}, ["split"])
        return split

    def require_held_out(self, stage: str) -> None:
        """Raises UserError if a stage was trained on the images that would be its test split."""
        other = self._differs_from_record(stage, "dataset", "data_dir", "test_dir")
        if self.recorded(stage).get("split") == "all" and not other:
            raise UserError(
                f"{self.directory(stage)} was trained with `split`=all, so no image is held out: "
                f"evaluate with `split`=all, or on another `dataset`"
            )

    def require_classes_of(self, source: "Source") -> None:
        """Raises UserError if a stage knows classes, and those of images to evaluate are others."""
        for name in self.stage_names:
            classes = self.make_stage(name).num_classes
            require_model_of_classes(self.directory(name), classes, source)

    def load_state(self, stage: "Stage", strategy: "tf.distribute.Strategy") -> "StageState":
        """Builds a stage with its averaged weights: of its newest checkpoint, or of a file."""
        from cascade_tf.stage_state import StageState

        directory = self.directory(stage.name)
        state = StageState.create(stage, self.training(stage.name), directory, strategy)
        if has_weights(directory):
            state.step.assign(state.load_weights(directory / WEIGHTS))
        else:
            state.restore_averages()
        return state

    def load_stages(self, strategy: "tf.distribute.Strategy | None" = None) -> "list[Stage]":
        """All stages in order, with averaged weights; without a strategy, on one device."""
        import tensorflow as tf

        return [state.stage for state in self.load_states(strategy or tf.distribute.get_strategy())]

    def load_states(self, strategy: "tf.distribute.Strategy") -> "list[StageState]":
        """The states of all stages in order, with averaged weights."""
        return [self.load_state(self.make_stage(name), strategy) for name in self.stage_names]

    def _family(self, system: str, read: Read) -> Family:
        if system not in self._families:
            raise SettingError({SYSTEM: system}, f"use {' or '.join(self._families)}")
        return self._families[system](system, read)

    def _records_to_start_from(self) -> dict[str, dict[str, str]]:
        """Records of the workdir from whose weights new stages start, if the user names one.

        Raises:
            UserError: the user's model settings differ from them.
        """
        init_from = self.given.for_stage(None).get("init_from")
        if not init_from:
            return {}
        try:
            workdir = located(init_from)
        except UserError:
            if self._trained:  # what is trained does not need it
                return {}
            raise
        records = self._completed_records(workdir)
        names = [SYSTEM, *(n for n, e in self._all.items() if e.facts.decides == "model")]
        for stage, recorded in records.items():
            given = self._given_texts(stage)
            record.check_same_model(workdir / stage, recorded, given, names)
        return records

    def _completed_records(self, workdir: epath.Path) -> dict[str, dict[str, str]]:
        """The records of a workdir's stages by name, each completed with defaults."""
        names = record.recorded_stages(workdir)
        own_files = (workdir / "checkpoints", workdir / stage_lock.NAME, workdir / WEIGHTS)
        if not names and (workdir / record.NAME).exists() and any(f.exists() for f in own_files):
            raise UserError(f"{workdir} is the directory of one stage: use {workdir.parent}")
        return {name: self._completed(workdir / name) for name in names}

    def _completed(self, directory: epath.Path) -> dict[str, str]:
        """A stage's record, with defaults for settings of the stage that it lacks."""
        recorded = record.load_record(directory) or {}

        def read(
            kind: type[AnySettings], stage: str | None = None, /, **overrides: Any
        ) -> AnySettings:
            return from_values(kind, _parsed(entries([kind]), recorded, path), overrides)

        path = directory / record.NAME
        try:
            family = self._family(recorded.get(SYSTEM, next(iter(self._families))), read)
        except SettingError as error:
            loader = _LOADERS.get(recorded.get(SYSTEM, ""))
            if loader is not None and recorded[SYSTEM] not in self._families:
                advice = f"`{SYSTEM}`={recorded[SYSTEM]}: use {loader}"
                raise UserError(f"{directory} was trained with {advice}") from error
            raise UserError(f"{path}: {error.recorded}") from error
        own = _recorded_entries(family, directory.name)
        known = {name: text(e.default) for name, e in own.items() if e.default is not None}
        return known | recorded

    @functools.cached_property
    def _all(self) -> dict[str, Entry]:
        """Settings of all families by name."""
        families = self._families.values()
        return entries([k for f in families for k in (*f.whole, *f.kinds, *SHARED)])

    @functools.cached_property
    def _shared(self) -> dict[str, Entry]:
        """Model settings that have one value for all stages."""
        return {
            name: entry
            for name, entry in self._all.items()
            if entry.facts.whole and entry.facts.decides == "model"
        }

    def _require_one_experiment(self) -> None:
        """Raises UserError if trained stages disagree with the user's settings or one another."""
        names = [SYSTEM, *sorted(self._shared)]
        for stage, recorded in self._trained.items():
            record.check_same(self.directory(stage), recorded, self._given_texts(stage), names)
        for stage, other in itertools.pairwise(self._trained):
            for name in (*names, "dataset"):
                a, b = self._trained[stage].get(name), self._trained[other].get(name)
                if a != b and None not in (a, b):
                    raise UserError(
                        f"{self.directory(stage)} was trained with `{name}`={a}, "
                        f"{self.directory(other)} with {b}: stages of one workdir must agree"
                    )

    def _values_of_the_model(self) -> dict[str, Any]:
        """Model settings that all stages share: the user's, else the recorded ones.

        Those of a workdir to start from precede the defaults alone.
        """
        values: dict[str, Any] = {SYSTEM: next(iter(self._families))}
        for records in (self._origin, self._records | self._trained):
            for stage, recorded in records.items():
                values |= _parsed(self._shared, recorded, self.directory(stage) / record.NAME)
                values[SYSTEM] = recorded.get(SYSTEM, values[SYSTEM])
        own = self.given.for_stage(None)
        return values | {name: own[name] for name in (SYSTEM, *self._shared) if name in own}

    @functools.cache  # noqa: B019 an Experiment lives about as long as the process
    def _values(self, stage: str) -> dict[str, Any]:
        """A stage's settings by name: the user's, else the recorded ones, else the defaults.

        For model settings that all stages share, the experiment's values override the stage's
        record, which may be older.
        """
        known = entries([*self.family.settings(stage), *SHARED])
        own = self.given.for_stage(stage)
        origin = self._origin.get(stage, {})
        model = {n for n, entry in known.items() if entry.facts.decides == "model"}
        recorded = {n: x for n, x in origin.items() if n in model} | self.recorded(stage)
        recorded = {name: x for name, x in recorded.items() if name not in own}
        if self._differs_from_record(stage, "dataset", "data_dir"):
            recorded.pop("test_dir", None)  # it held out images of the recorded data
        return (
            {name: entry.default for name, entry in known.items()}
            | _parsed(known, recorded, self.directory(stage) / record.NAME)
            | self._model
            | own
        )

    def _differs_from_record(self, stage: str, *names: str) -> bool:
        """Whether the user set one of these settings to another value than the recorded one."""
        recorded = self.recorded(stage)
        given = self._given_texts(stage)
        return any(recorded.get(name, "") != given[name] for name in names if name in given)

    def _given_texts(self, stage: str) -> dict[str, str]:
        values = self.given.for_stage(stage)
        return {name: recorded_text(name, value) for name, value in values.items()}

    def _refuse_settings_without_meaning(self) -> None:
        used = {SYSTEM, *entries(self.family.whole)}
        for stage in self.family.stage_names:
            used |= _recorded_entries(self.family, stage).keys()
        for name in self._all:
            if name in self.given and name not in used:
                raise UsageError(f"`{name}` means nothing to {self.described}")


def _recorded_entries(family: Family, stage: str) -> dict[str, Entry]:
    """Settings by name that the record of a stage holds."""
    known = entries([*family.settings(stage), *SHARED])
    return {name: entry for name, entry in known.items() if name not in family.unrecorded(stage)}


def _parsed(
    known: Mapping[str, Entry], texts: Mapping[str, str], path: epath.Path
) -> dict[str, Any]:
    """Values parsed from the texts of a record, by name; unknown settings are ignored.

    Raises:
        UserError: a text that cannot be parsed.
    """
    values = {}
    for name, entry in known.items():
        if name in texts:
            try:
                values[name] = entry.parse(texts[name])
            except ValueError as error:
                raise UserError(f"{path}: `{name}`={texts[name]}: {error}") from error
    return values
