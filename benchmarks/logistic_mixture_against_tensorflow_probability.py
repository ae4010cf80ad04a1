#!/usr/bin/env python3
"""Compares the mixture of logistics of grey images with that of TensorFlow Probability.

    pip install --no-deps --target /tmp/originals tensorflow-probability==0.25.0 \
        tf-keras==2.21.0 cloudpickle==3.1.3 decorator==5.2.1
    PYTHONPATH=/tmp/originals python benchmarks/logistic_mixture_against_tensorflow_probability.py

Theirs is `MixtureSameFamily` of `QuantizedDistribution`s of `Logistic`s. Means and scales are
computed from the parameters anew, as `LogisticMixture` describes them. Nats of all intensities,
and the gradients of their sum to the parameters, are compared in float64. In float32, both are
compared with ours in float64.

Largest differences in float64: nats 5.3e-13; gradients, which reach 547, 1.2e-11. In float32 the
nats differ from ours in float64 by 7.3e-06 (ours) and 2.8e-04 (theirs).
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import numpy as np
import tensorflow as tf
from absl import app, flags

from spn_tf.intensity_distribution import LogisticMixture
from spn_tf.intensity_prediction import middle

flags.DEFINE_integer("pixels", 50, "Pixels.")
flags.DEFINE_float("spread", 1.0, "Standard deviation of the parameters.")
FLAGS = flags.FLAGS

COMPONENTS_AND_LEVELS = [(1, 256), (5, 256), (10, 256), (10, 32), (3, 2)]


def _ours(parameters: tf.Tensor, components: int, levels: int) -> tf.Tensor:
    """Nats of all intensities, [pixels, 3 * components] to [pixels, levels]."""
    mixture = LogisticMixture(components, 1, levels, classes=levels, absolute=True)
    pixels = len(parameters)
    intensities = tf.tile(tf.range(levels)[None], [pixels, 1])
    centre = tf.fill([pixels, levels, 1], levels // 2)
    prediction = middle(centre, intensities[..., None], lowest=None).of(colour=0)
    repeated = tf.tile(parameters[:, None], [1, levels, 1])
    return mixture.nats(repeated, prediction, intensities)


def _theirs(parameters: tf.Tensor, components: int, levels: int) -> tf.Tensor:
    """Nats of all intensities, [pixels, 3 * components] to [pixels, levels]."""
    import tensorflow_probability as tfp

    dtype = parameters.dtype
    weights, offsets, log_scales = tf.split(parameters, 3, axis=-1)
    starts = tf.constant((np.arange(components) + 0.5) / components * levels, dtype)
    means = starts + offsets * levels / 8
    scales = levels / (2 * components) * tf.exp(log_scales)
    scales = tf.clip_by_value(scales, np.exp(-4.0), np.exp(8.0))
    # A quantised distribution rounds up.
    logistic = tfp.distributions.Logistic(means - 0.5, scales)
    mixture = tfp.distributions.MixtureSameFamily(
        tfp.distributions.Categorical(logits=weights),
        tfp.distributions.QuantizedDistribution(logistic, low=0, high=levels - 1),
    )
    return -tf.transpose(mixture.log_prob(tf.range(levels, dtype=dtype)[:, None]))


def _compare(components: int, levels: int, rng: np.random.Generator) -> None:
    values = rng.normal(0, FLAGS.spread, [FLAGS.pixels, 3 * components])
    results = {}
    for dtype in (tf.float64, tf.float32):
        parameters = tf.constant(values, dtype)
        for name, function in (("ours", _ours), ("theirs", _theirs)):
            with tf.GradientTape() as tape:
                tape.watch(parameters)
                nats = function(parameters, components, levels)
            gradients = tape.gradient(nats, parameters)
            results[name, dtype] = [x.numpy().astype(np.float64) for x in (nats, gradients)]
    exact = results["ours", tf.float64]
    print(
        f"components {components}, levels {levels}: nats up to {exact[0].max():.0f}, gradients up "
        f"to {np.abs(exact[1]).max():.0f}, total probability off by "
        f"{np.abs(np.exp(-exact[0]).sum(-1) - 1).max():.1e}; largest differences:"
    )
    for (name, dtype), result in results.items():
        if result is not exact:
            nats, gradients = (np.abs(x - y).max() for x, y in zip(result, exact, strict=True))
            print(f"  {name} in {dtype.name}: nats {nats:.1e}, gradients {gradients:.1e}")


def main(argv: list[str]) -> None:
    del argv
    rng = np.random.default_rng(0)
    for components, levels in COMPONENTS_AND_LEVELS:
        _compare(components, levels, rng)


if __name__ == "__main__":
    app.run(main)
