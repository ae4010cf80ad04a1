import numpy as np
import pytest
import tensorflow as tf

from tests.wavelet_tf.small_decoders import photographs
from wavelet_tf.structural_similarity import structural_similarity
from wavelet_tf.unit_images import unit_range


def _definition(a, b):
    """The mean over all windows of one image, in numpy."""
    offsets = np.arange(11) - 5
    taps = np.exp(-np.square(offsets) / (2 * 1.5**2))
    window = np.outer(taps, taps) / taps.sum() ** 2
    values = []
    for top in range(a.shape[0] - 10):
        for left in range(a.shape[1] - 10):
            for channel in range(a.shape[2]):
                x, y = (z[top : top + 11, left : left + 11, channel] for z in (a, b))
                mx, my = (window * x).sum(), (window * y).sum()
                vx, vy = (window * (x - mx) ** 2).sum(), (window * (y - my) ** 2).sum()
                covariance = (window * (x - mx) * (y - my)).sum()
                luminance = (2 * mx * my + 1e-4) / (mx**2 + my**2 + 1e-4)
                values.append(luminance * (2 * covariance + 9e-4) / (vx + vy + 9e-4))
    return np.mean(values)


def _noisy(images):
    noise = tf.random.stateless_normal(images.shape, [0, 1], stddev=0.1)
    return tf.clip_by_value(images + noise, 0, 1)


def test_it_equals_its_definition():
    images = unit_range(photographs(2))[:, :16, :13]
    other = _noisy(images)
    expected = [_definition(*pair) for pair in zip(images.numpy(), other.numpy(), strict=True)]
    np.testing.assert_allclose(structural_similarity(images, other), expected, rtol=1e-6)


def test_it_equals_tensorflows_within_the_rounding_of_the_latter():
    images = unit_range(photographs(4))
    other = _noisy(images)
    ours, theirs = structural_similarity(images, other), tf.image.ssim(images, other, 1.0)
    assert 0.1 < ours[0] < 0.95
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize("a, b", [(0.9, 0.899), (1, 0.999), (0.5, 0.5), (1, 0), (0, 0)])
def test_flat_images_have_a_closed_form_and_never_exceed_1(a, b):
    expected = (2 * a * b + 1e-4) / (a**2 + b**2 + 1e-4)
    images = [tf.fill([1, 32, 32, 3], np.float64(value)) for value in (a, b)]
    similarity = float(structural_similarity(*images)[0])
    assert similarity == pytest.approx(expected, rel=1e-7) and similarity <= 1


def test_equal_images_have_exactly_1_and_opposite_ones_less_than_0():
    images = unit_range(photographs(4))
    np.testing.assert_array_equal(structural_similarity(images, images), 1)
    checks = tf.cast(np.indices([11, 11]).sum(0)[None, :, :, None] % 2, tf.float32)
    assert -1 <= float(structural_similarity(checks, 1 - checks)[0]) < -0.9
