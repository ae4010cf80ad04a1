import numpy as np
import tensorflow as tf

from wavelet_tf.r3gan.resampling import downsampled, upsampled

_FILTER = np.outer([1, 2, 1], [1, 2, 1]) / 16


def _x(height=6, width=8):
    return np.random.default_rng(0).standard_normal([2, height, width, 3])


def _filtered(x, before, after):
    """Each channel by the filter, with zeros before and after both axes."""
    x = np.pad(x, [(0, 0), (before, after), (before, after), (0, 0)])
    kernel = np.einsum("ij,cd->ijcd", _FILTER, np.eye(3))
    return tf.nn.conv2d(x, kernel, 1, "VALID").numpy()


def test_upsampling_filters_an_image_with_zeros_between_its_pixels():
    x = _x()
    spread = np.zeros([2, 12, 16, 3])
    spread[:, ::2, ::2] = 4 * x
    np.testing.assert_allclose(upsampled(tf.constant(x)), _filtered(spread, 2, 0), rtol=1e-12)


def test_downsampling_filters_and_keeps_every_second_pixel():
    x = _x()
    expected = _filtered(x, 1, 1)[:, ::2, ::2]
    np.testing.assert_allclose(downsampled(tf.constant(x)), expected, rtol=1e-12)


def test_a_constant_stays_constant_inside():
    x = tf.ones([1, 8, 8, 1])
    for resampled in (upsampled(x), downsampled(x)):
        np.testing.assert_array_equal(resampled[:, 1:, 1:], tf.ones_like(resampled)[:, 1:, 1:])
