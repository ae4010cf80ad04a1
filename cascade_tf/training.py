"""The training loop that all stages share, on `strategy.run`."""

import contextlib
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import NoReturn

import numpy as np
import tensorflow as tf
from etils import epath

from cascade_tf.checkpoint_files import refuse_weights
from cascade_tf.class_record import (
    require_known_classes,
    require_number_of_classes,
    require_same_classes,
    save_classes,
)
from cascade_tf.data import Share, Source, undecodable_image_message
from cascade_tf.errors import SettingError, UserError, text, with_flags
from cascade_tf.evaluation import Evaluator
from cascade_tf.examples import Examples
from cascade_tf.files import make_directory, refuse_wildcards
from cascade_tf.interruption import Interrupted, StopRequest
from cascade_tf.optimizers import set_used
from cascade_tf.progress import ProgressBar
from cascade_tf.record import check_same, check_same_model, load_record, save_record, stage_record
from cascade_tf.settings import Entry, entries
from cascade_tf.shipped_models import located
from cascade_tf.stage import OnProgress, Stage
from cascade_tf.stage_lock import stage_lock
from cascade_tf.stage_state import StageState
from cascade_tf.strategies import distributed, is_chief, workers
from cascade_tf.summaries import Summaries
from cascade_tf.training_budget import TrainingSpeed, budget_line
from cascade_tf.training_config import TrainingConfig
from cascade_tf.training_program import read_state
from cascade_tf.xla_choice import MeasuredStep

_MEAN = tf.distribute.ReduceOp.MEAN
# Errors of this worker's own disk: a missing directory, no permission, no space.
_OF_THIS_WORKER = (
    tf.errors.NotFoundError,
    tf.errors.PermissionDeniedError,
    tf.errors.ResourceExhaustedError,
)

_LONG_TRAINING = 200  # steps; below, trying both ways costs more than it gains


class _Stop(Exception):
    """A stop request during an evaluation or a preview, which is then abandoned."""


def require_divisible(
    config: TrainingConfig, stage: Stage, strategy: tf.distribute.Strategy
) -> None:
    """Raises SettingError unless replicas and the parts of their shares divide the batch."""
    replicas, parts = strategy.num_replicas_in_sync, stage.batch_parts
    if config.batch_size % (replicas * parts):
        each = f", each with {parts} parts" if parts > 1 else ""
        what = f"{replicas} replica{'s' * (replicas > 1)}{each}"
        config.refuse(f"use a multiple of {replicas * parts}, for {what}", "batch_size")


def require_images(source: Source, stage: Stage) -> None:
    """Raises SettingError unless a source's images are of the size that a stage takes."""
    images = source.training_examples(1, 0).element_spec.images
    if stage.image_shape not in (None, tuple(images.shape[1:])):
        found, own = ("x".join(map(str, s)) for s in (images.shape[1:], stage.image_shape))
        raise SettingError(
            {"images": found}, f"stage {stage.name} takes images of {own}: change one of the two"
        )


