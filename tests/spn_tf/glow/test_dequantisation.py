import numpy as np
import pytest
import tensorflow as tf

from spn_tf.glow.dequantisation import dequantised, log_probability_bound, quantised


@pytest.mark.parametrize("bits", range(1, 9))
def test_every_intensity_returns_whatever_the_draw(bits):
    draws = np.float32([0, 2**-24, 0.3, 0.5, 1 - 2**-17, 1 - 2**-24])
    intensities, draws = np.meshgrid(np.arange(2**bits, dtype=np.int32), draws)
    x = dequantised(tf.constant(intensities), tf.constant(draws), bits)
    assert np.min(x) >= -0.5 and np.max(x) < 0.5
    np.testing.assert_array_equal(quantised(x, bits), intensities)


def test_samples_outside_of_the_range_are_clipped():
    x = tf.constant([-1e30, -np.inf, -0.5, 0.5, 1e30, np.inf])
    np.testing.assert_array_equal(quantised(x, 8), [0, 0, 0, 255, 255, 255])


def test_a_uniform_density_of_one_gives_exactly_as_many_bits_as_the_intensities_have():
    nats = -log_probability_bound(tf.zeros([3]), dimensions=48, bits=5)
    np.testing.assert_allclose(nats / (48 * np.log(2)), 5, rtol=1e-6)


def test_the_bound_is_below_the_probability():
    """Of one intensity, for the normal density of deviation 0.2: their gap is Jensen's."""
    edges = np.linspace(-0.5, 0.5, 5)
    draws = tf.constant(np.linspace(0, 1, 1001)[:-1] + 0.0005, tf.float64)
    for intensity in range(4):
        x = dequantised(tf.fill([1000], intensity), draws, bits=2)
        log_density = -0.5 * (x / 0.2) ** 2 - np.log(0.2 * np.sqrt(2 * np.pi))
        bound = tf.reduce_mean(log_probability_bound(log_density, dimensions=1, bits=2))
        inside = np.linspace(edges[intensity], edges[intensity + 1], 1001)
        density = np.exp(-0.5 * (inside / 0.2) ** 2) / (0.2 * np.sqrt(2 * np.pi))
        probability = np.mean((density[1:] + density[:-1]) / 2) * 0.25
        assert np.log(probability) - 0.5 < bound < np.log(probability)
