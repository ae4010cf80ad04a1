#!/usr/bin/env python3
"""Compares the arithmetic rate of GAN training steps with the machine's best rate.

    python benchmarks/gan.py [--batches=4,16] [--numbers=0,1]

A step updates the discriminator once and the generator once. For each case, in its own process, it
prints the ratio of two rates. The first is the useful arithmetic of a step per second: products and
convolutions, forward and backward, without taps in the padding. The second is this machine's
fastest convolution or matrix product, measured before and after the steps. Other flags are those
of bin/train and apply to all cases.
"""

import json
import os
import pathlib
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from absl import flags
from best_rate import best_rate
from experiment_flags import described_experiment, run_benchmark
from random_examples import random_examples
from timing import fastest

from cascade_tf.experiment import Experiment
from wavelet_tf.gan_stage import GANStage

ROOT = pathlib.Path(__file__).resolve().parent.parent
_PIXELS = f"--flagfile={ROOT}/configs/biggan_imagenet256.flags"
_CH64 = ("--gan_generator_width=64", "--gan_discriminator_width=64", "--gan_accumulations=1")
_AT_64 = (_PIXELS, *_CH64, "--image_size=64", "--gan_z_size=100", "--gan_attention_size=32")
CASES = {
    "biggan, ch 64, 64x64": _AT_64,
    "biggan_deep, ch 64, 64x64": (*_AT_64, "--architecture=biggan_deep"),
    "biggan, ch 64, 256x256": (_PIXELS, *_CH64),
    "nsb_imagenet256, prior": (f"--flagfile={ROOT}/configs/nsb_imagenet256.flags",),
    "biggan_imagenet256": (_PIXELS, "--gan_accumulations=1"),
}

flags.DEFINE_list("batches", ["4", "16"], "Images per step, for all cases.")
flags.DEFINE_list("numbers", [str(n) for n in range(len(CASES))], "The cases to run, from 0.")
flags.DEFINE_integer("runs", 3, "Steps that are timed; the fastest counts.")
flags.DEFINE_bool("worker", False, "Measure one case, in this process.")
FLAGS = flags.FLAGS


def _taps(positions: int, size: int) -> int:
    """Taps of a kernel along one side that fall into the image, summed over all positions."""
    return positions * size - (size // 2) * (size // 2 + 1)


def _multiply_adds(graph: tf.Graph) -> float:
    """Multiply-adds of a forward pass; convolutions count only the taps inside the image."""
    total = 0.0
    for op in graph.get_operations():
        shapes = [tensor.shape for tensor in op.inputs]
        if op.type == "Conv2D":
            (_, height, width, _), (rows, columns, inputs, outputs) = shapes
            across = [
                n * k - (k // 2) * (k // 2 + 1) for n, k in ((height, rows), (width, columns))
            ]
            total += op.outputs[0].shape[0] * np.prod(across) * inputs * outputs
        elif op.type in ("MatMul", "BatchMatMulV2"):
            shared = shapes[0][-2 if op.node_def.attr["transpose_a"].b else -1]
            total += np.prod(op.outputs[0].shape) * shared
    return total


def step_multiply_adds(stage: GANStage, batch: int) -> float:
    """Multiply-adds of a step: 2 batches through the generator, 3 through the discriminator."""
    c = stage.config
    z = tf.TensorSpec([batch, c.z_size], tf.float32)
    labels = tf.TensorSpec([batch], tf.int32)
    images = tf.TensorSpec([batch, c.size, c.size, c.channels], tf.float32)
    generate = tf.function(stage.generator).get_concrete_function(z, labels, training=True)
    discriminate = tf.function(stage.discriminator).get_concrete_function(images, labels)
    generator, discriminator = _multiply_adds(generate.graph), _multiply_adds(discriminate.graph)
    # Forward pass, gradients of inputs and gradients of weights each cost one pass.
    # Discriminator's step: 1 pass of the generator, 3 of the discriminator on two batches.
    # Generator's step: 3 passes of the generator, 2 of the discriminator (no weight gradients).
    return 4 * generator + 8 * discriminator


def _step_seconds(stage: GANStage, side: int, batch: int) -> float:
    """Seconds of a training step on images of that side."""
    number = tf.constant(0, tf.int64)
    examples = random_examples(batch, side, stage.config.channels)
    step = tf.function(stage.train_step)
    step(examples, number)
    return fastest(lambda: step(examples, number)["D_real"].numpy(), FLAGS.runs)


def measure(experiment: Experiment) -> dict[str, dict[str, float]]:
    """By batch size: `seconds` and `operations` of a step, and the `best` rate."""
    name = experiment.stage_names[0]
    stage, side = experiment.make_stage(name), experiment.data(name).image_size
    assert isinstance(stage, GANStage)
    stage.build()
    precision = stage.training.precision
    before = best_rate(precision)
    steps = {
        size: {
            "seconds": _step_seconds(stage, side, int(size)),
            "operations": 2 * step_multiply_adds(stage, int(size)),
        }
        for size in FLAGS.batches
    }
    best = max(before, best_rate(precision))
    return {batch: figures | {"best": best} for batch, figures in steps.items()}


def main(arguments: list[str]) -> None:
    if FLAGS.worker:
        print(json.dumps(measure(described_experiment(arguments))))
        return
    print(
        "| case | batch | GFLOP of an image | step, s | GFLOP/s | best product, GFLOP/s | ratio |"
    )
    print("|---|---|---|---|---|---|---|")
    for number in map(int, FLAGS.numbers):
        name, case = list(CASES.items())[number]
        worker = [sys.executable, __file__, *case, *sys.argv[1:], "--worker"]
        done = subprocess.run(worker, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
        for batch, figures in json.loads(done.stdout.splitlines()[-1]).items():
            rate = figures["operations"] / figures["seconds"]
            print(
                f"| {name} | {batch} | {figures['operations'] / int(batch) / 1e9:.1f} "
                f"| {figures['seconds']:.2f} | {rate / 1e9:.0f} | {figures['best'] / 1e9:.0f} "
                f"| {rate / figures['best']:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    run_benchmark(main)
