#!/usr/bin/env python3
"""Measures the memory of a training step of SPNs on 32x32 slices and of decoders on whole images.

    python benchmarks/memory.py [--flagfile=configs/celeba_3bit.flags] [--batch=1]

Other flags are those of bin/train.

Section 3.2 of the paper: with slices of a fixed 32x32, memory stays about constant as images grow.
The memory of a decoder on whole images grows with the square of the number of pixels. Each row is
measured in its own process, at the widths of the flagfile. Memory is the peak resident set during
the second step minus that before the first, so it excludes parameters and optimizer.
"""

import os
import pathlib
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
from absl import flags
from experiment_flags import built_stage, described_experiment, run_benchmark
from random_examples import random_examples

from cascade_tf.experiment import Experiment
from spn_tf.config import SPNConfig

flags.DEFINE_integer("batch", 1, "Images per step.")
flags.DEFINE_bool("worker", False, "Measure one model, in this process.")
FLAGS = flags.FLAGS

CONFIG = pathlib.Path(__file__).resolve().parent.parent / "configs" / "celeba_3bit.flags"
SPN = ((64, 2), (128, 4), (256, 8))  # image size, scale
DECODER = ((32, 1), (64, 1))


def _resident() -> float:
    """Bytes of the process's resident set."""
    pages = pathlib.Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _peak_since_reset() -> float:
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    raise OSError("no VmHWM in /proc/self/status")


def measure(experiment: Experiment) -> float:
    """Bytes of a training step beyond parameters and optimizer."""
    (name,) = experiment.stage_names
    stage, data = built_stage(experiment, name), experiment.data(name)
    examples = random_examples(FLAGS.batch, data.image_size, data.channels)
    step = tf.function(lambda: stage.train_step(examples, tf.constant(0, tf.int64)))
    before = _resident()
    step()
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    step()
    return _peak_since_reset() - before


def _run(size: int, scale: int) -> float:
    sizes = [f"--image_size={size}", f"--scale={scale}", "--upscaling=none"]
    worker = [sys.executable, *sys.argv, *sizes, "--worker", "--jit_compile=false"]
    done = subprocess.run(worker, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return float(done.stdout)


def main(arguments: list[str]) -> None:
    experiment = described_experiment(arguments)
    if FLAGS.worker:
        print(measure(experiment))
        return
    config = experiment.settings(SPNConfig, experiment.stage_names[0])
    rows = config.decoder_attention_layers * config.decoder_attention_heads
    for name, cases in (("SPN, slices of 32x32", SPN), ("decoder on whole images", DECODER)):
        first = None
        for size, scale in cases:
            peak = _run(size, scale)
            first = first or peak
            print(f"{name}, {size}x{size}: {peak / 1e9:.2f} GB, {peak / first:.2f} x", flush=True)
    for size in (128, 256):
        attention = 4.0 * FLAGS.batch * rows * size**4
        print(
            f"decoder on whole images, {size}x{size}: not run, its attention weights alone are "
            f"{attention / 1e9:,.0f} GB"
        )


if __name__ == "__main__":
    if not any(argument.startswith("--flagfile") for argument in sys.argv):
        sys.argv.insert(1, f"--flagfile={CONFIG}")
    run_benchmark(main)
