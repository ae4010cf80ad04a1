#!/usr/bin/env python3
"""Compares a step of Glow's flow with that of normflows, an implementation in PyTorch.

    pip install --target /tmp/normflows torch==2.13.0 normflows==1.7.3
    PYTHONPATH=/tmp/normflows python benchmarks/glow_against_normflows.py

Several steps of ours get random weights. They are carried over to normflows' `GlowBlock`: its
ActNorm, its LU-decomposed 1x1 convolution and its coupling. Features, log-determinants and
inverses are compared in float64. So are the first outputs of both ActNorms for a batch of data.

The direction from images to noise is called `inverse` in normflows.
"""

import os
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags

from spn_tf.glow.actnorm import LOG_SCALE_FACTOR, ActNorm
from spn_tf.glow.step import Step

flags.DEFINE_integer("channels", 12, "Channels of the features.")
flags.DEFINE_integer("hidden_channels", 16, "Units of the couplings' hidden layers.")
flags.DEFINE_integer("steps", 4, "Steps of flow.")
flags.DEFINE_integer("batch", 3, "Images.")
FLAGS = flags.FLAGS

HEIGHT, WIDTH = 6, 8


def _random_step(coupling: str, rng: np.random.Generator) -> Step:
    step = Step(FLAGS.hidden_channels, coupling, dtype="float64")
    step.build((None, HEIGHT, WIDTH, FLAGS.channels))
    for weight in step.trainable_weights:
        weight.assign(weight + rng.normal(0, 0.05, weight.shape))
    return step


def _block(step: Step) -> Any:
    """normflows' step with the weights of ours."""
    import normflows
    import torch

    affine = step.coupling == "affine"
    block = normflows.flows.GlowBlock(FLAGS.channels, FLAGS.hidden_channels, scale=affine).double()
    coupling, convolution, actnorm = block.flows
    values: list[tuple[torch.Tensor, np.ndarray]] = []

    # y = (x - t) exp(-s)
    log_scale = LOG_SCALE_FACTOR * step.actnorm.log_scale.numpy()
    values += [
        (actnorm.s, -log_scale[:, None, None]),
        (actnorm.t, -step.actnorm.bias.numpy()[:, None, None]),
    ]
    actnorm.data_dep_init_done = torch.tensor(1.0)

    ours = step.convolution
    values += [
        (convolution.P, ours.permutation.numpy()),
        (convolution.L, ours.lower.numpy()),
        (convolution.U, ours.upper.numpy()),
        (convolution.sign_S, ours.sign.numpy()),
        (convolution.log_S, ours.log_s.numpy()),
    ]

    layers = [each for each in coupling.flows[1].param_map.net if hasattr(each, "weight")]
    for theirs, hidden in zip(layers[:2], step.coupled.hidden, strict=True):
        values += [
            (theirs.weight, hidden.kernel.numpy().transpose(3, 2, 0, 1)),
            (theirs.bias, hidden.bias.numpy()),
        ]
    last = step.coupled.last
    scale = np.exp(LOG_SCALE_FACTOR * last.log_scale.numpy())
    kernel, bias = last.kernel.numpy() * scale, last.bias.numpy() * scale
    # Its y_2 is (x_2 - t) s. An affine coupling's outputs are t, log s, t, log s, ...
    units = FLAGS.channels // 2
    shifts = slice(units, None) if affine else slice(None)
    kernel[..., shifts] *= -1
    bias[shifts] *= -1
    if affine:
        order = np.arange(2 * units).reshape(2, units)[::-1].T.ravel()
        kernel, bias = kernel[..., order], bias[order]
    values += [(layers[2].weight, kernel.transpose(3, 2, 0, 1)), (layers[2].bias, bias)]

    with torch.no_grad():
        for tensor, value in values:
            tensor.copy_(torch.from_numpy(np.ascontiguousarray(value)))
    return block


def _compare(coupling: str, rng: np.random.Generator) -> None:
    import torch

    steps = [_random_step(coupling, rng) for _ in range(FLAGS.steps)]
    blocks = [_block(step) for step in steps]
    x = rng.normal(size=(FLAGS.batch, HEIGHT, WIDTH, FLAGS.channels))
    ours, our_total = tf.constant(x), tf.zeros([FLAGS.batch], tf.float64)
    theirs, their_total = torch.from_numpy(x.transpose(0, 3, 1, 2).copy()), 0.0
    with torch.no_grad():
        for step, block in zip(steps, blocks, strict=True):
            ours, log_determinant = step(ours)
            our_total += log_determinant
            theirs, log_determinant = block.inverse(theirs)
            their_total += log_determinant.numpy()
        back, their_back = ours, theirs
        for step, block in reversed([*zip(steps, blocks, strict=True)]):
            back = step.inverse(back)
            their_back, _ = block(their_back)
    as_ours = [each.numpy().transpose(0, 2, 3, 1) for each in (theirs, their_back)]
    print(
        f"{coupling}: log-determinants {np.round(our_total, 3)}; largest differences: "
        f"log-determinants {np.abs(our_total - their_total).max():.1e}, "
        f"features {np.abs(ours - as_ours[0]).max():.1e}, "
        f"images back {np.abs(back - as_ours[1]).max():.1e}, "
        f"from x {np.abs(back - x).max():.1e}"
    )


def _compare_initial_actnorm(rng: np.random.Generator) -> None:
    import normflows
    import torch

    x = 3 + 0.1 * rng.normal(size=(FLAGS.batch, HEIGHT, WIDTH, FLAGS.channels))
    ours = ActNorm(dtype="float64").initialise(tf.constant(x)).numpy()
    actnorm = normflows.flows.ActNorm((FLAGS.channels, 1, 1)).double()
    with torch.no_grad():
        theirs, _ = actnorm.inverse(torch.from_numpy(x.transpose(0, 3, 1, 2).copy()))
    theirs = theirs.numpy().transpose(0, 2, 3, 1)
    for name, y in (("ours", ours), ("normflows", theirs)):
        mean, variance = y.mean((0, 1, 2)), y.var((0, 1, 2))
        print(
            f"initial actnorm, {name}: means up to {np.abs(mean).max():.1e}, variances "
            f"{variance.min():.6f} to {variance.max():.6f}"
        )


def main(argv: list[str]) -> None:
    del argv
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    for coupling in ("affine", "additive"):
        _compare(coupling, rng)
    _compare_initial_actnorm(rng)


if __name__ == "__main__":
    app.run(main)
