import numpy as np
import pytest
import tensorflow as tf

from spn_tf.masked_convolution import (
    HorizontalConvolution,
    VerticalConvolution,
    colour_classes,
    colour_mask,
)

RNG = np.random.default_rng(0)


def test_colour_classes_cover_any_width():
    np.testing.assert_array_equal(colour_classes(6, 3), [0, 0, 1, 1, 2, 2])
    np.testing.assert_array_equal(colour_classes(4, 3), [0, 0, 1, 2])
    np.testing.assert_array_equal(colour_classes(5, 1), [0] * 5)
    for units in (24, 25, 26, 128, 1280):
        classes = colour_classes(units, 3)
        assert (np.diff(classes) >= 0).all()
        assert np.bincount(classes).max() - np.bincount(classes).min() <= 1


def test_colour_masks_by_hand():
    one_each = np.arange(3)
    np.testing.assert_array_equal(
        colour_mask(one_each, one_each, strict=True), [[0, 1, 1], [0, 0, 1], [0, 0, 0]]
    )
    np.testing.assert_array_equal(
        colour_mask(one_each, one_each, strict=False), [[1, 1, 1], [0, 1, 1], [0, 0, 1]]
    )


@pytest.mark.parametrize("size", [1, 3, 5])
def test_vertical_convolution_is_a_full_one_with_the_rows_below_masked(size):
    layer = VerticalConvolution(4, size)
    layer.build((None, 5, 6, 3))
    x = tf.constant(RNG.normal(size=(2, 5, 6, 3)), tf.float32)
    kernel = np.zeros((size, size, 3, 4), np.float32)
    kernel[: (size + 1) // 2] = layer.kernel.numpy()
    np.testing.assert_allclose(layer(x), tf.nn.conv2d(x, kernel, 1, "SAME"), atol=1e-5)


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("size", [1, 3, 5])
def test_horizontal_convolution_is_a_full_one_with_the_right_masked(size, strict):
    inputs, outputs = colour_classes(6, 3), colour_classes(9, 3)
    layer = HorizontalConvolution(size, inputs, outputs, strict)
    layer.build((None, 5, 6, 6))
    x = tf.constant(RNG.normal(size=(2, 5, 6, 6)), tf.float32)
    kernel = np.zeros((1, size, 6, 9), np.float32)
    kernel[:, : size // 2 + 1] = layer.kernel.numpy()
    kernel[0, size // 2] *= colour_mask(inputs, outputs, strict)
    np.testing.assert_allclose(layer(x), tf.nn.conv2d(x, kernel, 1, "SAME"), atol=1e-5)
