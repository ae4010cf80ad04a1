import numpy as np
import pytest
import tensorflow as tf

from spn_tf.sampling import Sampler
from tests.spn_tf.random_networks import all_images, random_network


def _soft_network(**changes):
    """A random network none of whose intensities is nearly sure or nearly impossible."""
    network = random_network(**changes)
    for weight in network.decoder.pixelcnn.logits.weights:
        weight.assign(0.3 * weight)
    return network


def _draw(network, count, seed=0, temperature=1.0):
    sampler = Sampler(network, stream="test")
    return sampler.sample(
        tf.range(count, dtype=tf.int64), tf.constant(seed), tf.constant(temperature)
    ).numpy()


@pytest.mark.parametrize(
    "height,width,channels,bits,scale",
    [(2, 2, 1, 1, 2), (2, 2, 1, 1, 1), (1, 2, 3, 1, 1), (2, 2, 1, 2, 2)],
)
def test_samples_follow_the_enumerated_probabilities(height, width, channels, bits, scale):
    network = _soft_network(height=height, width=width, channels=channels, bits=bits, scale=scale)
    images = all_images(height, width, channels, bits)
    expected = np.exp(-network.image_nats(images).numpy().astype(np.float64))
    count = 20_000
    samples = _draw(network, count).reshape(count, -1)
    numbers = (samples * (2**bits) ** np.arange(samples.shape[1])).sum(axis=1)
    observed = np.bincount(numbers, minlength=len(images))

    # Chi-square, cells of small expectation merged; normal approximation of its tail.
    expected = expected / expected.sum() * count
    rare = expected < 10
    cells = [(observed[~rare], expected[~rare])]
    if rare.any():
        cells.append(([observed[rare].sum()], [expected[rare].sum()]))
    o, e = (np.concatenate(part) for part in zip(*cells, strict=True))
    statistic, freedom = ((o - e) ** 2 / e).sum(), len(e) - 1
    assert freedom >= 5
    assert statistic < freedom + 4 * np.sqrt(2 * freedom) + 4


def test_temperature_sharpens_and_zero_takes_the_likeliest():
    network = _soft_network(height=1, width=1, channels=1, bits=2, scale=1)
    probability = np.exp(-network.image_nats(all_images(1, 1, 1, 2)).numpy())
    for temperature in (0.5, 1.0, 2.0):
        expected = probability ** (1 / temperature)
        expected /= expected.sum()
        samples = _draw(network, 20_000, temperature=temperature)
        np.testing.assert_allclose(
            np.bincount(samples.ravel(), minlength=4) / 20_000, expected, atol=0.02
        )
    assert (_draw(network, 50, temperature=0.0) == probability.argmax()).all()


def test_an_image_depends_on_seed_and_index_alone():
    network = random_network(height=4, width=4, channels=3, bits=3, scale=2)
    sampler = Sampler(network, stream="test")

    def draw(indices, seed):
        return sampler.sample(
            tf.constant(indices, tf.int64), tf.constant(seed), tf.constant(1.0)
        ).numpy()

    together = draw([0, 1, 2, 7], seed=3)
    np.testing.assert_array_equal(together, draw([0, 1, 2, 7], seed=3))
    np.testing.assert_array_equal(together[[3, 1]], draw([7, 1], seed=3))
    assert (together != draw([0, 1, 2, 7], seed=4)).any(axis=(1, 2, 3)).all()
    assert (together[0] != together[1]).any()


def test_graph_and_eager_loops_agree_and_every_row_is_reported():
    network = random_network(height=4, width=6, channels=1, bits=3, scale=2)
    sampler = Sampler(network, stream="test")
    arguments = (tf.range(3, dtype=tf.int64), tf.constant(5), tf.constant(0.9))
    rows = []
    eager = sampler.sample(*arguments, on_row=lambda: rows.append(1))
    np.testing.assert_array_equal(eager, tf.function(sampler.sample)(*arguments))
    assert len(rows) == 2 * 4  # scale * H
