import sys

import numpy as np
import pytest

from cascade_tf.data import DataConfig, open_source, photos
from cascade_tf.errors import UserError


def photos_source(split: str, size: int = 64):
    return open_source(DataConfig("photos", None, size, 3), split)


def labels(source) -> np.ndarray:
    return next(source.evaluation_examples(source.num_examples).as_numpy_iterator()).labels


def test_splits_have_no_photograph_in_common():
    train, test, both = (photos_source(split) for split in ("train", "test", "all"))
    assert set(labels(train)) == {0, 1, 2, 3}
    assert set(labels(test)) == {4, 5}
    np.testing.assert_array_equal(labels(both), np.concatenate([labels(train), labels(test)]))
    assert train.num_classes == test.num_classes == 6


def test_a_record_is_a_window_shrunk_by_two():
    source = photos_source("train")
    image = next(source.evaluation_examples(1).as_numpy_iterator()).images[0]
    window = photos._photograph("astronaut")[:128, :128]
    expected = np.rint(window.reshape(64, 2, 64, 2, 3).mean((1, 3)))
    np.testing.assert_allclose(image, expected, atol=1)


def test_windows_overlap_by_half_in_training_only():
    assert photos._windows("coffee", 128, 1)[:2] == [(4, 0, 0, 128), (4, 0, 128, 128)]
    assert photos._windows("astronaut", 128, 2)[:2] == [(0, 0, 0, 128), (0, 0, 64, 128)]


def test_a_small_photograph_gives_smaller_windows():
    assert {window[3] for window in photos._windows("chelsea", 512, 2)} == {300}
    for split in ("train", "test"):
        assert photos_source(split, size=512).num_examples > 0


def test_windows_of_one_colour_are_left_out(monkeypatch):
    photograph = np.zeros((8, 16, 3), np.uint8)
    photograph[:, 8:] = np.arange(8)[:, None, None]
    monkeypatch.setattr(photos, "_photograph", lambda name: photograph)
    assert photos._windows("retina", 8, 1) == [(3, 0, 8, 8)]


def test_restart(assert_restarts_exactly):
    assert_restarts_exactly(photos_source("test"))


def test_a_missing_package_is_named_with_its_installation(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage", None)
    photos._photograph.cache_clear()
    with pytest.raises(UserError, match=r"pip install 'cascade-tf\[demo\]'"):
        photos_source("train")
