import io
import os
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from cascade_tf.data import (
    DataConfig,
    folder,
    folder_splits,
    open_source,
    undecodable_image_message,
)
from cascade_tf.errors import UsageError, UserError


def folder_source(path, split: str = "all"):
    return open_source(DataConfig("folder", str(path), 8, 3), split)


def add_images(path, names) -> None:
    for number, name in enumerate(names):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (number % 256, 0, 0)).save(path / name)


def numbered(count: int) -> list[str]:
    return [f"{number:04d}.png" for number in range(count)]


def first_batch(source, batch_size: int):
    return next(source.evaluation_examples(batch_size).as_numpy_iterator())


def test_images_are_found_whatever_their_extension(tmp_path):
    add_images(tmp_path, ["a.png", "b.PNG", "c.WebP", "d.JPEG", "e.jpg"])
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / "._a.png").write_text("metadata of macOS")
    source = folder_source(tmp_path)
    assert (source.num_examples, source.num_classes) == (5, 1)
    batch = first_batch(source, 5)
    np.testing.assert_allclose(sorted(batch.images[:, 0, 0, 0]), np.arange(5), atol=2)
    np.testing.assert_array_equal(batch.labels, np.zeros(5))


def test_a_file_is_no_folder(tmp_path):
    add_images(tmp_path, ["1.png"])
    with pytest.raises(UserError, match=r"1.png is a file: name the folder that it is in, "):
        folder_source(tmp_path / "1.png")


def test_folders_are_classes_in_sorted_order(tmp_path):
    add_images(tmp_path, ["dog/1.png", "cat/b.png", "cat/deeper/a.png"])
    source = folder_source(f"{tmp_path}/")
    assert source.num_classes == 2
    batch = first_batch(source, 3)
    pairs = set(zip(batch.labels.tolist(), batch.images[:, 0, 0, 0].tolist(), strict=True))
    assert pairs == {(0, 1), (0, 2), (1, 0)}


def test_the_first_images_of_a_split_are_of_all_folders(tmp_path):
    add_images(tmp_path, [f"{name}/{number}.png" for name in "ab" for number in range(20)])
    labels = first_batch(folder_source(tmp_path), 20).labels
    assert 0.2 < labels.mean() < 0.8


def test_labels_are_those_of_the_whole_folder_in_either_split(tmp_path):
    add_images(tmp_path, [f"{name}/{number}.png" for name in "abcdef" for number in range(2)])
    for split in ("train", "test"):
        source = folder_source(tmp_path, split)
        labels = first_batch(source, source.num_examples).labels
        paths = [source._path(number).numpy().decode() for number in range(len(labels))]
        assert ["abcdef"[label] for label in labels] == [path.split("/")[-2] for path in paths]


def _split_names(path, split: str) -> set[str]:
    source = folder_source(path, split)
    paths = [source._path(number).numpy().decode() for number in range(source.num_examples)]
    return {os.path.basename(path) for path in paths}


def test_about_a_tenth_is_held_out_and_stays_so_when_images_are_added(tmp_path):
    def test_split(count: int) -> set[str]:
        for name in numbered(count):
            (tmp_path / name).touch()
        test, train = _split_names(tmp_path, "test"), _split_names(tmp_path, "train")
        assert sorted(test | train) == numbered(count) and not test & train
        return test

    of_500 = test_split(500)
    of_1000 = test_split(1000)
    assert 70 < len(of_1000) < 130
    assert of_500 == of_1000 & set(numbered(500))


@pytest.mark.parametrize("hashes", [(0.02, 0.03, 0.01), (0.6, 0.7, 0.5)])
def test_neither_split_of_a_tiny_folder_is_empty(hashes, monkeypatch, tmp_path):
    of = dict(zip(("a.png", "b.png", "c.png"), hashes, strict=True))
    add_images(tmp_path, of)
    monkeypatch.setattr(folder_splits, "_hash_in_unit_interval", of.get)
    train, test = (_split_names(tmp_path, split) for split in ("train", "test"))
    assert "b.png" in train and "c.png" in test and not train & test


def test_splits_that_are_open_share_one_listing_until_the_folder_changes(tmp_path):
    add_images(tmp_path, ["a/1.png", "a/2.png"])
    train, test = (folder_source(tmp_path, split) for split in ("train", "test"))
    assert train._listing is test._listing
    add_images(tmp_path, ["a/3.png"])
    assert folder_source(tmp_path).num_examples == 3


def test_one_image_cannot_be_split(tmp_path):
    add_images(tmp_path, ["a.png"])
    assert folder_source(tmp_path).num_examples == 1
    for split in ("train", "test"):
        with pytest.raises(UserError, match="cannot be split"):
            folder_source(tmp_path, split)


def test_restart(tmp_path, assert_restarts_exactly):
    add_images(tmp_path, numbered(7))
    assert_restarts_exactly(folder_source(tmp_path))


