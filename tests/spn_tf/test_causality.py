"""The logits of a subpixel depend on all earlier subpixels and on no others (equations 1 and 2).

In depth stages they also depend on every coarse bit of the image (equation 4).
"""

import numpy as np
import pytest
import tensorflow as tf

from spn_tf.ordering import to_slices
from tests.spn_tf.random_networks import (
    ABSOLUTE_MIXTURE,
    ANCHORED,
    GATED_PIXELCNN,
    IMAGE_TRANSFORMER,
    MIXTURE,
    PIXELSNAIL,
    RELATIVE,
    SOFTMAX,
    random_network,
)

BITS = 3


def _all_logits(network, images):
    """Logits, float64 [B, S*S * h * w * C, classes], in the order of generation."""
    c = network.config
    slices = to_slices(images, c)
    coarse = slices // c.classes if c.coarse_bits else None
    batch = images.shape[0]
    logits = [network(slices, tf.fill([batch], m), coarse) for m in range(c.scale**2)]
    return np.stack(logits, axis=1).reshape(batch, -1, c.classes)


def _generation_order(config):
    """Flat index into H * W * C of each subpixel, in the order of generation."""
    flat = tf.reshape(
        tf.range(config.dimensions), [1, config.height, config.width, config.channels]
    )
    return to_slices(flat, config).numpy().reshape(-1)


def _change(network, changed):
    """Largest change of a subpixel's logits if another subpixel changes.

    Args:
        changed: function from intensities to other intensities.

    Returns:
        float64 [changed subpixel, subpixel of the logits], both in the order of generation.
    """
    c = network.config
    image = np.random.default_rng(1).integers(0, c.levels, c.dimensions)
    order = _generation_order(c)
    # Image k differs from the original in the k-th subpixel; the last image is the original.
    images = np.repeat(image[None], c.dimensions + 1, axis=0)
    images[np.arange(c.dimensions), order] = changed(image[order])
    images = tf.constant(images.reshape(-1, c.height, c.width, c.channels), tf.int32)
    logits = _all_logits(network, images)
    return np.abs(logits[:-1] - logits[-1]).max(axis=-1)


def _assert_only_earlier_subpixels_change_logits(change):
    earlier = np.triu(np.ones_like(change, bool), k=1)  # the changed subpixel comes first
    assert change[~earlier].max() < 1e-12
    assert change[earlier].min() > 1e-11, (change[earlier] <= 1e-11).sum()


@pytest.mark.parametrize(
    "changes",
    [dict(scale=s, channels=c) for s in (1, 2, 4) for c in (1, 3)]
    + [
        dict(scale=2, attention_ffn="dense"),
        dict(scale=1) | RELATIVE,
        dict(scale=2, channels=1) | RELATIVE,
        dict(scale=2) | MIXTURE,
        dict(scale=4, channels=1) | MIXTURE,
        dict(scale=2) | ANCHORED,
        dict(scale=2) | ABSOLUTE_MIXTURE,
    ]
    + [dict(channels=c) | GATED_PIXELCNN for c in (1, 3)]
    + [PIXELSNAIL, PIXELSNAIL | SOFTMAX, dict(channels=1) | PIXELSNAIL | RELATIVE]
    # Twelve hidden units for each colour of a mixture: of six, all may be zero.
    + [
        dict(height=4, transformer_width=36) | IMAGE_TRANSFORMER | kind
        for kind in ({}, RELATIVE, ABSOLUTE_MIXTURE)
    ],
    ids=str,
)
def test_logits_depend_on_all_earlier_subpixels_and_no_others(changes):
    scale = changes.get("scale", 1)
    sizes = dict(height=3 * scale, width=4 * scale, bits=BITS)
    network = random_network(dtype="float64", **sizes | changes)
    half = network.config.levels // 2
    change = _change(network, lambda intensities: (intensities + half) % (2 * half))
    _assert_only_earlier_subpixels_change_logits(change)


@pytest.mark.parametrize(
    "scale,channels,changes",
    [(s, c, {}) for s, c in [(1, 1), (1, 3), (2, 1), (2, 3), (4, 1)]]
    + [(1, 3, RELATIVE), (2, 3, MIXTURE), (2, 1, ANCHORED)],
)
def test_logits_of_a_depth_stage_depend_on_all_coarse_bits_and_earlier_fine_ones(
    scale, channels, changes
):
    network = random_network(
        dtype="float64",
        height=3 * scale,
        width=4 * scale,
        channels=channels,
        bits=BITS,
        coarse_bits=1,
        scale=scale,
        **changes,
    )
    fine = network.config.classes
    other_fine = lambda x: x // fine * fine + (x + 1) % fine  # noqa: E731
    _assert_only_earlier_subpixels_change_logits(_change(network, other_fine))
    other_coarse = lambda x: (x + fine) % (2 * fine)  # noqa: E731
    assert _change(network, other_coarse).min() > 1e-11
