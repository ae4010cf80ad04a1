import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.data import DataConfig, preprocessing
from cascade_tf.data.preprocessing import (
    evaluation_image,
    resize_area,
    training_image,
    whole_image,
)
from cascade_tf.errors import SettingError


def config(size: int, channels: int = 3, flip: bool = False, seed: int = 0) -> DataConfig:
    return DataConfig("digits", None, size, channels, flip=flip, seed=seed)


def noise(height: int, width: int, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8)


def train(image: np.ndarray, index: int, settings: DataConfig) -> np.ndarray:
    return training_image(tf.constant(image), tf.constant(index, tf.int64), settings).numpy()


@pytest.mark.parametrize("source", [7, 32, 45, 64, 100])
@pytest.mark.parametrize("target", [1, 16, 32, 33, 64])
def test_resize_is_the_resize_area_of_tf1(source, target):
    image = noise(source, source)
    expected = tf.compat.v1.image.resize_area(image[None], [target, target])[0]
    np.testing.assert_allclose(resize_area(tf.constant(image), [target] * 2), expected, atol=1e-5)


def test_resize_averages_over_areas():
    image = noise(64, 64)
    means = image.reshape(32, 2, 32, 2, 3).mean((1, 3))
    np.testing.assert_allclose(resize_area(tf.constant(image), [32, 32]), means, atol=1e-4)


@pytest.mark.parametrize(("sides", "expected"), [((7, 13), (5, 9)), ((20, 4), (25, 5))])
def test_whole_images_are_resized_without_a_crop(sides, expected):
    image = noise(*sides)
    whole = whole_image(tf.constant(image), config(5))
    np.testing.assert_array_equal(whole, np.round(resize_area(tf.constant(image), expected)))


def test_extreme_aspect_ratios_are_cropped_at_the_centre():
    image = tf.range(100, dtype=tf.int32)[None, :, None] * tf.ones([1, 1, 3], tf.int32)
    kept = whole_image(tf.cast(image, tf.uint8), config(2))
    np.testing.assert_array_equal(kept[0, ::2, 0], np.arange(42, 58))
    assert kept.shape == (2, 32, 3)


def test_means_are_rounded_to_the_nearest_intensity():
    image = np.zeros((2, 2, 1), np.uint8)
    for intensities, expected in [
        ((0, 0, 0, 1), 0),
        ((0, 1, 1, 1), 1),
        ((255, 255, 255, 254), 255),
    ]:
        image[:] = np.reshape(intensities, (2, 2, 1))
        assert (
            evaluation_image(tf.constant(image), config(1, channels=1)).numpy().item() == expected
        )


@pytest.mark.parametrize("size", [1, 31, 32, 256])
def test_an_image_of_the_target_size_is_unchanged(size):
    image = noise(size, size)
    np.testing.assert_array_equal(evaluation_image(tf.constant(image), config(size)), image)
    np.testing.assert_array_equal(train(image, 5, config(size)), image)
    # The shape is unknown while a pipeline is built, so TensorFlow itself cannot skip the resize.
    pipeline = tf.data.Dataset.from_generator(
        lambda: [image], output_signature=tf.TensorSpec([None, None, 3], tf.uint8)
    ).map(lambda image: evaluation_image(image, config(size)))
    assert pipeline.element_spec.shape == [size, size, 3]
    np.testing.assert_array_equal(next(iter(pipeline)), image)


@pytest.mark.parametrize(("height", "width"), [(8, 13), (13, 8)])
def test_evaluation_crops_at_the_centre(height, width):
    image = noise(height, width)
    expected = image[2:10] if height > width else image[:, 2:10]
    np.testing.assert_array_equal(evaluation_image(tf.constant(image), config(8)), expected)


@pytest.mark.parametrize("tall", [False, True])
def test_training_crops_reach_every_position_and_depend_only_on_seed_and_index(tall):
    image = np.tile(np.arange(12, dtype=np.uint8)[None, :, None], (8, 1, 3))
    image = image.transpose(1, 0, 2) if tall else image

    def left(index: int, seed: int) -> int:
        return int(train(image, index, config(8, seed=seed))[0, 0, 0])

    lefts = [left(index, seed=0) for index in range(60)]
    assert set(lefts) == set(range(5))
    assert lefts == [left(index, seed=0) for index in range(60)]
    assert lefts != [left(index, seed=1) for index in range(60)]


