import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.data import ArraySource
from cascade_tf.errors import SettingError

IMAGES = np.zeros([3, 8, 12, 3], np.uint8)


def test_images_labels_and_sizes_may_be_of_any_integer_type():
    source = ArraySource(list(IMAGES), tf.constant([0, 4, 2]), np.int64(4))
    assert (source.num_classes, source.config.image_size) == (5, 4)
    assert ArraySource(IMAGES).config.image_size == 8
    largest = np.array([0, 1, 2**31 - 1], np.uint64)
    batch = next(iter(ArraySource(IMAGES, largest).evaluation_examples(3)))
    np.testing.assert_array_equal(batch.labels, largest)


@pytest.mark.parametrize("size", [0, -8, 4.0, True, "8"])
def test_an_image_size_is_an_integer_above_0(size):
    with pytest.raises(SettingError, match=r"image_size=.*: use an integer, 1 or more"):
        ArraySource(IMAGES, image_size=size)


@pytest.mark.parametrize("label", [-1, 2**31, 2**40])
def test_labels_are_int32_from_0(label):
    with pytest.raises(SettingError, match=f"labels={label}: use integers from 0 to 2147483647"):
        ArraySource(IMAGES, np.array([0, 1, label]))
