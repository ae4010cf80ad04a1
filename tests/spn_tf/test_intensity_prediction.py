import numpy as np
import pytest
import tensorflow as tf

from spn_tf.intensity_prediction import interpolation, median_edge, median_edges, predict
from spn_tf.ordering import image_to_slices

LEVELS = 256


def _images(*shape):
    return np.random.default_rng(0).integers(0, LEVELS, shape)


def _interpolated(image, scale, y, x):
    """The prediction of a pixel, by its definition in terms of the whole image."""

    def between(line, place):
        offset = place % scale
        if not offset:
            return None
        after = place - offset + scale
        near, far = (
            line[place - 1],
            line[min(after, len(line)) - 1 if after >= len(line) else after],
        )
        if after >= len(line):
            far = near
        steps = scale - offset + 1
        return (near * (steps - 1) + far + steps // 2) // steps

    found = [v for v in (between(image[y], x), between(image[:, x], y)) if v is not None]
    if not found:
        return np.full(image.shape[-1], LEVELS // 2)
    return (found[0] + found[-1] + 1) // 2


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_slices_are_interpolated_between_pixels_of_earlier_ones(scale):
    images = _images(2, 3 * scale, 2 * scale, 3)
    slices = image_to_slices(tf.constant(images, tf.int32), scale)
    expected = np.array(
        [
            [
                [_interpolated(image, scale, y, x) for x in range(2 * scale)]
                for y in range(3 * scale)
            ]
            for image in images
        ]
    )
    expected = image_to_slices(tf.constant(expected, tf.int32), scale)
    for number in range(scale**2):
        later = tf.range(scale**2)[:, None, None, None] >= number
        known = tf.where(later, -7, slices)  # the slice and later ones must have no effect
        predicted = interpolation(known, tf.fill([2], number), LEVELS)
        np.testing.assert_array_equal(predicted, expected[:, number])


def test_the_median_edge_detector_is_a_median():
    pixels = _images(2, 5, 4, 3)
    predicted = median_edges(tf.constant(pixels, tf.int32), LEVELS).numpy()
    west, north, north_west = pixels[:, 1:, :-1], pixels[:, :-1, 1:], pixels[:, :-1, :-1]
    median = np.median([west, north, west + north - north_west], axis=0)
    np.testing.assert_array_equal(predicted[:, 1:, 1:], median)
    np.testing.assert_array_equal(predicted[:, 0, 1:], pixels[:, 0, :-1])
    np.testing.assert_array_equal(predicted[:, 1:, 0], pixels[:, :-1, 0])
    np.testing.assert_array_equal(predicted[:, 0, 0], LEVELS // 2)
    outside = tf.constant([999], tf.int32)
    assert int(median_edge(outside, outside, outside, 0, 0, LEVELS)[0]) == LEVELS // 2


def test_a_colour_is_predicted_from_the_error_of_the_one_before():
    spatial, pixel = tf.constant([100, 250, 20]), tf.constant([90, 255, 0])
    prediction = predict(spatial, pixel, None, LEVELS, LEVELS)
    np.testing.assert_array_equal(prediction.intensity, [100, 240, 25])
    np.testing.assert_array_equal(prediction.errors, [[0, 0], [-10, 0], [-10, 5]])
    # Within the interval of the coarse bits, 32 intensities here.
    lowest = tf.constant([64, 224, 32])
    prediction = predict(spatial, pixel, lowest, LEVELS, classes=32)
    np.testing.assert_array_equal(prediction.intensity, [95, 240, 32])
    np.testing.assert_array_equal(prediction.of(1).lowest, 224)