def test_flip_mirrors_about_half_and_independently_of_the_crop():
    image = np.tile(np.arange(12, dtype=np.uint8)[None, :, None], (8, 1, 3))
    flipped, crops = [], []
    for index in range(200):
        row = train(image, index, config(8, flip=True))[0, :, 0].astype(int)
        assert abs(row[0] - row[-1]) == 7
        flipped.append(row[0] > row[-1])
        crops.append(min(row))
        assert min(row) == train(image, index, config(8))[0, 0, 0]
    assert 70 < sum(flipped) < 130
    assert abs(np.corrcoef(flipped, crops)[0, 1]) < 0.2


def test_colour_becomes_luma_and_grey_is_repeated():
    colour = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]]], np.uint8)
    luma = evaluation_image(tf.constant(colour), config(2, channels=1)).numpy()
    np.testing.assert_array_equal(luma[..., 0], [[76, 150], [29, 255]])
    grey = noise(2, 2, channels=1)
    repeated = evaluation_image(tf.constant(grey), config(2)).numpy()
    np.testing.assert_array_equal(repeated, np.repeat(grey, 3, axis=-1))


def test_luma_of_a_grey_colour_image_is_exact():
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    luma = evaluation_image(tf.constant(np.repeat(grey, 3, axis=-1)), config(16, channels=1))
    np.testing.assert_array_equal(luma, grey)


def test_random_crops_are_of_all_allowed_sizes_and_places():
    rows, columns = 20 * np.mgrid[:12, :12].astype(np.uint8)
    image = np.stack([rows, columns, rows], axis=-1)
    settings = DataConfig("digits", None, 2, 3, smallest_crop=0.5)
    corners, sides = set(), set()
    for index in range(300):
        part = train(image, index, settings).astype(float) / 20
        # Means of the halves of a square of side s are s/2 apart, and (s - 2)/4 from its edge.
        side = round(2 * (part[1, 1, 0] - part[0, 0, 0]))
        sides.add(side)
        corners.add(tuple(np.round(part[0, 0, :2] - (side / 2 - 1) / 2).astype(int)))
    assert sides == set(range(6, 13))
    assert {row for row, _ in corners} == {column for _, column in corners} == set(range(7))
    np.testing.assert_array_equal(train(image, 7, settings), train(image, 7, settings))
    whole = DataConfig("digits", None, 12, 3, smallest_crop=1.0)
    np.testing.assert_array_equal(train(image, 7, whole), image)


WINDOWS = DataConfig("digits", None, 4, 3, crop="window")


def numbered_pixels(height: int, width: int) -> np.ndarray:
    """An image whose pixels have their row, column and 0 as colours."""
    rows, columns = np.mgrid[:height, :width].astype(np.uint8)
    return np.stack([rows, columns, 0 * rows], axis=-1)


def test_windows_are_pixels_of_the_image_at_every_place():
    image = numbered_pixels(7, 9)
    corners = set()
    for index in range(300):
        window = train(image, index, WINDOWS)
        top, left = window[0, 0, :2]
        corners.add((int(top), int(left)))
        np.testing.assert_array_equal(window, image[top : top + 4, left : left + 4])
        np.testing.assert_array_equal(window, train(image, index, WINDOWS))
    assert corners == {(row, column) for row in range(4) for column in range(6)}


@pytest.mark.parametrize(("height", "width"), [(4, 4), (8, 13), (9, 6)])
def test_evaluation_takes_the_window_at_the_centre(height, width):
    image = numbered_pixels(height, width)
    top, left = (height - 4) // 2, (width - 4) // 2
    window = evaluation_image(tf.constant(image), WINDOWS)
    np.testing.assert_array_equal(window, image[top : top + 4, left : left + 4])