def test_a_restart_decodes_only_what_is_used(tmp_path, monkeypatch):
    add_images(tmp_path, [f"{number}.bmp" for number in range(400)])  # decoded in Python
    decoded = []

    def decode_rgb(encoded: bytes) -> np.ndarray:
        decoded.append(encoded)
        return np.zeros((8, 8, 3), np.uint8)

    monkeypatch.setattr(folder, "decode_rgb", decode_rgb)
    source = folder_source(tmp_path)
    assert not decoded
    next(iter(source.training_examples(2, start_index=399)))
    assert 2 <= len(decoded) < 100


@pytest.mark.parametrize("content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n truncated"])
def test_an_undecodable_image_is_named_in_one_line(tmp_path, content):
    (tmp_path / "bad one.png").write_bytes(content)
    with pytest.raises(tf.errors.OpError) as raised:
        next(iter(folder_source(tmp_path).training_examples(1, 0)))
    message = undecodable_image_message(raised.value)
    assert message.startswith(f"cannot decode image {tmp_path}/bad one.png: ")
    assert "\n" not in message and "0x" not in message


def test_bad_images_can_be_skipped(tmp_path, capfd):
    """Training replaces each by the same image at every pass; evaluation leaves them out."""
    add_images(tmp_path, numbered(12))
    for name in ("0003.png", "0008.png"):
        (tmp_path / name).write_bytes(b"not an image")
    config = DataConfig("folder", str(tmp_path), 8, 3, bad_images="skip")
    source = open_source(config, "all")

    def stream(source, start):
        batches = source.training_examples(3, start).take(8 - start // 3)
        return [np.concatenate(part) for part in zip(*batches.as_numpy_iterator(), strict=True)]

    images, _, indices = stream(source, 0)
    np.testing.assert_array_equal(indices, np.arange(24))
    counts = np.bincount(images[:, 0, 0, 0], minlength=12)
    assert counts[[3, 8]].sum() == 0 and sorted(counts)[2:] in ([2] * 8 + [4] * 2, [2] * 9 + [6])
    np.testing.assert_array_equal(stream(open_source(config, "all"), 6)[0], images[6:])

    rows = list(source.evaluation_examples(5).unbatch().as_numpy_iterator())
    real = [row for row in rows if row.indices >= 0]
    assert len(real) == 10 and len({row.images[0, 0, 0] for row in real}) == 10
    messages = capfd.readouterr().err.splitlines()
    assert len(messages) == 4  # two by each source
    assert all(line.startswith(f"cannot decode image {tmp_path}/000") for line in messages)
    counts = {line.rsplit("not an image: skipped, ")[-1] for line in messages[:2]}
    assert counts == {"1 so far", "2 so far"}


def test_skipping_fails_if_all_images_are_bad(tmp_path):
    for name in numbered(3):
        (tmp_path / name).write_bytes(b"not an image")
    source = open_source(DataConfig("folder", str(tmp_path), 8, 3, bad_images="skip"), "all")
    with pytest.raises(tf.errors.OpError) as raised:
        next(iter(source.training_examples(1, 0)))
    assert "nor any other in the folder" in undecodable_image_message(raised.value)


def test_odd_files_and_names_are_used_or_named(tmp_path):
    """Content, not extension, decides whether a file is an image; unreadable ones are named."""
    add_images(
        tmp_path, ["plain.png", "\u00e9t\u00e9 \u96ea.png", "two\nlines.png", "deep/er/one.png"]
    )
    for name, size in (("dot.png", (1, 1)), ("line.png", (10_000, 1))):
        Image.new("RGB", size, (9, 9, 9)).save(tmp_path / name)
    Image.new("RGB", (8, 8)).save(tmp_path / "jpeg.png", "JPEG")
    Image.new("RGB", (8, 8)).save(os.fsencode(tmp_path) + b"/latin-\xe9.png", "PNG")
    assert first_batch(folder_source(tmp_path), 8).images.shape == (8, 8, 8, 3)

    (tmp_path / "deep" / "loop").symlink_to(tmp_path)
    (tmp_path / "itself").symlink_to("itself")
    (tmp_path / "again").symlink_to("deep")
    assert folder_source(tmp_path).num_examples == 8
    outside = tmp_path.with_name(f"{tmp_path.name}_outside")
    add_images(outside, ["one.png"])
    for name in ("there", "there too"):
        (tmp_path / name).symlink_to(outside)
    assert folder_source(tmp_path).num_examples == 9

    whole = bytearray((tmp_path / "plain.png").read_bytes())
    whole[16:24] = struct.pack(">2I", 50_000, 50_000)  # a decompression bomb's sides
    whole[29:33] = struct.pack(">I", zlib.crc32(whole[12:29]))
    (tmp_path / "bomb.png").write_bytes(whole)
    (tmp_path / "nowhere\n.png").symlink_to("missing")
    source = open_source(DataConfig("folder", str(tmp_path), 8, 3, bad_images="skip"), "all")
    indices = np.concatenate([e.indices for e in source.evaluation_examples(5)])
    assert (indices >= 0).sum() == 9
    for name, reason in (("bomb.png", "decompression bomb"), ("nowhere\n.png", "o such file")):
        with pytest.raises(ValueError, match=reason) as raised:
            folder.decode_file(os.fsencode(tmp_path / name))
        assert "\n" not in str(raised.value) and str(tmp_path) in str(raised.value)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_mutated_files_are_decoded_or_named(tmp_path, kind):
    """A photograph's file with bytes changed, cut out or repeated."""
    pytest.importorskip("skimage")
    from skimage import data

    whole, rng = io.BytesIO(), np.random.default_rng(0)
    Image.fromarray(data.astronaut()[:64, :64]).save(whole, kind)
    original = whole.getvalue()
    good, bad = {}, []
    for number in range(150):
        content = bytearray(original)
        for _ in range(rng.integers(1, 6)):
            at = int(rng.integers(len(content)))
            change = rng.integers(3)
            if change == 0:
                content[at] = int(rng.integers(256))
            elif change == 1:
                del content[at : at + int(rng.integers(1, 50))]
            else:
                content[at:at] = content[at : at + int(rng.integers(1, 50))]
        path = tmp_path / f"{number}.png"
        path.write_bytes(content)
        try:
            good[path] = folder.decode_file(os.fsencode(path))
            assert good[path].dtype == np.uint8 and good[path].shape[2:] == (3,)
        except ValueError as error:
            assert str(error).startswith(f"cannot decode image {path}: ")
            bad.append(path)
    assert bad

    config = DataConfig("folder", str(tmp_path), 64, 3, bad_images="skip")
    indices = [e.indices for e in open_source(config, "all").evaluation_examples(50)]
    assert (np.concatenate(indices) >= 0).sum() == len(good)
    for number, path in enumerate(bad[:5]):  # with bad_images="fail"; JPEG files in the graph
        alone = tmp_path / f"alone{number}"
        alone.mkdir()
        path.rename(alone / path.name)
        with pytest.raises(tf.errors.OpError) as raised:
            first_batch(folder_source(alone), 1)
        assert str(alone / path.name) in undecodable_image_message(raised.value)
        (alone / path.name).unlink()


def test_a_damaged_jpeg_file_is_named_among_whole_ones(tmp_path):
    """Also when other files were read since; the line has no text of TensorFlow's."""
    whole = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    Image.fromarray(noise).save(whole, "JPEG")
    for number in range(40):
        (tmp_path / f"{number}.jpg").write_bytes(whole.getvalue())
    (tmp_path / "23.jpg").write_bytes(whole.getvalue()[:-100])
    source = folder_source(tmp_path)
    batches = iter(source.training_examples(4, 0))
    with pytest.raises(tf.errors.OpError) as raised:
        for _ in range(10):
            next(batches)
            next(iter(source.evaluation_examples(1, limit=1)))
    message = undecodable_image_message(raised.value)
    assert message == (f"cannot decode image {tmp_path}/23.jpg: its data is damaged, or too large")


@pytest.mark.parametrize("bad_images", ["fail", "skip"])
def test_intact_jpeg_files_are_decoded_in_the_graph(tmp_path, monkeypatch, bad_images):
    def decode_file(path: bytes) -> None:
        raise AssertionError(path)

    monkeypatch.setattr(folder, "decode_file", decode_file)
    add_images(tmp_path, ["a.jpg", "b.jpg", "c.jpg"])
    config = DataConfig("folder", str(tmp_path), 8, 3, bad_images=bad_images)
    assert (first_batch(open_source(config, "all"), 3).indices >= 0).all()


def test_other_errors_are_not_taken_for_undecodable_images(tmp_path):
    add_images(tmp_path, ["a.JPEG"])
    source = folder_source(tmp_path)
    first_batch(source, 1)
    (tmp_path / "a.JPEG").unlink()
    missing = tf.errors.NotFoundError(None, None, f"{tmp_path}/a.JPEG")
    assert undecodable_image_message(missing) is None
    assert undecodable_image_message(tf.errors.InternalError(None, None, "out of luck")) is None


def test_a_missing_or_empty_folder_is_a_users_error(tmp_path):
    with pytest.raises(UsageError, match="dataset=folder: name the folder of images by"):
        open_source(DataConfig("folder", None, 8, 3), "all")
    with pytest.raises(UserError, match=f"no folder {tmp_path}/missing"):
        folder_source(tmp_path / "missing")
    with pytest.raises(UserError, match=f"no images in the folder {tmp_path}"):
        folder_source(tmp_path)
