"""Tiny flows with all trained weights random, as zero weights would hide errors."""

import numpy as np
import tensorflow as tf

from cascade_tf.serializable_layer import SerializableLayer
from spn_tf.glow.config import GlowConfig
from spn_tf.glow.glow import Glow

RNG = np.random.default_rng(0)


def randomize(layer: SerializableLayer, seed: int = 0, deviation: float = 0.1) -> None:
    """Adds normal noise to every trained weight; permutations and signs stay what they are."""
    rng = np.random.default_rng(seed)
    for weight in layer.trainable_weights:
        weight.assign(weight + rng.normal(0, deviation, weight.shape).astype(weight.dtype))


def tiny_config(**changes) -> GlowConfig:
    sizes = dict(height=4, width=4, glow_levels=2, glow_depth=2, glow_hidden_channels=6)
    return GlowConfig(**(sizes | changes))


def random_glow(dtype: str = "float32", seed: int = 0, **changes) -> Glow:
    network = Glow(tiny_config(**changes), dtype=dtype)
    network.build()
    randomize(network, seed)
    return network


def images_of(config: GlowConfig, count: int, dtype: str = "float32") -> tf.Tensor:
    """Continuous images [count, H, W, C], uniform in [-0.5, 0.5)."""
    shape = (count, config.height, config.width, config.channels)
    return tf.constant(RNG.uniform(-0.5, 0.5, shape), dtype)


def log_abs_determinant(function, x: tf.Tensor) -> np.ndarray:
    """log|det| of the Jacobian of a function of one image x [1, H, W, C], by differentiation.

    Outputs may be several tensors, whose numbers together are as many as x's.
    """
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = tf.concat([tf.reshape(each, [-1]) for each in tf.nest.flatten(function(x))], axis=0)
    jacobian = tape.jacobian(y, x, experimental_use_pfor=False)
    return np.linalg.slogdet(np.reshape(jacobian, [y.shape[0], -1])).logabsdet
