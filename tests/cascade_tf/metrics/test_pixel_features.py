import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.errors import UserError
from cascade_tf.metrics.frechet import frechet_distance, gaussian_statistics
from cascade_tf.metrics.pixel_features import PixelFeatures


def _images(count, shape=(32, 32, 3), seed=0):
    """Images of one disc each, of random colour and place, on a plain background."""
    generator = np.random.default_rng(seed)
    height, width, channels = shape
    rows, columns = np.mgrid[:height, :width]
    center = generator.uniform(8, 24, [2, count, 1, 1])
    inside = (rows - center[0]) ** 2 + (columns - center[1]) ** 2 < 64
    colours = generator.integers(0, 256, [2, count, 1, 1, channels])
    return np.where(inside[..., None], *colours).astype(np.uint8)


def _blurred(images):
    pixels = images.astype(float)
    for axis in (1, 2):
        pixels = (np.roll(pixels, 1, axis) + 2 * pixels + np.roll(pixels, -1, axis)) / 4
    return np.round(pixels).astype(np.uint8)


@pytest.mark.parametrize("shape", [(8, 8, 1), (11, 20, 1), (64, 64, 3), (99, 8, 3)])
def test_the_first_features_are_the_image_resized_by_area(shape):
    images = np.random.default_rng(0).integers(0, 256, [3, *shape], dtype=np.uint8)
    features = PixelFeatures(shape)(images)
    assert features.dtype == np.float32
    assert features.shape == (3, PixelFeatures(shape).size) == (3, 64 * shape[-1] + 24)
    thumbnails = tf.image.resize(images, [8, 8], method="area").numpy() / 255
    np.testing.assert_allclose(
        features[:, : 64 * shape[-1]], thumbnails.reshape(3, -1), rtol=0, atol=1e-6
    )


def test_contrast_is_0_in_a_flat_image_and_exact_in_stripes():
    flat = np.full([1, 16, 16, 1], 200, np.uint8)
    stripes = np.zeros_like(flat)
    stripes[:, ::2] = 255
    features = PixelFeatures((16, 16, 1))
    np.testing.assert_allclose(features(flat)[0, 64:], np.log(1 / 255), rtol=1e-6)
    contrast = np.exp(features(stripes)[0, 64:].reshape(4, 3, 2)) - 1 / 255
    expected = [[1, 0], [0, 0], [0, 0]]  # only neighbouring rows differ
    np.testing.assert_allclose(contrast, np.broadcast_to(expected, [4, 3, 2]), atol=1e-6)


def test_blur_lowers_contrast_and_noise_raises_it():
    images = _images(20)
    noise = np.random.default_rng(1).integers(-20, 21, images.shape)
    noisy = np.clip(images + noise, 0, 255).astype(np.uint8)
    features = PixelFeatures(images.shape[1:])
    plain, blurred, rough = [
        features(each)[:, -24:].mean() for each in (images, _blurred(images), noisy)
    ]
    assert blurred < plain - 0.1
    assert rough > plain + 0.1


def test_worse_sets_are_further_away():
    features = PixelFeatures((32, 32, 3))
    reference = gaussian_statistics(features(_images(1000)))

    def distance(images):
        return frechet_distance(gaussian_statistics(features(images)), reference)

    others = _images(1000, seed=1)
    nearest = distance(others)
    upper = np.arange(32)[:, None, None] < 16
    worse = {
        "blurred": _blurred(others),
        "dark": others // 2,
        "few different": others[np.arange(1000) % 20],
        "without red": others * np.array([0, 1, 1], np.uint8),
        "upper half alone": np.where(upper, others, np.uint8(128)),
    }
    for name, images in worse.items():
        assert distance(images) > 3 * nearest, name


def test_images_of_other_sizes_are_refused():
    with pytest.raises(UserError, match="need 8x8 pixels, not 7x9"):
        PixelFeatures((7, 9, 3))
    with pytest.raises(UserError, match="images of one size"):
        PixelFeatures((32, 32, 3))(_images(2, (32, 32, 1)))


def test_its_name_has_the_size_and_its_distances_are_not_called_fid():
    features = PixelFeatures((32, 24, 1))
    assert "fid" not in features.distance_name and "kid" not in features.kernel_distance_name
    assert features.name == "pixels of 32x24x1"
    assert features.probabilities(np.zeros([2, features.size])) is None
