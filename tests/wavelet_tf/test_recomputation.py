"""Recomputed blocks give the gradients, and the statistics, of kept activations."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.examples import Examples
from tests.wavelet_tf.small_decoders import KINDS, SMALL, photographs
from tests.wavelet_tf.small_priors import gan
from wavelet_tf.training_config import DecoderTrainingConfig


@pytest.mark.parametrize("compiled", [False, True])
def test_players_have_the_gradients_and_statistics_of_kept_activations(compiled):
    found = {}
    for recompute in ("none", "all"):
        keras.utils.set_random_seed(0)
        stage = gan(config={"attention_size": 8}, recompute=recompute, jit_compile=compiled)
        stage.build()
        pixels = tf.random.stateless_uniform([4, 32, 32, 1], [0, 1], 0, 256, tf.int32)
        labels, indices = tf.constant([3, 0, 7, 3]), tf.range(4, dtype=tf.int64)
        examples = Examples(tf.cast(pixels, tf.uint8), labels, indices)
        _, of_discriminator = stage._discriminating.gradients(examples, 1)
        _, of_generator = stage._generating.gradients(examples, 1)
        statistics = stage.generator.non_trainable_variables
        found[recompute] = [*of_discriminator, *of_generator, *(v.value for v in statistics)]
        assert any("moving" in v.path for v in statistics)
    for x, y in zip(found["all"], found["none"], strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_decoders_have_the_gradients_and_statistics_of_kept_activations(kind):
    found = {}
    for recompute in ("none", "all"):
        keras.utils.set_random_seed(0)
        stage = kind(SMALL[kind], 1, DecoderTrainingConfig(recompute=recompute))
        stage.build()
        before = [v.numpy() for v in stage.decoder.non_trainable_variables]
        _, _, gradients = stage._compiled_gradients(photographs(3), 1)
        statistics = [v.numpy() for v in stage.decoder.non_trainable_variables]
        assert any((a != b).any() for a, b in zip(before, statistics, strict=True))
        found[recompute] = [*gradients, *statistics]
    for x, y in zip(found["all"], found["none"], strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-6)
