#!/usr/bin/env python3
"""Times the fast sampler of each model against a pass of the whole network for each subpixel.

    python benchmarks/cached_sampling.py

The networks are those of configs/compare/digits, with random weights, on grey images of 32x32, 16
at once. Columns:

- passes: of the whole network, that drawing needs without a cache: one for each subpixel.
- without: seconds of these passes, from the fastest of three single ones.
- sampler: seconds that the sampler takes, without compilation, the fastest of three.
- times as fast: their ratio.

A second table has the passes and the time of a Parallel Multiscale PixelCNN by size of the images:
one for each subpixel of its base, and for each colour of the three groups of each doubling.
"""

import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
from absl import app, flags
from experiment_flags import described_experiment
from timing import fastest

from cascade_cli import flagfiles
from cascade_tf.cascade import sample_cascade
from cascade_tf.sample_request import SampleRequest
from spn_tf.spn_stage import SPNStage

CONFIGS = pathlib.Path(__file__).resolve().parent.parent / "configs" / "compare" / "digits"
SYSTEMS = ("spn_16x16", "decoder", "gated_pixelcnn", "pixelsnail", "image_transformer")

flags.DEFINE_list("systems", list(SYSTEMS), "Flagfiles of configs/compare/digits.")
flags.DEFINE_list("sizes", ["8", "16", "32", "64"], "Sides of the images of the second table.")
flags.DEFINE_integer("batch", 16, "Images at once.", lower_bound=1)
FLAGS = flags.FLAGS


def stages_of(config: str, *overrides: str) -> list[SPNStage]:
    """The built stages of a flagfile of configs/compare/digits."""
    arguments = flagfiles.expand([f"--flagfile={CONFIGS / config}.flags"])
    of_model = [flag for flag in arguments if not flag.startswith("--max_minutes")]
    experiment = described_experiment([*of_model, *overrides])
    stages = []
    for name in experiment.stage_names:
        stage = experiment.make_stage(name)
        assert isinstance(stage, SPNStage)
        stage.build()
        stages.append(stage)
    return stages


def seconds_of_a_pass(stage: SPNStage) -> float:
    """Of the logits of the last slice of each image."""
    c = stage.config
    slices = tf.zeros(
        [FLAGS.batch, c.scale**2, c.slice_height, c.slice_width, c.channels], tf.int32
    )
    target = tf.fill([FLAGS.batch], c.scale**2 - 1)
    logits = tf.function(stage.network, jit_compile=True, autograph=False)
    logits(slices, target)
    return fastest(lambda: logits(slices, target).numpy())


def seconds_of_samples(stages: list[SPNStage]) -> float:
    """Of a batch of images, through all stages."""

    def draw() -> None:
        sample_cascade(stages, SampleRequest(FLAGS.batch))[-1].numpy()

    draw()
    return fastest(draw)


def passes(stage: SPNStage) -> int:
    """Passes of the whole network for an image."""
    c = stage.config
    if c.system == "parallel_multiscale":
        return 3 * c.channels
    return c.dimensions


def main(_: list[str]) -> None:
    print(f"{'':24}passes  without, s  sampler, s  times as fast")
    for system in FLAGS.systems:
        [stage] = stages_of(system)
        without = passes(stage) * seconds_of_a_pass(stage)
        sampler = seconds_of_samples([stage])
        ratio = without / sampler
        print(
            f"{system:24}{passes(stage):6}{without:12.2f}{sampler:12.3f}{ratio:15.0f}", flush=True
        )
    print("\nparallel_multiscale     passes  sampler, s  passes of a gated PixelCNN")
    for size in map(int, FLAGS.sizes):
        stages = stages_of("parallel_multiscale", f"--image_size={size}")
        count = sum(map(passes, stages))
        sampler = seconds_of_samples(stages)
        print(f"{size:>10}x{size:<13}{count:6}{sampler:12.3f}{size**2:28}", flush=True)


if __name__ == "__main__":
    app.run(main)
