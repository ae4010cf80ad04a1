"""Recomputed activations give the gradients of kept ones."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.examples import Examples
from spn_tf.config import SPNConfig
from spn_tf.glow.config import GlowConfig
from spn_tf.glow.glow_stage import GlowStage
from spn_tf.spn_stage import SPNStage
from spn_tf.training_config import SPNTrainingConfig
from tests.spn_tf.random_networks import SHALLOW, tiny_config

_SIZE = dict(height=8, width=8, bits=4)
_STAGES = {
    "spn": lambda training: SPNStage(
        "spn",
        SPNConfig(**SHALLOW, **_SIZE, scale=2, dropout=0.1, convolution_dropout=0.2),
        training,
    ),
    "pixelsnail": lambda training: SPNStage(
        "snail", tiny_config("pixelsnail", **_SIZE, convolution_dropout=0.2), training
    ),
    "image_transformer": lambda training: SPNStage(
        "transformer", tiny_config("image_transformer", **_SIZE, dropout=0.1), training
    ),
    "glow": lambda training: GlowStage(
        "glow",
        GlowConfig(**_SIZE, glow_levels=2, glow_depth=1, glow_hidden_channels=8),
        training,
    ),
}
of_every_system = pytest.mark.parametrize("system", _STAGES)


def _gradients(system, recompute):
    keras.utils.set_random_seed(0)
    training = SPNTrainingConfig(jit_compile=False, recompute=recompute)
    stage = _STAGES[system](training)
    stage.build()
    pixels = tf.random.stateless_uniform([3, 8, 8, 3], [0, 1], 0, 256, tf.int32)
    examples = Examples(
        tf.cast(pixels, tf.uint8), tf.zeros([3], tf.int32), tf.range(3, dtype=tf.int64)
    )
    function = tf.function(stage._gradients, autograph=False)
    nats, gradients = function(examples, 1)
    return [nats.numpy(), *(g.numpy() for g in gradients)]


@of_every_system
def test_recomputed_attention_weights_give_the_same_bits(system):
    actual, kept = (_gradients(system, name) for name in ("attention", "none"))
    for x, y in zip(actual, kept, strict=True):
        np.testing.assert_array_equal(x, y)


@of_every_system
def test_recomputed_branches_give_the_same_gradients_in_sums_of_another_order(system):
    """A branch's gradients are summed before they meet that of the residual connection."""
    actual, kept = (_gradients(system, name) for name in ("all", "none"))
    for x, y in zip(actual, kept, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-7)
