#!/usr/bin/env python3
"""Times training, likelihood and sampling of growing images in 32x32 slices, in one run.

    python benchmarks/scaling.py [--shrink=4]

The layers are CelebA-HQ's (Table 4) with divided widths, batch 1, on images of 32x32 to 256x256 in
1 to 64 slices. The last lines fit time = pixels ** exponent to sizes from 64x64 up, by least
squares of logarithms: 0 is constant, 1 is linear. The size 32x32 is left out as it has no embedder.
"""

import dataclasses
import itertools
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from absl import app, flags
from random_examples import random_examples
from timing import fastest
from widths import shrunk

from cascade_tf import SampleRequest
from spn_tf.config import SPNConfig
from spn_tf.ordering import image_to_slices, slices_to_image
from spn_tf.sampling import UNKNOWN
from spn_tf.spn_stage import SPNStage
from spn_tf.training_config import SPNTrainingConfig

flags.DEFINE_integer("shrink", 4, "Divisor of the widths.")
flags.DEFINE_list("sizes", ["32", "64", "128", "256"], "Image sizes.")
FLAGS = flags.FLAGS

SLICE = 32
WORK = ("training step", "likelihood", "sampling")


def measure(size: int) -> tuple[float, ...]:
    """Seconds of a training step, a likelihood and a sample of one image, without compiling."""
    whole = dataclasses.replace(SPNConfig(), height=size, width=size, scale=size // SLICE)
    stage = SPNStage("spn", shrunk(whole, FLAGS.shrink), SPNTrainingConfig())
    stage.build()
    examples = random_examples(1, size)
    number = tf.constant(0, tf.int64)
    train, evaluate = tf.function(stage.train_step), tf.function(stage.evaluate_step)

    def sample(known: tf.Tensor | None = None) -> None:
        stage.sample(SampleRequest(1, known=known)).numpy()

    train(examples, number)
    evaluate(examples)
    slices = image_to_slices(tf.cast(examples.images, tf.int32), stage.config.scale)
    last = tf.fill(tf.shape(slices[:, -1:]), UNKNOWN)
    sample(slices_to_image(tf.concat([slices[:, :-1], last], axis=1), stage.config.scale))
    return (
        fastest(lambda: train(examples, number)["bits_per_dim"].numpy(), 5),
        fastest(lambda: evaluate(examples)["nats"].numpy(), 2),
        fastest(sample, 1),
    )


def main(_: list[str]) -> None:
    print("| image |", " | ".join(f"{work}, s" for work in WORK), "|\n|---|---|---|---|")
    sizes, times = [int(size) for size in FLAGS.sizes], []
    for size in sizes:
        times.append(measure(size))
        figures = " | ".join(f"{seconds:.2f}" for seconds in times[-1])
        print(f"| {size}x{size} | {figures} |", flush=True)
    fitted = [i for i, size in enumerate(sizes) if size > SLICE]
    pixels = np.log([sizes[i] ** 2 for i in fitted])
    for work, seconds in zip(WORK, zip(*times, strict=True), strict=True):
        exponent, _ = np.polyfit(pixels, np.log([seconds[i] for i in fitted]), 1)
        steps = [b / a for a, b in itertools.pairwise(seconds[i] for i in fitted)]
        growth = ", ".join(f"{step:.2f}" for step in steps)
        print(f"{work}: pixels ** {exponent:.2f}; from size to size {growth} x")


if __name__ == "__main__":
    app.run(main)