class Trainer:
    """Trains one stage, resuming from the newest checkpoint in its directory.

    Args:
        stage: not yet built.
        config: of this stage.
        train: training examples.
        directory: of this stage and named for it. It receives the record, `checkpoints/` and the
            runs of TensorBoard.
        test: held-out examples, or None.
        strategy: its replicas share each batch; by default the current one.
        more_figures: computes further metrics at every evaluation, with averaged weights.

    Raises:
        SettingError: the replicas cannot share the batch evenly; or `directory` has a wildcard; or
            the images are of another size than the stage's, or have another number of classes.
        UserError: there are checkpoints, but none can be restored, or the stage was trained with
            other settings of model or training, or on other classes; or `config.init_from` has no
            such stage.
    """

    def __init__(
        self,
        stage: Stage,
        config: TrainingConfig,
        train: Source,
        directory: str | os.PathLike[str],
        test: Source | None = None,
        strategy: tf.distribute.Strategy | None = None,
        more_figures: Callable[[], Mapping[str, float]] | None = None,
    ):
        self._stage, self._config, self._train, self._test = stage, config, train, test
        strategy = strategy or tf.distribute.get_strategy()
        require_divisible(config, stage, strategy)
        stage.largest_batch = config.batch_size
        require_number_of_classes(stage.num_classes, train)
        for source in (train, test):
            require_known_classes(stage.num_classes, source)
        require_images(train, stage)
        refuse_wildcards("directory", directory)
        self._directory, self._strategy = epath.Path(directory).expanduser(), strategy
        refuse_weights(self._directory)
        self._several = workers(strategy) > 1
        self._stop_agreed = False
        self._more_figures = more_figures or dict
        # The order is important: variables are created, then loaded, then traced.
        self.state = StageState.create(stage, config, self._directory, strategy)
        self._checkpoints = self.state.checkpoints.paths
        self.resumed = self.state.restore()
        self._origin: epath.Path | None = None
        if self.resumed:
            self._require_as_recorded()
        elif config.init_from:
            self._origin = located(config.init_from) / stage.name
            self._require_model_of_origin()
        self.summaries = Summaries(self._directory, is_chief(strategy))
        self._evaluator = Evaluator(stage.evaluate_step, strategy)
        is_long = config.steps - self.step >= _LONG_TRAINING
        worth_it = is_long and strategy.num_replicas_in_sync == 1
        self._measured_step = MeasuredStep(self._train_step, worth_it and stage.jit_compile is None)
        self._mean_of_workers = tf.function(
            lambda value: strategy.reduce(_MEAN, strategy.run(lambda: value), axis=None),
            autograph=False,
        )

    @property
    def step(self) -> int:
        """Completed training steps."""
        return int(self.state.step.numpy())

    @property
    def finished(self) -> bool:
        """Whether all steps are completed, or the time limit is reached."""
        return self.step >= self._config.steps or self._seconds_left <= 0

    @property
    def _seconds_left(self) -> float:
        return self._seconds_limit - float(self.state.seconds.numpy())

    @property
    def _seconds_limit(self) -> float:
        return 60 * self._config.max_minutes or math.inf

    @property
    def _used(self) -> float:
        """The share of the steps or of the time limit that is used, whichever ends first."""
        seconds = float(self.state.seconds.numpy())
        return max(self.step / self._config.steps, seconds / self._seconds_limit)

    def train(self, lowered_state: epath.Path | None = None) -> None:
        """Trains to `config.steps`, or for `config.max_minutes`, and saves a checkpoint.

        Args:
            lowered_state: a state to begin from, which `examples/train_lowered.py` wrote.

        Raises:
            Interrupted: on SIGTERM, SIGHUP or Ctrl-C, or if stderr is a closed pipe, after a
                checkpoint is saved.
            UserError: another process trains the stage, the training diverged or failed the stage's
                health check, an image cannot be decoded, or another worker was lost.
        """
        if is_chief(self._strategy):
            make_directory(self._directory)
        with stage_lock(self._directory) if is_chief(self._strategy) else contextlib.nullcontext():
            if self.state.checkpoints.paths != self._checkpoints:  # another process trained it
                self.resumed = self.state.restore()
            news = lowered_state is not None and self._read(lowered_state)
            if news or not self.finished:
                self._train_locked()
            self._checkpoints = self.state.checkpoints.paths

    def _read(self, lowered_state: epath.Path) -> bool:
        """Continues from a lowered training, unless this one is further; returns whether it does.

        So the same command resumes it after an interruption.
        """
        settings = stage_record(self._stage, self._config, self._train)
        fixed = [name for name, entry in self._settings().items() if entry.facts.decides != "free"]
        news = read_state(self.state, lowered_state, settings, fixed)
        line = f"goes on from {lowered_state}" if news else f"is further than {lowered_state}"
        print(f"stage {self._stage.name}: {line}, at step {self.step}", file=sys.stderr)
        return news

    def _train_locked(self) -> None:
        self.summaries.start(self.step + 1 if self.resumed else 0)
        self._write_record()
        with self._lost_worker_as_user_error():
            if is_chief(self._strategy):
                self._train.prepare()
            self._agree(False, float(self.state.seconds.numpy()))  # the other workers wait here
        name, start = self._stage.name, self.step
        if start == 0 and not self.resumed:
            line = self.state.begin(self._train, self._origin)
            if line:
                self.summaries.text("train", 0, "prepared", line)
                if is_chief(self._strategy):
                    print(f"stage {name}: {line}", file=sys.stderr)
        else:
            self._stage.require_needed()
        quiet = not is_chief(self._strategy)
        with (
            StopRequest() as stop,
            ProgressBar(
                f"train {name}", self._config.steps, "steps", start, quiet, self._seconds_left
            ) as bar,
            self._lost_worker_as_user_error(),
        ):
            recent: list[dict[str, float]] = []  # metrics of the steps since the last summary
            with contextlib.suppress(_Stop):
                self._loop(stop, bar, recent)
            self._save(self.step, recent)
            self.summaries.flush()
        if self._must_stop(stop):
            raise Interrupted(
                stop.signal or signal.SIGTERM,  # without a signal here, another worker had one
                f"stopped: stage {name} is saved at step {self.step}; run the same command "
                f"to resume",
            )

    def _require_as_recorded(self) -> None:
        """Raises UserError if the stage was trained with other settings that it must keep."""
        recorded = load_record(self._directory) or {}
        fixed = [name for name, entry in self._settings().items() if entry.facts.decides != "free"]
        settings = stage_record(self._stage, self._config, self._train)
        check_same(self._directory, recorded, settings, fixed)
        require_same_classes(self._directory, self._stage.num_classes, self._train)

    def _require_model_of_origin(self) -> None:
        """Raises UserError if the stage to start from has another model, or is not trained."""
        recorded = load_record(self._origin)
        if recorded is None:
            raise UserError(f"`init_from`: there is no trained stage {self._origin}")
        known = self._settings()
        model = [name for name, entry in known.items() if entry.facts.decides == "model"]
        defaults = {name: text(known[name].default) for name in model}
        settings = stage_record(self._stage, self._config, self._train)
        check_same_model(self._origin, defaults | recorded, settings, ["system", *model])

    def _settings(self) -> dict[str, Entry]:
        parts = (*self._stage.description.settings, self._config, self._train.config)
        return entries([type(part) for part in parts])

    def _write_record(self) -> None:
        """Writes the settings beside the checkpoints and to TensorBoard."""
        if not is_chief(self._strategy):
            return
        if self._directory.name != self._stage.name:
            print(
                f"{self._directory}: to load or evaluate stage {self._stage.name} from a workdir, "
                f"train it in WORKDIR/{self._stage.name}",
                file=sys.stderr,
            )
        settings = stage_record(self._stage, self._config, self._train)
        save_record(self._directory, settings)
        save_classes(self._directory, self._train)
        table = [f"| {name} | {value} |" for name, value in sorted(settings.items())]
        text = "\n".join(["| flag | value |", "|---|---|", *table])
        self.summaries.text("train", self.step + 1, "flags", text)

    def _loop(self, stop: StopRequest, bar: ProgressBar, recent: list[dict[str, float]]) -> None:
        c, step = self._config, self.step
        start_index = step * c.batch_size

        def examples(size: int, share: Share) -> tf.data.Dataset:
            return self._train.training_examples(size, start_index, share)

        batches = iter(distributed(self._strategy, examples, c.batch_size))
        spent_before, began = float(self.state.seconds.numpy()), time.monotonic()
        speed, reported = TrainingSpeed(c.batch_size), False

        def due(every: int) -> bool:
            return every > 0 and step % every == 0

        def check_stop(*_) -> None:
            if self._must_stop(stop):
                raise _Stop

        while not self.finished and not self._must_stop(stop):
            with speed:
                with self._saved_on_failure():
                    batch = next(batches)
                set_used(self._stage.optimizers().values(), self._used)
                metrics = self._measured_step(batch)
                recent.append({name: float(value) for name, value in metrics.items()})
            step += 1
            self._require_finite(step, recent[-1])
            self._agree(stop.signal is not None, spent_before + time.monotonic() - began)
            headline = {self._stage.headline: recent[-1][self._stage.headline]}
            if speed.images_per_second:
                headline["images/s"] = speed.images_per_second
            with stop.at_closed_pipe():
                bar.update(step, **headline)
                if self._measured_step.news:
                    bar.say(f"stage {self._stage.name}: {self._measured_step.news}")
                    speed = TrainingSpeed(c.batch_size)
                elif speed.is_known and not (reported or self._measured_step.is_measuring):
                    bar.say(f"stage {self._stage.name}: {self._budget(step, speed)}")
                    reported = True

            if due(c.summary_every):
                means = _means(recent)
                self._require_health(step, means)
                means["images_per_second"] = speed.images_per_second
                self.summaries.scalars("train", step, means)
                recent.clear()
            if due(c.checkpoint_every):
                self._save(step, recent)
            with self._saved_on_failure():
                if due(c.evaluate_every) and self._test is not None:
                    self._evaluate(step, self._test, check_stop)
                if due(c.sample_every):
                    self._preview(step, check_stop)

    def _budget(self, step: int, speed: TrainingSpeed) -> str:
        c = self._config
        seconds = c.batch_size / speed.images_per_second
        images = self._train.num_examples
        line = budget_line(step, c.steps, self._seconds_left, seconds, c.batch_size, images)
        return with_flags(line)

    @contextlib.contextmanager
    def _saved_on_failure(self) -> Iterator[None]:
        """Saves the last completed step, unless it diverged, if images or a figure fail."""
        try:
            yield
        except _Stop:
            raise
        except Exception as error:
            if self.state.is_finite():
                self.state.save()
            message = undecodable_image_message(error)
            if message is None:
                raise
            raise UserError(message) from error

    def _agree(self, stop: bool, seconds: float) -> None:
        """Agrees among workers on stop requests and training time, as all must end together."""
        if self._several:
            requests, seconds = self._mean_of_workers(tf.constant([float(stop), seconds])).numpy()
            self._stop_agreed = requests > 0
        self.state.seconds.assign(seconds)

    def _must_stop(self, stop: StopRequest) -> bool:
        return self._stop_agreed if self._several else stop.signal is not None

    @contextlib.contextmanager
    def _lost_worker_as_user_error(self) -> Iterator[None]:
        """Raises UserError if another worker is lost, for which TensorFlow has many errors."""
        try:
            yield
        except tf.errors.OpError as error:
            if isinstance(error, _OF_THIS_WORKER) or not self._several:
                raise
            message = undecodable_image_message(error)
            if message is not None:
                raise UserError(message) from error
            raise UserError(
                f"another worker of this training was lost after step {self.step}: restart all "
                f"workers to resume from the last checkpoint"
            ) from error

    def _preview(self, step: int, on_progress: OnProgress) -> None:
        """Writes the stage's previews with averaged weights to TensorBoard."""
        source, count = self._test or self._train, self._config.sample_images
        examples = next(iter(source.evaluation_examples(count, limit=count)))
        examples = Examples(*(part[: source.num_examples] for part in examples))
        with self.state.average.in_place():
            for title, images in self._stage.previews(examples, on_progress).items():
                self.summaries.images("test", step, title, images)

    def _require_finite(self, step: int, metrics: dict[str, float]) -> None:
        """Raises UserError if a metric is not finite, before diverged weights are saved."""
        if not all(np.isfinite(value) for value in metrics.values()):
            values = ", ".join(f"{name} {value:g}" for name, value in metrics.items())
            self._stop_at_last_good(step, "diverged", values)

    def _save(self, step: int, recent: list[dict[str, float]]) -> None:
        """Writes a checkpoint if the training passes its health checks; else raises UserError."""
        if recent:
            self._require_health(step, _means(recent))
        if not self.state.is_finite():
            self._stop_at_last_good(step, "failed", "weights are not finite")
        self.state.save()

    def _require_health(self, step: int, means: dict[str, float]) -> None:
        """Raises UserError if the stage's health check fails."""
        reason = self._stage.trouble(means)
        if reason is not None:
            self._stop_at_last_good(step, "failed", reason)

    def _stop_at_last_good(self, step: int, verb: str, reason: str) -> NoReturn:
        last = self.state.checkpoints.newest
        start = f" that starts with `init_from`={self._directory.parent}" if last else ""
        raise UserError(
            f"training {verb} at step {step} of stage {self._stage.name} ({reason}); "
            f"the last good checkpoint is {last or 'none'}: in another `workdir`{start}, "
            f"lower `learning_rate` or set `clip_norm`"
        )

    def _train_step(self, examples: Examples) -> dict[str, tf.Tensor]:
        """Performs one step on all replicas; returns metrics averaged over them."""

        def replica_step(examples: Examples):
            metrics = self._stage.train_step(examples, self.state.step)
            self.state.average.update(self.state.step)
            return metrics

        metrics = self._strategy.run(replica_step, (examples,))
        self.state.step.assign_add(1)
        return {k: self._strategy.reduce(_MEAN, v, axis=None) for k, v in metrics.items()}

    def _evaluate(self, step: int, test: Source, on_batch: Callable[[int], None]) -> None:
        """Writes held-out metrics with live and with averaged weights, on the same images."""
        c = self._config
        size = min(32, c.batch_size)  # fits in memory, as training does
        live = self._evaluator.evaluate(test, size, c.evaluate_images, on_batch)
        with self.state.average.in_place():
            averaged = self._evaluator.evaluate(test, size, c.evaluate_images, on_batch)
            self.summaries.scalars("test", step, self._more_figures())
        for run, metrics in (("test_live_weights", live), ("test", averaged)):
            means = {name: value.mean() for name, value in metrics.items()}
            self.summaries.scalars(run, step, means)
        self.summaries.flush()


def _means(metrics: list[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([m[name] for m in metrics])) for name in metrics[0]}
