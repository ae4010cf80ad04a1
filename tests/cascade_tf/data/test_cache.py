import numpy as np
import pytest
import tensorflow as tf
from etils import epath
from PIL import Image

from cascade_tf.data import CachedSource, DataConfig, Share, cache, folder, open_source
from cascade_tf.errors import UsageError


def _source(data_dir, size=8, channels=3, **more):
    return open_source(DataConfig("folder", str(data_dir), size, channels, **more), "all")


def _cached(source, directory, prepared=True):
    cached = CachedSource(source, epath.Path(directory))
    if prepared:
        cached.prepare()
    return cached


def _epochs(source, count):
    """Images and labels of `count` epochs, [count, N, ...] each."""
    batches = source.training_examples(source.num_examples, 0).take(count).as_numpy_iterator()
    images, labels, _ = zip(*batches, strict=True)
    return np.stack(images), np.stack(labels)


def _contents(images, labels):
    pairs = zip(labels.tolist(), images, strict=True)
    return sorted((label, image.tobytes()) for label, image in pairs)


@pytest.fixture
def pictures(tmp_path):
    """A folder of 23 random square images of two classes and several sizes."""
    rng = np.random.default_rng(0)
    for number in range(23):
        side = (8, 13, 24)[number % 3]
        path = tmp_path / "pictures" / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, [side, side, 3], dtype=np.uint8)).save(path)
    return tmp_path / "pictures"


@pytest.fixture
def small_files(monkeypatch):
    """Files of 2 examples and lanes of 3 or 4 examples, more than the shuffle buffer holds."""
    monkeypatch.setattr(cache, "_FILE_EXAMPLES", 2)
    monkeypatch.setattr(cache, "_SHUFFLE_BUFFER", 18)
    monkeypatch.setattr(cache, "LANES", 6)


@pytest.mark.parametrize("channels", [1, 3])
def test_square_images_are_the_same_as_without_a_cache(pictures, tmp_path, channels, monkeypatch):
    source = _source(pictures, channels=channels)
    cached = _cached(source, tmp_path / "cache")
    images, labels = _epochs(source, 1)
    expected = _contents(images[0], labels[0])
    whole = [batch._asdict() for batch in cached.evaluation_examples(5).as_numpy_iterator()]
    for batch, other in zip(source.evaluation_examples(5).as_numpy_iterator(), whole, strict=True):
        for part, value in batch._asdict().items():
            np.testing.assert_array_equal(other[part], value)

    monkeypatch.setattr(folder, "decode_file", None)  # the cache decodes no file again
    images, labels = _epochs(_cached(source, tmp_path / "cache"), 3)
    for epoch, of_epoch in zip(images, labels, strict=True):
        assert _contents(epoch, of_epoch) == expected
    assert len({epoch.tobytes() for epoch in images}) == 3


def test_epochs_are_complete_and_restart_and_are_split_into_shares(
    pictures, tmp_path, small_files, assert_restarts_exactly
):
    cached = _cached(_source(pictures), tmp_path)
    assert len(list(cached.directory.iterdir())) == 12
    images, _ = _epochs(cached, 3)
    assert len({tuple(sorted(image.tobytes() for image in epoch)) for epoch in images}) == 1
    assert len({epoch.tobytes() for epoch in images}) == 3
    assert_restarts_exactly(cached)
    whole = next(cached.training_examples(60, 0).as_numpy_iterator())
    for of in (2, 3, 4):
        for number in range(of):
            part = next(
                cached.training_examples(60 // of, 0, Share(number, of)).as_numpy_iterator()
            )
            np.testing.assert_array_equal(part.images, whole.images[number::of])
            np.testing.assert_array_equal(part.indices, whole.indices[number::of])


def test_cached_images_are_in_the_order_of_the_source(pictures, tmp_path, small_files):
    source = _source(pictures)
    cached = _cached(source, tmp_path / "cache")
    everything = np.ones(source.num_examples, bool)
    actual, expected = (list(s.whole_images(everything)) for s in (cached, source))
    for (image, label), (other, its_label) in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(image, other)
        assert label == its_label


def test_oblong_images_are_cached_uncropped_and_cropped_at_every_reading(tmp_path):
    pixels = np.arange(0, 200, 10, dtype=np.uint8).repeat(10)[None, :, None].repeat(20, 0)
    (tmp_path / "pictures").mkdir()
    Image.fromarray(pixels.repeat(3, 2)).save(tmp_path / "pictures" / "one.png")  # 20 x 200
    cached = _cached(_source(tmp_path / "pictures", size=2), tmp_path / "cache")
    (record,) = cached._epoch_records(tf.constant(0, tf.int64), Share(0, 1))
    image, _ = cached._read(record)
    np.testing.assert_array_equal(image[:, :, 0], [np.arange(0, 200, 10)] * 2)
    crops, _ = _epochs(cached, 40)
    starts = set(crops[:, 0, 0, 0, 0].tolist())
    assert starts <= set(range(0, 190, 10)) and len(starts) > 10


def test_an_interrupted_preparation_resumes_where_it_stopped(
    pictures, tmp_path, small_files, monkeypatch
):
    source = _source(pictures)
    whole = _cached(source, tmp_path / "whole")
    cached = _cached(source, tmp_path / "parts", prepared=False)
    serialized, written = cache._serialized, []

    def stop_at_the_tenth(*example):
        written.append(example)
        if len(written) == 10:
            raise KeyboardInterrupt
        return serialized(*example)

    monkeypatch.setattr(cache, "_serialized", stop_at_the_tenth)
    with pytest.raises(KeyboardInterrupt):
        cached.prepare()
    whole_files = [path.name for path in cached.directory.iterdir()]
    assert len(whole_files) == 4  # with 8 or 9 examples
    cached.prepare()
    assert 23 < len(written) <= 10 + 23 - 7
    files = {path.name: path.read_bytes() for path in cached.directory.iterdir()}
    assert files == {path.name: path.read_bytes() for path in whole.directory.iterdir()}


def test_other_images_have_another_cache_directory(pictures, tmp_path):
    first = _cached(_source(pictures), tmp_path / "cache")
    assert _cached(_source(pictures), tmp_path / "cache").directory == first.directory
    assert _cached(_source(pictures, size=4), tmp_path / "cache").directory != first.directory
    Image.new("RGB", (9, 9)).save(pictures / "a" / "0.png")
    changed = _cached(_source(pictures), tmp_path / "cache")
    assert changed.directory != first.directory
    images, _ = _epochs(changed, 1)
    assert sum(not image.any() for image in images[0]) == 1


def test_a_bad_image_that_is_skipped_is_replaced_once(pictures, tmp_path, capfd):
    (pictures / "a" / "0.png").write_bytes(b"no image")
    cached = _cached(_source(pictures, bad_images="skip"), tmp_path / "cache")
    assert "cannot decode image" in capfd.readouterr().err
    images, _ = _epochs(cached, 1)
    assert len({image.tobytes() for image in images[0]}) == 22


def test_sources_that_cannot_be_cached_are_refused(pictures, tmp_path):
    digits = open_source(DataConfig("digits", None, 32, 1), "train")
    for source, message in (
        (digits, "`dataset`=digits needs no cache"),
        (_source(pictures, smallest_crop=0.5), "smallest_crop=0.5: the cache keeps"),
        (_source(pictures, crop="window"), "crop=window: the cache keeps resized images"),
    ):
        with pytest.raises(UsageError, match=message):
            CachedSource(source, epath.Path(tmp_path))
