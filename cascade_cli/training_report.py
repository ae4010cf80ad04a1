"""The end of a training: held-out figures, samples, and how to go on."""

import shlex
import sys

import tensorflow as tf

from cascade_cli.commands.sample import draw_samples
from cascade_cli.options import SampleOptions, TrainOptions
from cascade_cli.sample_files import SampleFiles
from cascade_cli.systems import FAMILIES, open_system
from cascade_cli.systems.system import System
from cascade_tf.checkpoint_files import checkpoints, step_of
from cascade_tf.data import open_source
from cascade_tf.errors import UserError, with_flags
from cascade_tf.experiment import Experiment
from cascade_tf.files import make_directory

SAMPLES = 16
# Sampling takes at most this share of the training's time, but may take the seconds.
_SHARE, _SECONDS = 0.1, 120.0


def report(
    experiment: Experiment, options: TrainOptions, strategy: tf.distribute.Strategy, seconds: float
) -> None:
    """Prints bits/dim of held-out images, draws samples, and says how to train on.

    The samples are files in WORKDIR/samples/step_N, with N of the last stage.

    Args:
        experiment: whose stages are all trained.
        options: of the training.
        strategy: of one machine.
        seconds: that the training took, for the time limit of the sampling.
    """
    # From the records alone: the user's settings may be for one stage.
    experiment = Experiment(experiment.workdir, FAMILIES)
    system = open_system(experiment, options)
    _say("held out", _held_out(experiment, system, strategy))
    if system.samples:
        try:
            samples = _samples(experiment, system, strategy, max(_SECONDS, _SHARE * seconds))
        except UserError as error:
            samples = f"none, {with_flags(str(error))}"
        _say("samples", samples)
    here = f"--workdir={shlex.quote(str(experiment.workdir))}"
    # A stage that others learned from is not trained further.
    needed = {n for name in experiment.stage_names for n in experiment.make_stage(name).needs}
    stages = [f"--stage={name}" for name in experiment.stage_names if name not in needed]
    stage = f" {' or '.join(stages)}" if needed else ""
    _say("train on", f"cascade-tf train {here}{stage}, with more --max_minutes or --steps")
    images = "" if system.samples else " --from_images=FOLDER"
    recorded = experiment.recorded(experiment.stage_names[0])
    split = " --split=all" if recorded.get("split") == "all" else ""
    sample = f"cascade-tf sample {here} --output_dir=S{images}"
    _say("use it", f"cascade-tf evaluate {here}{split}; {sample}")


def _say(title: str, text: str | None) -> None:
    if text:
        print(f"{title}: {text}", file=sys.stderr)


def _held_out(
    experiment: Experiment, system: System, strategy: tf.distribute.Strategy
) -> str | None:
    """Figures of as many held-out images as the training evaluated; None if it did not."""
    training = experiment.training(experiment.stage_names[-1])
    if not training.evaluate_every:
        return None
    try:
        for stage in experiment.stage_names:
            experiment.require_held_out(stage)
        source = open_source(experiment.data_of_all_stages(), "test")
        count = min(source.num_examples, training.evaluate_images)
        return system.held_out(strategy, source, count)
    except UserError as error:
        return f"not evaluated, {with_flags(str(error))}"


def _samples(
    experiment: Experiment, system: System, strategy: tf.distribute.Strategy, seconds: float
) -> str:
    stages = experiment.load_stages(strategy)
    step = step_of(checkpoints(str(experiment.directory(stages[-1].name) / "checkpoints"))[-1])
    directory = experiment.workdir / "samples" / f"step_{step}"
    drawing = system.drawing(stages, SampleOptions(num_samples=SAMPLES), 0)
    make_directory(directory)
    files = SampleFiles(directory, drawing.in_a_row)
    size = min(SAMPLES, experiment.inference_batch_size(*experiment.stage_names))
    finished, _ = draw_samples(drawing, size, system.sampling_unit, files, seconds)
    if not finished:
        return "none, as drawing them takes too long: cascade-tf sample has no time limit"
    return f"{finished} in {files.page}"
