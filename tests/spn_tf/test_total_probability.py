"""The probabilities of all images there are add up to one."""

import numpy as np
import pytest
import tensorflow as tf

from tests.spn_tf.random_networks import all_images, random_network


@pytest.mark.parametrize(
    "height,width,channels,bits,scale",
    [(2, 2, 3, 1, 1), (2, 2, 3, 1, 2), (4, 4, 1, 1, 2), (2, 2, 1, 2, 1)],
)
def test_total_probability_is_one(height, width, channels, bits, scale):
    network = random_network(height=height, width=width, channels=channels, bits=bits, scale=scale)
    images = all_images(height, width, channels, bits)
    image_nats = tf.function(network.image_nats)
    nats = np.concatenate(
        [image_nats(images[i : i + 8192]).numpy() for i in range(0, len(images), 8192)]
    ).astype(np.float64)
    assert len(nats) == 2 ** (bits * height * width * channels)
    assert nats.std() > 0.1  # the network is far from uniform: the sum is no accident
    assert abs(np.exp(-nats).sum() - 1) < 1e-4
