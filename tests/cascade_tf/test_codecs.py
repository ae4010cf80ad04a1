import numpy as np
import pytest

from cascade_tf import codecs
from cascade_tf.codecs import CodecSizes


def _random(count, side=16, channels=3, seed=0):
    shape = [count, side, side, channels]
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def _bits_per_dim(*batches):
    sizes = CodecSizes()
    for batch in batches:
        sizes.add(batch)
    return sizes.bits_per_dim()


def test_constant_images_cost_almost_nothing():
    for value in _bits_per_dim(np.full([100, 32, 32, 3], 77, np.uint8)).values():
        assert 0 < value < 0.05


@pytest.mark.parametrize("channels", [1, 3])
def test_random_images_cost_about_8_bits(channels):
    figures = _bits_per_dim(_random(80, channels=channels))
    assert list(figures) == ["png", "webp"]
    for value in figures.values():
        assert 8 <= value < 8.5


def test_random_images_of_3_bits_cost_about_3():
    for value in _bits_per_dim(_random(80) >> 5 << 5).values():
        assert 3 <= value < 4


def test_headers_are_paid_once_not_for_each_image():
    images = _random(64, side=4, channels=1) >> 6 << 6
    one = _bits_per_dim(images[:1])
    many = _bits_per_dim(images)
    for name in one:
        assert many[name] < one[name] / 4


def test_batches_do_not_matter():
    images = _random(30)
    assert _bits_per_dim(images[:7], images[7:8], images[8:]) == _bits_per_dim(images)


def test_images_on_several_sheets_add_up(monkeypatch):
    images = _random(23)
    whole = _bits_per_dim(images)
    monkeypatch.setattr(codecs, "_SHEET_SIDE", 32)  # 4 images on each
    sheets = []
    monkeypatch.setattr(codecs, "sheet", lambda images, columns: sheets.append(images) or page)
    page = np.zeros([8, 8, 3], np.uint8)
    _bits_per_dim(images[:2], images[2:13], images[13:])
    assert [len(part) for part in sheets] == [4, 4, 4, 4, 4, 3]
    np.testing.assert_array_equal(np.concatenate(sheets), images)
    monkeypatch.undo()
    monkeypatch.setattr(codecs, "_SHEET_SIDE", 32)
    for name, value in _bits_per_dim(images).items():
        assert whole[name] < value < whole[name] + 1
