import numpy as np
import pytest
from PIL import Image

from cascade_tf.data.picture_folder import read_pictures
from cascade_tf.errors import UserError

RNG = np.random.default_rng(0)


def test_images_are_unchanged_and_in_the_order_of_their_paths(tmp_path):
    arrays = [RNG.integers(0, 256, [side, side, 3], dtype=np.uint8) for side in (4, 8, 4)]
    (tmp_path / "sub").mkdir()
    for name, array in zip(("a.png", "b.png", "sub/a.png"), arrays, strict=True):
        Image.fromarray(array).save(tmp_path / name)
    images = read_pictures(str(tmp_path), "--from_images", (4, 8), channels=3)
    assert len(images) == 3
    for image, array in zip(images, arrays, strict=True):
        np.testing.assert_array_equal(image, array)


def test_grey_images_keep_their_values(tmp_path):
    array = RNG.integers(0, 256, [4, 4], dtype=np.uint8)
    Image.fromarray(array).save(tmp_path / "a.png")
    (image,) = read_pictures(str(tmp_path), "--from_images", (4,), channels=1)
    np.testing.assert_array_equal(image[..., 0], array)


@pytest.mark.parametrize("size", [(4, 8), (5, 5)])
def test_other_sizes_are_refused_naming_the_allowed_ones(tmp_path, size):
    Image.new("RGB", size).save(tmp_path / "a.png")
    with pytest.raises(
        UserError, match=f"a.png is of {size[1]}x{size[0]} pixels: use images of 4x4"
    ):
        read_pictures(str(tmp_path), "--from_images", (8, 4), channels=3)
