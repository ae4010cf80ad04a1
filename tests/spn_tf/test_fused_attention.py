"""The kernel's results and gradients, interpreted on this machine, against the definition's."""

import functools
import importlib.util

import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.errors import SettingError
from cascade_tf.examples import Examples
from cascade_tf.hardware.kernel_operations import counting_operations
from spn_tf import fused_attention
from spn_tf.dot_product_attention import dot_product_attention
from spn_tf.spn_stage import SPNStage
from spn_tf.training_config import SPNTrainingConfig
from tests.spn_tf.random_networks import tiny_config


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="no wheels of jax 0.10")
@pytest.mark.parametrize(
    ("queries", "keys", "causal"),
    [((2, 2, 256, 8), (2, 2, 256, 8), True), ((2, 1024, 8), (2, 128, 8), False)],
)
def test_the_kernel_is_attention(queries, keys, causal, monkeypatch):
    interpreted = functools.partial(fused_attention._kernels, interpret=True)
    monkeypatch.setattr(fused_attention, "_kernels", interpreted)
    monkeypatch.setattr(fused_attention, "_MOST_BLOCKS", 1)  # 1024 queries are in two parts
    q, k, v, upstream = (
        tf.random.stateless_normal(shape, [i, 0])
        for i, shape in enumerate((queries, keys, keys, queries))
    )
    with counting_operations() as operations:

        @tf.function(autograph=False)
        def run(q, k, v):
            with tf.GradientTape() as tape:
                tape.watch((q, k, v))
                read = fused_attention.fused_attention(q, k, v, causal)
            return read, *tape.gradient(read, (q, k, v), upstream)

        actual = run(q, k, v)
    with tf.GradientTape() as tape:
        tape.watch((q, k, v))
        read = dot_product_attention(q, k, v, causal=causal)
    for x, y in zip(actual, (read, *tape.gradient(read, (q, k, v), upstream)), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-3, atol=1e-4)
    # Seven products of all queries with the keys of whole blocks.
    assert sum(operations) == 7 * 2 * np.prod(queries) * keys[-2]


def test_without_a_tpu_a_model_trained_with_the_kernel_is_evaluated_but_not_trained():
    config = tiny_config(height=4, width=4, bits=2, scale=2)
    stage = SPNStage("spn", config, SPNTrainingConfig(fused_attention=True))
    stage.build()
    images = tf.zeros([1, 4, 4, 3], tf.uint8)
    assert stage.log_prob(images).numpy() < 0
    with pytest.raises(SettingError, match="for TPUs, and there is none"):
        stage._gradients(Examples(images, tf.zeros([1], tf.int32), tf.zeros([1], tf.int64)))
