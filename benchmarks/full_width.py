#!/usr/bin/env python3
"""Runs every stage of a config at full width on random images and prints time and peak memory.

    python benchmarks/full_width.py --flagfile=configs/celeba.flags

It takes the flags of bin/train for Subscale Pixel Networks and the models that they are compared
with. Each stage runs in its own process with a batch of one image: one training step, the
likelihood (all slices), and the first slice of a sample.
"""

import contextlib
import itertools
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
from absl import flags
from experiment_flags import built_stage, described_experiment, run_benchmark
from random_examples import random_examples

from cascade_tf import SampleRequest
from cascade_tf.experiment import Experiment
from spn_tf.spn_stage import SPNStage

flags.DEFINE_string("worker", None, "The stage to run in this process.")
FLAGS = flags.FLAGS


class _Enough(Exception):
    pass


def _timed(work: str, run: Callable[[], object]) -> None:
    began = time.monotonic()
    run()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    seconds = time.monotonic() - began
    print(f"  {work}: {seconds:.0f} s, peak memory so far {peak / 1e9:.1f} GB", flush=True)


def run_stage(experiment: Experiment, name: str) -> None:
    """Prints time and peak memory of a training step, a likelihood and a slice of a sample."""
    stage = built_stage(experiment, name)
    print(f"{name}: {stage.parameters():,} parameters", flush=True)
    data = experiment.data(name)
    examples = random_examples(1, data.image_size, data.channels)
    slices = itertools.count(1)

    def on_progress() -> None:
        # The first slice of a size stage is the condition, not a sample.
        given = isinstance(stage, SPNStage) and stage.first_slice_given
        if next(slices) == 1 + given:
            raise _Enough

    condition = stage.condition(examples.images)
    request = SampleRequest(examples.indices, condition=condition, on_progress=on_progress)

    def sample() -> None:
        with contextlib.suppress(_Enough):
            stage.sample(request)

    step = tf.constant(0, tf.int64)
    _timed("one training step", lambda: tf.function(stage.train_step)(examples, step))
    _timed("exact likelihood", lambda: tf.function(stage.evaluate_step)(examples))
    _timed("one slice of a sample, compiled", sample)


def main(arguments: list[str]) -> None:
    experiment = described_experiment(arguments)
    if FLAGS.worker is not None:
        run_stage(experiment, FLAGS.worker)
        return
    for name in experiment.stage_names:
        worker = [sys.executable, *sys.argv, f"--worker={name}"]
        worker.append("--jit_compile=false")  # compiling takes longer than a step
        done = subprocess.run(worker, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)


if __name__ == "__main__":
    run_benchmark(main)
