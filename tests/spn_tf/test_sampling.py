import numpy as np
import pytest
import tensorflow as tf

from spn_tf.sampling import UNKNOWN, Sampler
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


def _assert_drawn_from(observed, probabilities):
    """Chi-square, cells of small expectation merged; normal approximation of its tail."""
    expected = probabilities / probabilities.sum() * observed.sum()
    rare = expected < 10
    cells = [(observed[~rare], expected[~rare])]
    if rare.any():
        cells.append(([observed[rare].sum()], [expected[rare].sum()]))
    o, e = (np.concatenate(part) for part in zip(*cells, strict=True))
    statistic, freedom = ((o - e) ** 2 / e).sum(), len(e) - 1
    assert freedom >= 5
    assert statistic < freedom + 4 * np.sqrt(2 * freedom) + 4


def _numbers(images, bits):
    """The place of each image in `all_images`."""
    flat = np.reshape(images, [len(images), -1])
    return (flat * (2**bits) ** np.arange(flat.shape[1])).sum(axis=1)


def _probabilities(nats):
    return np.exp(-np.asarray(nats, np.float64))


@pytest.mark.parametrize(
    "height,width,channels,bits,scale",
    [(2, 2, 1, 1, 2), (2, 2, 1, 1, 1), (1, 2, 3, 1, 1), (2, 2, 1, 2, 2)],
)
def test_samples_follow_the_enumerated_probabilities(height, width, channels, bits, scale):
    network = _soft_network(height=height, width=width, channels=channels, bits=bits, scale=scale)
    images = all_images(height, width, channels, bits)
    observed = np.bincount(_numbers(_draw(network, 20_000), bits), minlength=len(images))
    _assert_drawn_from(observed, _probabilities(network.image_nats(images)))


@pytest.mark.parametrize("scale", [1, 2])
def test_further_bits_follow_their_probabilities_given_the_coarse_image(scale):
    network = _soft_network(height=2, width=2, channels=1, bits=3, coarse_bits=1, scale=scale)
    coarse = tf.constant([[[[1], [0]], [[0], [1]]]])
    images = coarse * 4 + all_images(2, 2, 1, 2)
    sampler = Sampler(network, stream="test")
    count = 20_000
    drawn = sampler.sample(
        tf.range(count, dtype=tf.int64),
        tf.constant(0),
        tf.constant(1.0),
        coarse=tf.repeat(coarse, count, axis=0),
    )
    np.testing.assert_array_equal(drawn // 4, np.repeat(coarse, count, axis=0))
    observed = np.bincount(_numbers(drawn.numpy() % 4, 2), minlength=len(images))
    _assert_drawn_from(observed, _probabilities(network.image_nats(images)))


def test_what_comes_after_known_intensities_follows_its_probabilities_given_them():
    """Known first: the two pixels of slice 0 of 4x2, so the rest is drawn from p(rest | them)."""
    network = _soft_network(height=4, width=2, channels=1, bits=1, scale=2)
    images = all_images(4, 2, 1, 1)
    given = images.numpy()[:, ::2, ::2].reshape(-1, 2)
    images = images[(given == [1, 0]).all(axis=1)]
    known = np.full([1, 4, 2, 1], UNKNOWN)
    known[0, ::2, 0, 0] = 1, 0
    sampler = Sampler(network, stream="test")
    count = 20_000
    drawn = sampler.sample(
        tf.range(count, dtype=tf.int64),
        tf.constant(0),
        tf.constant(1.0),
        known=tf.constant(known.repeat(count, axis=0), tf.int32),
    ).numpy()
    numbers, places = _numbers(drawn, 1), _numbers(images.numpy(), 1)
    assert set(numbers) <= set(places)
    observed = np.array([(numbers == place).sum() for place in places])
    _assert_drawn_from(observed, _probabilities(network.image_nats(images)))


def test_samplers_of_different_streams_do_not_share_noise():
    network = _soft_network(height=4, width=4, channels=1, bits=3, scale=2)
    drawn = [
        Sampler(network, stream).sample(
            tf.range(20, dtype=tf.int64), tf.constant(0), tf.constant(1.0)
        )
        for stream in ("one", "one", "other")
    ]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert (drawn[0] != drawn[2]).numpy().mean() > 0.5


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
