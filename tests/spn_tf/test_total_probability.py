"""The probabilities of all possible images sum to one."""

import numpy as np
import pytest
import tensorflow as tf

from spn_tf.stages import make_stages
from spn_tf.training_config import SPNTrainingConfig
from spn_tf.upscaling import UpscalingConfig
from tests.spn_tf.random_networks import (
    ABSOLUTE_MIXTURE,
    ANCHORED,
    GATED_PIXELCNN,
    IMAGE_TRANSFORMER,
    MIXTURE,
    PIXELSNAIL,
    RELATIVE,
    SOFTMAX,
    all_images,
    all_images_of,
    random_network,
    randomize,
    tiny_config,
)


def _nats(function, images):
    function = tf.function(function, autograph=False)
    parts = [function(images[i : i + 8192]).numpy() for i in range(0, len(images), 8192)]
    return np.concatenate(parts).astype(np.float64)


@pytest.mark.parametrize(
    "changes",
    [
        dict(height=2, width=2, channels=3, bits=1, scale=1),
        dict(height=2, width=2, channels=3, bits=1, scale=2),
        dict(height=4, width=4, channels=1, bits=1, scale=2),
        dict(height=2, width=2, channels=1, bits=2, scale=1),
        dict(height=2, width=2, channels=3, bits=1) | GATED_PIXELCNN,
        dict(height=2, width=2, channels=3, bits=1) | PIXELSNAIL,
        dict(height=2, width=2, channels=1, bits=3) | PIXELSNAIL | SOFTMAX,
        dict(height=2, width=2, channels=3, bits=1) | IMAGE_TRANSFORMER,
        dict(height=2, width=2, channels=1, bits=3) | IMAGE_TRANSFORMER | ABSOLUTE_MIXTURE,
        dict(height=2, width=1, channels=3, bits=2, scale=1) | RELATIVE,
        dict(height=2, width=2, channels=1, bits=3, scale=2) | RELATIVE,
        dict(height=2, width=1, channels=3, bits=2, scale=1) | ANCHORED,
        dict(height=2, width=2, channels=3, bits=1, scale=2) | ANCHORED,
        dict(height=2, width=1, channels=3, bits=2, scale=1) | MIXTURE,
        dict(height=2, width=2, channels=1, bits=3, scale=2) | MIXTURE,
        dict(height=2, width=1, channels=3, bits=2, scale=1) | ABSOLUTE_MIXTURE,
        dict(height=2, width=2, channels=3, bits=1, scale=2) | MIXTURE,
    ],
    ids=str,
)
def test_total_probability_is_one(changes):
    network = random_network(**changes)
    images = all_images_of(network.config)
    nats = _nats(network.image_nats, images)
    assert len(nats) == 2 ** (network.config.bits * network.config.dimensions)
    assert nats.std() > 0.1  # a uniform network would sum to one trivially
    assert abs(np.exp(-nats).sum() - 1) < 1e-4


@pytest.mark.parametrize(
    "changes",
    [
        dict(height=2, width=2, scale=1),
        dict(height=4, width=2, scale=2),
        dict(height=4, width=2, scale=2) | RELATIVE,
        dict(height=4, width=2, scale=2) | ANCHORED,
        dict(height=2, width=2, scale=1) | MIXTURE,
        dict(height=4, width=2, scale=2) | MIXTURE,
    ],
    ids=str,
)
def test_further_bits_have_total_probability_one_for_each_coarse_image(changes):
    network = random_network(channels=1, bits=2, coarse_bits=1, **changes)
    images = all_images_of(network.config)
    nats = _nats(network.image_nats, images)
    dimensions = network.config.dimensions
    coarse = (images.numpy() // 2).reshape(len(images), -1) @ 2 ** np.arange(dimensions)
    totals = np.bincount(coarse, weights=np.exp(-nats))
    assert len(totals) == 2**dimensions
    assert nats.std() > 0.1
    assert np.abs(totals - 1).max() < 1e-4


@pytest.mark.parametrize(
    "upscaling,height,bits,coarse_bits",
    [("multidimensional", 4, 2, (1,)), ("size", 4, 1, ()), ("multidimensional", 2, 3, (1, 2))],
)
def test_a_cascade_has_total_probability_one(upscaling, height, bits, coarse_bits):
    config = tiny_config(height=height, width=2, channels=1, bits=bits, scale=2)
    images = tf.cast(all_images(height, 2, 1, bits) * 2 ** (8 - bits), tf.uint8)
    nats = 0.0
    stages = make_stages(UpscalingConfig(upscaling, coarse_bits), config, SPNTrainingConfig())
    for stage in stages:
        stage.build()
        randomize(stage.network, seed=len(stage.name))
        part = -_nats(stage.log_prob, images)
        assert part.std() > 0.1
        nats = nats + part
    assert len(nats) == 2 ** (bits * height * 2)
    assert abs(np.exp(-nats).sum() - 1) < 1e-4
