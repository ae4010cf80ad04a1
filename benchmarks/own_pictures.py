#!/usr/bin/env python3
"""Measures the cost of the networks that `train --data_dir=PICTURES` chooses from.

    python benchmarks/own_pictures.py

Prints the time of a training step of each in products of two matrices of 1024x1024, on 32x32 images
in colour at scale 4 and batch 32: `cost` in `cascade_cli/own_pictures/networks.py`. Each core has a
part of the batch, and as many products are computed at a time. Steps and products alternate, since
other users may share the machine, and the fastest of each count.
"""

import math
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from absl import app

from cascade_cli.own_pictures.networks import NETWORKS, Network
from cascade_cli.own_pictures.speed import product_of_matrices
from cascade_tf.examples import Examples
from cascade_tf.strategies import set_intra_op_threads
from spn_tf.config import SPNConfig
from spn_tf.spn_stage import SPNStage
from spn_tf.training_config import SPNTrainingConfig

_ROUNDS = 20
_PARTS = math.gcd(32, os.cpu_count() or 1)


def measure(network: Network) -> None:
    """Prints seconds of a step and of a product, and their ratio."""
    training = SPNTrainingConfig(optimizer="muon", jit_compile=False, batch_parts=_PARTS)
    config = SPNConfig.small(intensity_distribution="logistic_mixture", **network.sizes)
    stage = SPNStage("spn", config, training)
    stage.build()
    images = np.random.default_rng(0).integers(0, 256, [32, 32, 32, 3], np.uint8)
    labels, indices = tf.zeros([32], tf.int32), tf.range(32, dtype=tf.int64)
    examples = Examples(tf.constant(images), labels, indices)
    number = tf.constant(0, tf.int64)
    step = tf.function(lambda: stage.train_step(examples, number), autograph=False)

    def seconds_of_a_step() -> float:
        began = time.perf_counter()
        float(step()[stage.headline])
        return time.perf_counter() - began

    product = product_of_matrices()
    seconds_of_a_step()  # compiles
    steps, products = [], []
    for _ in range(_ROUNDS):
        steps.append(seconds_of_a_step())
        products += [product() for _ in range(5)]
    best, unit = min(steps), min(products) / _PARTS
    print(
        f"{stage.parameters():,} weights: step {1e3 * best:.0f} ms, product {1e3 * unit:.2f} ms, "
        f"cost {best / unit:.1f}",
        flush=True,
    )


def main(_: list[str]) -> None:
    set_intra_op_threads(1)
    for network in NETWORKS:
        measure(network)


if __name__ == "__main__":
    app.run(main)
