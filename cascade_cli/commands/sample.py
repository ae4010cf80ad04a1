"""Samples images, or upscales a folder of images.

It writes these files:

- samples.png: a grid;
- samples.npz: `images`, uint8 [N, H, W, C];
- stages.png: each sample's stages side by side; several samples in a row if there are many. A
  given small image stands first. For decoders without a prior, the first two are the image of the
  folder and its latent;
- stages.npz: the stages of stages.png by name, if there are several.
"""

import contextlib
import itertools
import math
import signal
import time

import numpy as np
from etils import epath

from cascade_cli import sample_files
from cascade_cli.options import SampleOptions
from cascade_cli.sample_files import SampleFiles
from cascade_cli.systems import open_system
from cascade_cli.systems.system import Drawing, System
from cascade_tf.errors import UsageError
from cascade_tf.experiment import Experiment
from cascade_tf.files import make_directory, refuse_to_overwrite
from cascade_tf.interruption import Interrupted, StopRequest
from cascade_tf.progress import ProgressBar
from cascade_tf.strategies import make_strategy


class _Stop(Exception):
    """Raised between two parts of the work, on a signal or at the end of the time."""


def main(experiment: Experiment, options: SampleOptions) -> None:
    """Samples from a trained experiment."""
    system = open_system(experiment, options)
    _refuse_options_without_effect(options, system)
    if not options.output_dir:
        raise UsageError("`output_dir` is missing: name a directory for the samples")
    output = epath.Path(options.output_dir).expanduser()
    if not options.overwrite:
        refuse_to_overwrite(output / name for name in sample_files.NAMES)
    stages = experiment.load_stages(make_strategy(options.strategy))
    drawing = system.drawing(stages, options, experiment.sampling_seed())
    make_directory(output)
    files = SampleFiles(output, drawing.in_a_row)
    size = experiment.inference_batch_size(*experiment.stage_names)
    finished, stopped = draw_samples(drawing, size, system.sampling_unit, files)
    if finished < drawing.count:
        raise Interrupted(
            stopped or signal.SIGINT,
            f"stopped after {finished} of {drawing.count} images: {files.page}",
        )
    print(f"{finished} images: {files.page}")


def draw_samples(
    drawing: Drawing, size: int, unit: str, files: SampleFiles, seconds: float = math.inf
) -> tuple[int, int | None]:
    """Writes the samples, batch by batch.

    Args:
        drawing: the samples.
        size: largest size of a batch.
        unit: name of the parts that the progress bar counts.
        files: written as batches are finished.
        seconds: time limit; the samples finished by then are written.

    Returns:
        The number of finished samples, and the signal that stopped it early, if any.

    Raises:
        Interrupted: by a signal, before a sample was finished.
    """
    end = time.monotonic() + seconds
    total = drawing.count
    size = min(total, size)
    starts = range(0, total, size)
    parts = len(starts) * sum(stage.sampling_parts for stage in drawing.stages)
    columns: dict[str, np.ndarray] = {}  # uint8 [N, h, w, C], by name
    # Poll for signals: an exception raised by a handler is lost if a destructor is running.
    with StopRequest() as stop, ProgressBar("sample", parts, unit) as bar:
        done = itertools.count(1)

        def on_progress() -> None:
            with stop.at_closed_pipe():
                bar.update(next(done))
            if stop.signal is not None or time.monotonic() > end:
                raise _Stop

        with contextlib.suppress(_Stop):
            for start in starts:
                # Fill up the last batch, so that one compiled program serves all.
                numbers = np.arange(start, start + size) % total
                for name, images in drawing.draw(numbers, on_progress).items():
                    before = [columns[name]] if name in columns else []
                    columns[name] = np.concatenate([*before, images[: total - start]])
                files.write_some(columns)
    if not columns:
        if stop.signal is None:
            return 0, None
        raise Interrupted(stop.signal, "stopped before an image was finished")
    files.write(columns)
    return len(columns[drawing.stages[-1].name]), stop.signal


def _refuse_options_without_effect(options: SampleOptions, system: System) -> None:
    gan_options = (
        "truncation",
        "interpolate",
        "line_images",
        "truncation_kind",
        "standing_batches",
    )
    has_images = options.from_images is not None
    for name in gan_options:
        if options.is_given(name) and not system.truncates:
            raise UsageError(f"`{name}` needs a GAN, and this experiment has none")
        if options.is_given(name) and has_images:
            raise UsageError(f"`{name}` means nothing with `from_images`")
    if options.is_given("classes") and has_images and not system.has_likelihood:
        raise UsageError("`classes` means nothing with `from_images`")
    if options.is_given("line_images") and not options.interpolate:
        raise UsageError("`line_images` means nothing without `interpolate`")
    if not has_images and not system.samples:
        raise UsageError(
            "`from_images` is missing: there is no prior to sample from, so name a folder of images"
        )
    for name, needs_images in {"num_samples": False, "draws": True, "given_bits": True}.items():
        if options.is_given(name) and needs_images != has_images:
            word = "without" if needs_images else "with"
            raise UsageError(f"`{name}` means nothing {word} `from_images`")
