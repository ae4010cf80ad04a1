#!/usr/bin/env python3
"""Runs every stage of a config at full width on random pictures, and prints time and peak memory.

    python benchmarks/full_width.py --flagfile=configs/celeba.flags

For each stage, in a process of its own: one training step, the exact likelihood of one image (all
slices), and the first slice of a sample. Batches of one image.
"""

import itertools
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import experiment
import flagfiles
import numpy as np
import tensorflow as tf
from absl import app, flags

from cascade_tf.examples import Examples

flags.DEFINE_string("worker", None, "The stage to run in this process.")
FLAGS = flags.FLAGS


class _Enough(Exception):
    pass


def _timed(what: str, run: Callable[[], object]) -> None:
    began = time.monotonic()
    run()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    seconds = time.monotonic() - began
    print(f"  {what}: {seconds:.0f} s, peak memory so far {peak / 1e9:.1f} GB", flush=True)


def run_stage(made: experiment.Experiment, name: str) -> None:
    """Prints a line for each kind of work."""
    stage = made.make_stage(name)
    stage.build()
    print(f"{name}: {stage.parameters():,} parameters", flush=True)
    size, channels = made.values(name)["image_size"], made.values(name)["channels"]
    pixels = np.random.default_rng(0).integers(0, 256, [1, size, size, channels], dtype=np.uint8)
    images = tf.constant(pixels)
    examples = Examples(images, tf.zeros([1], tf.int32), tf.zeros([1], tf.int64))

    def sample() -> None:
        condition = stage.condition(images)
        slices = itertools.count(1)

        def on_progress() -> None:
            # A size stage's first slice is given.
            if next(slices) == 1 + stage.first_slice_given:
                raise _Enough

        try:
            stage.sample(
                examples.indices, tf.constant(0), tf.constant(1.0), condition, None, on_progress
            )
        except _Enough:
            return

    step = tf.constant(0, tf.int64)
    _timed("one training step", lambda: tf.function(stage.train_step)(examples, step))
    _timed("exact likelihood", lambda: tf.function(stage.evaluate_step)(examples))
    _timed("one slice of a sample, compiled", sample)


def main(_: list[str]) -> None:
    made = experiment.Experiment()
    if FLAGS.worker is not None:
        run_stage(made, FLAGS.worker)
        return
    for name in made.stage_names:
        worker = [sys.executable, __file__, *sys.argv[1:], f"--worker={name}"]
        worker.append("--jit_compile=false")  # compiling takes longer than a step
        done = subprocess.run(worker, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)


if __name__ == "__main__":
    sys.argv[1:] = [*flagfiles.expand(sys.argv[1:]), "--workdir=/nonexistent"]
    app.run(main)