@pytest.mark.parametrize(("height", "width"), [(2, 2), (2, 5), (9, 3), (1, 1000)])
def test_an_image_smaller_than_a_window_is_enlarged(height, width):
    image = noise(height, width)
    whole = whole_image(tf.constant(image), config(4)).numpy()
    top, left = ((side - 4) // 2 for side in whole.shape[:2])
    expected = whole[top : top + 4, left : left + 4]
    np.testing.assert_array_equal(evaluation_image(tf.constant(image), WINDOWS), expected)
    window = train(image, 0, WINDOWS)
    assert any(
        np.array_equal(window, whole[row : row + 4, column : column + 4])
        for row in range(whole.shape[0] - 3)
        for column in range(whole.shape[1] - 3)
    )


def test_windows_of_grey_and_flipped():
    image = noise(6, 6)
    grey = DataConfig("digits", None, 4, 1, crop="window")
    expected = evaluation_image(tf.constant(image[1:5, 1:5]), config(4, channels=1))
    np.testing.assert_array_equal(evaluation_image(tf.constant(image), grey), expected)
    flipped = DataConfig("digits", None, 4, 3, crop="window", flip=True)
    rows = [train(numbered_pixels(6, 6), index, flipped)[0, :, 1] for index in range(20)]
    assert {int(row[0]) < int(row[-1]) for row in rows} == {False, True}


def test_sizes_of_windows_and_of_squares_have_a_setting_each():
    with pytest.raises(SettingError, match="for windows of random scale set `smallest_scale`"):
        DataConfig("digits", None, 4, 3, crop="window", smallest_crop=0.5)
    with pytest.raises(SettingError, match="for squares of random size set `smallest_crop`"):
        DataConfig("digits", None, 4, 3, smallest_scale=0.5)


SCALED = dataclasses.replace(WINDOWS, image_size=8, smallest_scale=0.5)
UNSCALED = dataclasses.replace(SCALED, smallest_scale=1.0)


@pytest.mark.parametrize(("height", "largest"), [(40, 16), (11, 11)])
def test_half_of_the_windows_are_reduced_from_squares_of_random_sides(height, largest):
    rows, columns = np.mgrid[:height, :48].astype(np.uint8)
    image = np.stack([6 * rows, 5 * columns, 0 * rows], axis=-1)
    sides, unscaled = set(), 0
    for index in range(150):
        window = train(image, index, SCALED)
        np.testing.assert_array_equal(window, train(image, index, SCALED))
        unscaled += np.array_equal(window, train(image, index, UNSCALED))
        # Seven steps between pixels, each of side / 8 columns; the mean is that of the square.
        side = round((window[0, -1, 1] - window[0, 0, 1]) / 7 * 8 / 5)
        top, left = np.round(window.mean((0, 1))[:2] / (6, 5) - (side - 1) / 2).astype(int)
        square = image[top : top + side, left : left + side]
        np.testing.assert_array_equal(window, np.round(resize_area(tf.constant(square), [8, 8])))
        sides.add(side)
    assert sides == set(range(8, largest + 1))
    assert 70 < unscaled < 105  # the smallest of the larger sides are rounded to 8, too


def test_scales_neither_enlarge_nor_change_evaluation():
    for image in (noise(8, 8), noise(5, 9)):
        for index in range(10):
            window = train(image, index, SCALED)
            np.testing.assert_array_equal(window, train(image, index, UNSCALED))
    image = tf.constant(noise(30, 30))
    np.testing.assert_array_equal(evaluation_image(image, SCALED), image[11:19, 11:19])


def test_logarithms_of_scales_are_uniform():
    settings = dataclasses.replace(SCALED, smallest_scale=0.125)
    keys = tf.stack([tf.zeros([1000], tf.int64), tf.range(1000, dtype=tf.int64)], axis=-1)
    sides = [
        int(preprocessing._window_side(tf.constant(100), key, settings)) for key in tf.unstack(keys)
    ]
    octaves = np.log2(np.array(sides) / 8)
    quantiles = np.quantile(octaves, [0.45, 0.625, 0.75, 0.875, 1])
    np.testing.assert_allclose(quantiles, [0, 0.75, 1.5, 2.25, 3], atol=0.2)
