import io

import numpy as np
import pytest
from PIL import Image

from cascade_tf.pictures import enlarge, png_bytes, resize_nearest, sheet


def _constant(*values, height=1, width=2, channels=1):
    """Images of one value each, uint8 [N, height, width, channels]."""
    images = np.zeros([len(values), height, width, channels], np.uint8)
    return images + np.uint8(values)[:, None, None, None]


def test_a_sheet_is_laid_out_row_by_row_with_white_between_and_after():
    expected = [
        [1, 1, 255, 2, 2],
        [255, 255, 255, 255, 255],
        [3, 3, 255, 255, 255],
    ]
    page = sheet(_constant(1, 2, 3), columns=2, gap=1)
    assert page.dtype == np.uint8
    np.testing.assert_array_equal(page[..., 0], expected)


def test_a_sheet_keeps_each_images_pixels_in_place():
    images = np.arange(2 * 2 * 3 * 3, dtype=np.uint8).reshape(2, 2, 3, 3)
    np.testing.assert_array_equal(sheet(images, columns=1), np.concatenate(images, axis=0))
    np.testing.assert_array_equal(sheet(images, columns=2), np.concatenate(images, axis=1))


@pytest.mark.parametrize(("count", "rows", "columns"), [(1, 1, 1), (2, 1, 2), (5, 2, 3), (9, 3, 3)])
def test_a_sheet_is_nearly_square_by_default(count, rows, columns):
    page = sheet(_constant(*range(count), height=4, width=4), gap=2)
    assert page.shape == (6 * rows - 2, 6 * columns - 2, 1)


def test_enlarging_repeats_pixels_a_whole_number_of_times():
    image = np.uint8([[[1], [2]], [[3], [4]]])
    large = enlarge(image, smallest_side=4)
    np.testing.assert_array_equal(
        large[..., 0], [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]
    )
    np.testing.assert_array_equal(enlarge(large, smallest_side=3), large)
    long = np.zeros([2000, 10, 1], np.uint8)
    assert enlarge(long).shape == (4000, 20, 1)  # not 104,000 pixels long


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_png_files_hold_exactly_the_pixels(channels, mode):
    pixels = np.random.default_rng(0).integers(0, 256, [3, 5, channels], dtype=np.uint8)
    with Image.open(io.BytesIO(png_bytes(pixels))) as image:
        assert image.mode == mode and image.format == "PNG"
        np.testing.assert_array_equal(np.asarray(image).reshape(pixels.shape), pixels)


def test_resize_nearest_repeats_pixels():
    images = np.arange(2 * 2 * 3, dtype=np.uint8).reshape(2, 2, 3, 1)
    large = resize_nearest(images, 4, 9)
    assert large.shape == (2, 4, 9, 1)
    for row in range(4):
        for column in range(9):
            np.testing.assert_array_equal(large[:, row, column], images[:, row // 2, column // 3])
