"""Recomputed activations give the gradients of kept ones."""

import keras
import numpy as np
import tensorflow as tf

from cascade_tf.examples import Examples
from spn_tf.config import SPNConfig
from spn_tf.spn_stage import SPNStage
from spn_tf.training_config import SPNTrainingConfig
from tests.spn_tf.random_networks import SHALLOW

_CONFIG = SPNConfig(
    **SHALLOW, height=8, width=8, bits=4, scale=2, dropout=0.1, convolution_dropout=0.2
)


def _gradients(recompute, compiled):
    keras.utils.set_random_seed(0)
    training = SPNTrainingConfig(jit_compile=compiled, recompute=recompute)
    stage = SPNStage("spn", _CONFIG, training)
    stage.build()
    pixels = tf.random.stateless_uniform([3, 8, 8, 3], [0, 1], 0, 256, tf.int32)
    examples = Examples(
        tf.cast(pixels, tf.uint8), tf.zeros([3], tf.int32), tf.range(3, dtype=tf.int64)
    )
    function = tf.function(stage._gradients, jit_compile=compiled, autograph=False)
    nats, gradients = function(examples, 1)
    return [nats.numpy(), *(g.numpy() for g in gradients)]


def test_recomputed_attention_weights_give_the_same_bits():
    actual, kept = (_gradients(name, compiled=False) for name in ("attention", "none"))
    for x, y in zip(actual, kept, strict=True):
        np.testing.assert_array_equal(x, y)


def test_recomputed_branches_give_the_same_gradients_in_sums_of_another_order():
    """A branch's gradients are summed before they meet that of the residual connection."""
    actual, kept = (_gradients(name, compiled=False) for name in ("all", "none"))
    for x, y in zip(actual, kept, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-7)
