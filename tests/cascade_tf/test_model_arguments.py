"""Arguments of models: valid ones are converted, all others are ValueErrors in words."""

import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.counts import checked_count
from cascade_tf.model_arguments import checked_array, checked_classes, checked_spread

IMAGES = np.arange(8, dtype=np.uint8).reshape(2, 2, 2, 1)


@pytest.mark.parametrize("count", [2, np.int64(2), np.array(2), tf.constant(2)])
def test_counts(count):
    assert checked_count("count", count) == 2


@pytest.mark.parametrize("count", [-1, 1.0, True, np.True_, None, "2", [2]])
def test_no_counts(count):
    with pytest.raises(ValueError, match=r"count=.*: use an integer, 0 or more"):
        checked_count("count", count)


@pytest.mark.parametrize("images", [IMAGES, list(IMAGES), tf.constant(IMAGES)])
def test_arrays_lists_and_tensors(images):
    np.testing.assert_array_equal(checked_array("images", images, np.uint8, (2, 2, 1)), IMAGES)
    assert len(checked_array("images", images[:2], np.uint8, (2, 2, 1))) == 2
    with pytest.raises(ValueError, match=r"uint8 \(2, 2, 2, 1\); use float32 \[N, 2, 2, 1\]"):
        checked_array("images", images, np.floating, (2, 2, 1))


@pytest.mark.parametrize("images", [IMAGES / 255, IMAGES[0], IMAGES[None], None, [IMAGES, 1], []])
def test_no_images(images):
    with pytest.raises(ValueError, match=r"images: .*; use uint8 \[N, 2, 2, 1\]"):
        checked_array("images", images, np.uint8, (2, 2, 1))


def test_spreads():
    for value in (0, 0.5, np.float64(2), tf.constant(1.0)):
        assert checked_spread("temperature", value) == np.float32(value)
    np.testing.assert_array_equal(checked_spread("temperature", (0, 1), 2), [0, 1])


@pytest.mark.parametrize("value", [-1, np.nan, np.inf, 1e300, True, "1", None, [1, 2], [[1.0]]])
def test_no_spreads(value):
    for count in (None, 3):
        with pytest.raises(ValueError, match=r"temperature=.*: use a finite number, 0 or more"):
            checked_spread("temperature", value, count)


def test_classes():
    for value in ([0, 9], np.array([0, 9], np.uint8), tf.constant([0, 9])):
        classes = checked_classes(value, 10)
        assert classes.tolist() == [0, 9] and classes.dtype == np.int32
    assert checked_classes([], 10).shape == (0,)


@pytest.mark.parametrize("value", [[99], [10], [-1], [1.7], [True], ["1"], 3, [[1]], [2**40]])
def test_no_classes(value):
    with pytest.raises(ValueError, match="use integers from 0 to 9, as the model has 10 classes"):
        checked_classes(value, 10)
    with pytest.raises(ValueError, match="use 0 alone, as the model has one class"):
        checked_classes([1], 1)
