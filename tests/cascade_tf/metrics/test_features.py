import numpy as np
import pytest

from cascade_tf.errors import UserError
from cascade_tf.metrics.features import checked_images, extract_features, feature_batches
from cascade_tf.metrics.pixel_features import PixelFeatures

SHAPE = (9, 8, 1)


def _images(count):
    return np.random.default_rng(0).integers(0, 256, [count, *SHAPE], dtype=np.uint8)


def test_batches_concatenate_to_the_features_of_all_images():
    extractor, images = PixelFeatures(SHAPE), _images(10)
    done = []
    features = extract_features(extractor, np.split(images, [4, 4, 7]), done.append)
    assert features.shape == (10, extractor.size) and features.dtype == np.float32
    np.testing.assert_allclose(features, extractor(images), rtol=1e-6)
    assert done == [4, 0, 3, 3]


def test_no_images_have_no_features():
    assert extract_features(PixelFeatures(SHAPE), []).shape == (0, PixelFeatures(SHAPE).size)


def test_batches_are_taken_one_by_one():
    def images():
        yield _images(2)
        raise RuntimeError("the second batch is not needed yet")

    assert len(next(feature_batches(PixelFeatures(SHAPE), images()))) == 2


@pytest.mark.parametrize(
    "images, described",
    [
        (np.zeros([2, 8, 8, 3]), r"float64 \[2, 8, 8, 3\]"),
        (np.zeros([8, 8, 3], np.uint8), r"uint8 \[8, 8, 3\]"),
        (np.zeros([2, 8, 8, 4], np.uint8), r"uint8 \[2, 8, 8, 4\]"),
    ],
)
def test_arrays_that_are_not_images_are_refused(images, described):
    with pytest.raises(UserError, match=f"images are {described}"):
        checked_images(images)
