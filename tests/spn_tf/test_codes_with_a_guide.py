"""Models of codes in place of intensities, which a guide and a class condition."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.errors import SettingError
from spn_tf.sampling import Sampler, plain_sample
from tests.spn_tf.random_networks import GATED_PIXELCNN, PIXELSNAIL, SOFTMAX, random_network

GUIDED = dict(channels=1, guide_size=2, guide_codes=5, guide_layers=1) | SOFTMAX
MODELS = [dict(scale=1), dict(scale=2), PIXELSNAIL, GATED_PIXELCNN]


@pytest.mark.parametrize("changes", MODELS, ids=str)
def test_for_each_guide_and_class_the_probabilities_of_all_maps_sum_to_one(changes):
    sizes = dict(height=2, width=2, codes=3, num_classes=2)
    network = random_network(**GUIDED | sizes | changes)
    maps = np.array(list(itertools.product(range(3), repeat=4)), np.int32).reshape(-1, 2, 2, 1)
    found = []
    for labels in ([0, 0, 0, 0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 4]):
        repeated = tf.tile(tf.constant([labels]), [len(maps), 1])
        found.append(np.exp(-network.image_nats(maps, repeated)))
    np.testing.assert_allclose(np.sum(found, axis=1), 1, atol=1e-4)
    for one, other in itertools.combinations(found, 2):
        assert np.abs(one - other).sum() > 1e-3


@pytest.mark.parametrize("changes", MODELS[:3], ids=str)
def test_the_sampler_draws_the_codes_of_the_plain_sampler(changes):
    """Of more codes than an image of 8 bits has intensities, and a guide of half the size."""
    network = random_network(**GUIDED | dict(height=4, width=4, codes=300) | changes)
    guides = np.random.default_rng(0).integers(0, 5, [3, 4])
    labels = tf.constant(np.concatenate([np.zeros([3, 1]), guides], axis=1), tf.int32)
    drawn = Sampler(network, "codes").sample(range(3), seed=1, labels=labels)
    expected = plain_sample(network, "codes", range(3), seed=1, labels=labels)
    np.testing.assert_array_equal(drawn, expected)
    assert np.max(drawn) > 255


def test_a_network_with_a_guide_needs_labels():
    network = random_network(**GUIDED | dict(height=2, width=2, codes=3, scale=1))
    with pytest.raises(ValueError, match="labels: there are none"):
        network.image_nats(tf.zeros([1, 2, 2, 1], tf.int32))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(codes=3, intensity_distribution="relative_softmax"), "codes have no order"),
        (dict(guide_size=3), "the guide's side must divide"),
        (dict(guide_size=2, width=8), "square images"),
        (dict(codes=-1), "use an integer, 0 or more"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes, message):
    with pytest.raises(SettingError, match=message):
        random_network(**GUIDED | dict(height=4, width=4, scale=1) | changes)
