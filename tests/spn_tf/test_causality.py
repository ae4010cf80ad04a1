"""Every subpixel's logits depend on all earlier subpixels and on no other (equations 1 and 2)."""

import numpy as np
import pytest
import tensorflow as tf

from spn_tf.ordering import image_to_slices
from tests.spn_tf.random_networks import random_network

BITS = 3


def _all_logits(network, images):
    """float64 [B, S*S * h * w * C, levels], in the order of generation."""
    c = network.config
    slices = image_to_slices(images, c.scale)
    batch = images.shape[0]
    logits = [network(slices, tf.fill([batch], m)) for m in range(c.scale**2)]
    return np.stack(logits, axis=1).reshape(batch, -1, c.levels)


def _generation_order(config):
    """Flat index into H * W * C of each subpixel, in the order of generation."""
    flat = tf.reshape(
        tf.range(config.dimensions), [1, config.height, config.width, config.channels]
    )
    return image_to_slices(flat, config.scale).numpy().reshape(-1)


@pytest.mark.parametrize(
    "scale,channels,ffn",
    [(s, c, "parameter_attention") for s in (1, 2, 4) for c in (1, 3)] + [(2, 3, "dense")],
)
def test_logits_see_all_earlier_subpixels_and_no_others(scale, channels, ffn):
    network = random_network(
        dtype="float64",
        height=3 * scale,
        width=4 * scale,
        channels=channels,
        bits=BITS,
        scale=scale,
        attention_ffn=ffn,
    )
    c = network.config
    image = np.random.default_rng(1).integers(0, c.levels, c.dimensions)
    order = _generation_order(c)

    # Image k differs from the original in the k-th subpixel of the order; the last does not.
    images = np.repeat(image[None], c.dimensions + 1, axis=0)
    images[np.arange(c.dimensions), order] = (image[order] + c.levels // 2) % c.levels
    images = tf.constant(images.reshape(-1, c.height, c.width, c.channels), tf.int32)
    logits = _all_logits(network, images)
    change = np.abs(logits[:-1] - logits[-1]).max(axis=-1)  # [changed, seen]

    earlier = np.triu(np.ones_like(change, bool), k=1)  # the changed one comes before the seen
    assert change[~earlier].max() < 1e-12
    assert change[earlier].min() > 1e-11, (change[earlier] <= 1e-11).sum()
