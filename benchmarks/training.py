#!/usr/bin/env python3
"""Compares the arithmetic rate of SPN training steps with the machine's best rate, in one run.

    python benchmarks/training.py [--configs=celeba,imagenet64] [--batches=1,4]

For the first stage of each flagfile at full width, and for each precision, it prints the ratio of
two rates. The first is the useful arithmetic of a training step per second: forward and backward
pass, without masked taps, padding and recomputation. The second is this machine's fastest
convolution or matrix product at that precision, measured before and after the steps. Each row is
measured in its own process. Other flags are those of bin/train.
"""

import os
import pathlib
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from absl import flags
from best_rate import best_rate
from experiment_flags import built_stage, described_experiment, run_benchmark
from random_examples import random_examples
from timing import fastest

from cascade_tf.errors import UsageError
from cascade_tf.examples import Examples
from cascade_tf.experiment import Experiment
from spn_tf.attention import ParameterAttention, SelfAttention
from spn_tf.likelihood_stage import LikelihoodStage
from spn_tf.masked_convolution import HorizontalConvolution, VerticalConvolution
from spn_tf.slice_decoder import SliceDecoder
from spn_tf.subscale_pixel_network import SubscalePixelNetwork

flags.DEFINE_list("configs", ["celeba", "imagenet64"], "Names of flagfiles in configs/.")
flags.DEFINE_list("batches", ["1", "4"], "Images per step; the fastest rate is reported.")
flags.DEFINE_list("precisions", ["float32", "bfloat16"], "Precisions of the arithmetic.")
flags.DEFINE_integer("runs", 2, "Steps that are timed; the fastest counts.")
flags.DEFINE_bool("worker", False, "Measure one config, in this process.")
FLAGS = flags.FLAGS

ROOT = pathlib.Path(__file__).resolve().parent.parent


def _taps(rows: range, columns: range, h: int, w: int) -> np.ndarray:
    """Number of positions at which each tap falls into an image of h x w, [rows, columns]."""
    return np.array([[(h - abs(y)) * (w - abs(x)) for x in columns] for y in rows])


def multiply_adds(network: SubscalePixelNetwork) -> float:
    """Multiply-adds of the forward pass of one slice."""
    if not isinstance(network.decoder, SliceDecoder):
        raise UsageError("it counts the operations of Subscale Pixel Networks alone")
    h, w = network.config.slice_height, network.config.slice_width
    positions, total = h * w, 0.0
    for layer in network._flatten_layers():
        if isinstance(layer, keras.layers.Dense):
            total += positions * np.prod(layer.kernel.shape)
        elif isinstance(layer, keras.layers.Conv2D):
            k = layer.kernel.shape[0] // 2
            taps = _taps(range(-k, k + 1), range(-k, k + 1), h, w)
            total += taps.sum() * np.prod(layer.kernel.shape[2:])
        elif isinstance(layer, VerticalConvolution):
            k = layer.size // 2
            taps = _taps(range(-k, 1), range(-k, k + 1), h, w)
            total += taps.sum() * np.prod(layer.kernel.shape[2:])
        elif isinstance(layer, HorizontalConvolution):
            taps = _taps(range(1), range(-layer.left, 1), h, w)
            total += (taps * layer.mask.sum(axis=(2, 3))).sum()
        elif isinstance(layer, SelfAttention):
            pairs = positions * (positions + 1) / 2 if layer.causal else positions**2
            total += 2 * pairs * layer.heads * layer.channels
        elif isinstance(layer, ParameterAttention):
            total += 2 * positions * layer.rows * layer.heads * layer.channels
    return total


def _step_seconds(stage: LikelihoodStage, examples: Examples) -> float:
    step, number = tf.function(stage.train_step), tf.constant(0, tf.int64)
    step(examples, number)
    return fastest(lambda: step(examples, number)["bits_per_dim"].numpy(), FLAGS.runs)


def measure(experiment: Experiment) -> None:
    """Prints the rest of a row of the table, after config's name."""
    name = experiment.stage_names[0]
    stage, data = built_stage(experiment, name), experiment.data(name)
    precision = stage.training.precision
    work = 3 * 2 * multiply_adds(stage.network)
    before = best_rate(precision)
    rates = {}
    for batch in map(int, FLAGS.batches):
        examples = random_examples(batch, data.image_size, data.channels)
        rates[batch] = batch * work / _step_seconds(stage, examples)
    reference = max(before, best_rate(precision))
    batch = max(rates, key=rates.__getitem__)
    ratios = ", ".join(f"{rate / reference:.2f} at {size}" for size, rate in rates.items())
    print(
        f"{precision} | {work / 1e9:.0f} | {batch * work / rates[batch]:.2f} s at {batch} "
        f"| {rates[batch] / 1e9:.0f} | {reference / 1e9:.0f} | {ratios} |",
        flush=True,
    )


def main(arguments: list[str]) -> None:
    if FLAGS.worker:
        measure(described_experiment(arguments))
        return
    print(
        "| config | precision | useful GFLOP of an image | step | GFLOP/s | best product, GFLOP/s "
        "| ratio |\n|---|---|---|---|---|---|---|"
    )
    for config in FLAGS.configs:
        for precision in FLAGS.precisions:
            print(f"| {config} | ", end="", flush=True)
            flagfile = f"--flagfile={ROOT / 'configs' / config}.flags"
            own = [*sys.argv[1:], f"--precision={precision}", "--worker"]
            worker = [sys.executable, __file__, flagfile, *own]
            done = subprocess.run(worker, stderr=subprocess.PIPE, text=True, check=False)
            if done.returncode:
                raise SystemExit(done.stderr)


if __name__ == "__main__":
    run_benchmark(main)
