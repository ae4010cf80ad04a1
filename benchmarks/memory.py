#!/usr/bin/env python3
"""Measures the memory of one training step: SPNs on slices of 32x32, and decoders on whole images.

    python benchmarks/memory.py [--flagfile=configs/celeba_3bit.flags] [--batch=1]

Section 3.2 of the paper: with slices always 32x32, memory stays about the same as images grow,
while that of a decoder on whole images grows with the square of their pixels. Each row is a
process of its own, at the widths of the flagfile. Memory is the peak of resident pages during the
second step less those resident before any step: parameters and optimizer apart.
"""

import os
import pathlib
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import experiment
import flagfiles
import numpy as np
import tensorflow as tf
from absl import app, flags

from cascade_tf.examples import Examples

flags.DEFINE_integer("batch", 1, "Images of a step.")
flags.DEFINE_bool("worker", False, "Measure one model, in this process.")
SPN = ((64, 2), (128, 4), (256, 8))  # image size, scale
DECODER = ((32, 1), (64, 1))


def _resident() -> float:
    """Bytes of this process in memory."""
    pages = pathlib.Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _peak_since_reset() -> float:
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    raise OSError("no VmHWM in /proc/self/status")


def measure() -> float:
    """Bytes that a training step takes beyond parameters and optimizer."""
    made = experiment.Experiment()
    stage = made.make_stage(made.stage_names[0])
    stage.build()
    c = stage.config
    shape = [flags.FLAGS.batch, c.height, c.width, c.channels]
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    count = flags.FLAGS.batch
    examples = Examples(
        tf.constant(images), tf.zeros([count], tf.int32), tf.range(count, dtype=tf.int64)
    )
    step = tf.function(lambda: stage.train_step(examples, tf.constant(0, tf.int64)))
    before = _resident()
    step()
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    step()
    return _peak_since_reset() - before


def _run(arguments: list[str], size: int, scale: int) -> float:
    sizes = [f"--image_size={size}", f"--scale={scale}", "--upscaling=none"]
    worker = [sys.executable, __file__, *arguments, *sizes, "--worker", "--jit_compile=false"]
    done = subprocess.run(worker, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return float(done.stdout)


def main(_: list[str]) -> None:
    if flags.FLAGS.worker:
        print(measure())
        return
    arguments = sys.argv[1:]
    v = experiment.Experiment().values("spn")
    layers, heads = v["decoder_attention_layers"], v["decoder_attention_heads"]
    for name, cases in (("SPN, slices of 32x32", SPN), ("decoder on whole images", DECODER)):
        first = None
        for size, scale in cases:
            peak = _run(arguments, size, scale)
            first = first or peak
            print(f"{name}, {size}x{size}: {peak / 1e9:.2f} GB, {peak / first:.2f} x", flush=True)
    for size in (128, 256):
        attention = layers * heads * 4.0 * flags.FLAGS.batch * size**4
        print(
            f"decoder on whole images, {size}x{size}: not run, its attention weights alone are "
            f"{attention / 1e9:,.0f} GB"
        )


if __name__ == "__main__":
    default = ["--flagfile=" + str(pathlib.Path(__file__).parents[1] / "configs/celeba_3bit.flags")]
    if not any(a.startswith("--flagfile") for a in sys.argv[1:]):
        sys.argv[1:1] = default
    sys.argv[1:] = [*flagfiles.expand(sys.argv[1:]), "--workdir=/nonexistent"]
    app.run(main)
