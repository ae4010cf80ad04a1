import numpy as np
import pytest
import tensorflow as tf

from wavelet_tf.biggan.augmentation import AUGMENTATIONS, augment, colour, cutout, translation


def _images(count=6, height=16, width=8, channels=3):
    return np.random.default_rng(0).standard_normal([count, height, width, channels])


def _draws(count=6):
    return np.random.default_rng(1).random([count, 3])


def test_colour_equals_its_definition():
    images, draws = _images(), _draws()
    expected = []
    for image, (brightness, saturation, contrast) in zip(images, draws, strict=True):
        image = image + brightness - 0.5
        grey = image.mean(axis=2, keepdims=True)
        image = grey + 2 * saturation * (image - grey)
        expected.append(image.mean() + (contrast + 0.5) * (image - image.mean()))
    np.testing.assert_allclose(colour(tf.constant(images), draws), expected, rtol=1e-6, atol=1e-6)


def test_translation_equals_a_shift_of_a_padded_image():
    images, draws = _images(), _draws()
    expected = np.zeros_like(images)
    for image, shifted, (y, x, _) in zip(images, expected, draws, strict=True):
        y, x = int(y * 5) - 2, int(x * 3) - 1  # an eighth of 16 and of 8
        padded = np.pad(image, [(2, 2), (1, 1), (0, 0)])
        shifted[:] = padded[2 + y : 18 + y, 1 + x : 9 + x]
    np.testing.assert_allclose(translation(tf.constant(images), tf.constant(draws)), expected)


def test_cutout_zeroes_the_pixels_around_its_middle():
    images, draws = _images(height=5), _draws()  # of 5 rows it takes 3, of 8 columns 4
    expected = images.copy()
    for image, (y, x, _) in zip(expected, draws, strict=True):
        y, x = int(y * 5), int(x * 9)
        image[max(0, y - 1) : y + 2, max(0, x - 2) : x + 2] = 0
    np.testing.assert_array_equal(cutout(tf.constant(images), tf.constant(draws)), expected)


@pytest.mark.parametrize("kind", AUGMENTATIONS)
def test_a_change_depends_on_seed_stream_and_index_alone(kind):
    images = tf.constant(np.repeat(_images(1), 16, axis=0), tf.float32)

    def changed(seed=0, stream="real", first=0, step=1):
        indices = tf.range(first, first + 16 * step, step, tf.int64)
        return augment(images, [kind], seed, stream, indices).numpy()

    np.testing.assert_array_equal(changed()[4:], changed(first=4)[:-4])
    np.testing.assert_array_equal(changed()[::2], changed(step=2)[:8])
    for other in (changed(seed=1), changed(stream="fake"), changed(first=4)):
        assert not np.array_equal(other, changed())


def test_gradients_pass_through_all_changes():
    """The gradient of a linear function of the result, by finite differences."""
    images, indices = tf.constant(_images(2), tf.float32), tf.constant([3, 5], tf.int64)
    weights = tf.constant(np.random.default_rng(2).standard_normal(images.shape), tf.float32)

    def function(x):
        return tf.reduce_sum(weights * augment(x, [*AUGMENTATIONS], 0, "real", indices))

    with tf.GradientTape() as tape:
        tape.watch(images)
        value = function(images)
    gradient = tape.gradient(value, images)
    direction = tf.constant(np.random.default_rng(3).standard_normal(images.shape), tf.float32)
    # The function is linear up to the constants of brightness and contrast.
    difference = function(images + direction) - value
    np.testing.assert_allclose(difference, tf.reduce_sum(gradient * direction), rtol=1e-3)
    assert np.count_nonzero(gradient) > 0.5 * images.numpy().size
