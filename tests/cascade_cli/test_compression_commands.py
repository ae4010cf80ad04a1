"""compress and decompress as a user runs them."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from cascade_cli.archives.decompression import _names
from spn_tf.compression.archive import Archive, Entry
from spn_tf.compression.arithmetic import Arithmetic
from tests.cascade_cli.commands import files, run, run_forked


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pictures of several sizes and kinds, one that the model cannot code, and one damaged."""
    root, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    (root / "inside").mkdir()
    for name, size in (("a.png", (8, 8, 3)), ("inside/b.webp", (9, 5, 3)), ("c.png", (3, 4))):
        pixels = rng.integers(0, 256, size, np.uint8)
        Image.fromarray(pixels).save(root / name, lossless=True)
    Image.fromarray(rng.integers(0, 256, [4, 4, 4], np.uint8)).save(root / "d.png")
    (root / "e.png").write_bytes(b"\x89PNG\r\n\x1a\n damaged")
    deep = rng.integers(0, 2**16, [4, 4, 3], np.uint16)
    (root / "f.png").write_bytes(tf.io.encode_png(deep).numpy())
    return root


@pytest.fixture(scope="module")
def archive(folder, cascade, tmp_path_factory):
    output = tmp_path_factory.mktemp("archive") / "new" / "all.spn"
    done = run("compress", f"--workdir={cascade}", f"--from_images={folder}", f"--output={output}")
    assert (
        "3 kept as files, which the model cannot code without loss: d.png, e.png, f.png"
        in done.stdout
    )
    assert f"6 pictures, {output.stat().st_size:,} bytes of " in done.stdout
    assert f"reading needs the model, TensorFlow {tf.__version__} and " in done.stdout
    return output


def _pixels(path):
    with Image.open(path) as image:
        return np.asarray(image).tolist()


def test_pictures_come_back_under_their_names(archive, folder, cascade, tmp_path):
    run("decompress", f"--workdir={cascade}", f"--input={archive}", f"--output_dir={tmp_path}")
    for before, after in (("a.png", "a.png"), ("inside/b.webp", "inside/b.png"), ("c.png",) * 2):
        assert _pixels(tmp_path / after) == _pixels(folder / before)
    for name in ("d.png", "e.png", "f.png"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
    assert len([path for path, content in files(tmp_path).items() if content]) == 6
    mistake = run_forked(
        tmp_path,
        *("decompress", f"--workdir={cascade}", f"--input={archive}", f"--output_dir={tmp_path}"),
    )
    assert mistake[0] == 1 and "exists already: add --overwrite" in mistake[2]


def test_earlier_stages_give_small_and_coarse_pictures(archive, folder, cascade, tmp_path):
    flags = (f"--workdir={cascade}", f"--input={archive}")
    for stage in ("slice", "size"):
        run("decompress", *flags, f"--stage={stage}", f"--output_dir={tmp_path / stage}")
    coarse = np.array(_pixels(folder / "a.png")) >> 5 << 5
    assert _pixels(tmp_path / "size" / "a.png") == coarse.tolist()
    assert _pixels(tmp_path / "slice" / "a.png") == coarse[::2, ::2].tolist()
    code, _, stderr = run_forked(
        tmp_path, "decompress", *flags, "--stage=depth3", f"--output_dir={tmp_path / 'no'}"
    )
    assert code == 2 and "--stage=depth3: the stages are slice, size, depth" in stderr


def test_a_damaged_archive_ends_in_one_line_and_what_came_before_stays(archive, cascade, tmp_path):
    data = bytearray(archive.read_bytes())
    flags = (f"--workdir={cascade}", "--input=bad.spn", "--output_dir=out")
    (tmp_path / "bad.spn").write_bytes(data[:40])
    code, _, stderr = run_forked(tmp_path, "decompress", *flags)
    assert code == 1 and "bad.spn: the archive is damaged or cut off in its header" in stderr
    data[-1] ^= 1  # of the last file
    (tmp_path / "bad.spn").write_bytes(data)
    code, _, stderr = run_forked(tmp_path, "decompress", *flags)
    assert code == 1 and "f.png is damaged; 4 of 6 pictures are written" in stderr
    assert not (tmp_path / "out" / "f.png").exists() and (tmp_path / "out" / "d.png").exists()


def test_each_picture_in_an_archive_of_its_own(folder, colour, tmp_path):
    """The model has 3 bits, so that only a picture of 3 bits is coded."""
    (tmp_path / "few").mkdir()
    levels = np.random.default_rng(0).integers(0, 8, [2, 8, 8, 3], np.uint8)
    for name, image in zip(("a.png", "a.bmp"), levels, strict=True):
        Image.fromarray(image << 5).save(tmp_path / "few" / name)
    Image.fromarray(levels[0] << 5).convert("RGBA").save(tmp_path / "few" / "opaque.png")
    flags = (f"--workdir={colour}", f"--from_images={tmp_path / 'few'}", "--noverify", "--each")
    run("compress", *flags, f"--output={tmp_path / 'archives'}")
    names = sorted(path.name for path in (tmp_path / "archives").iterdir())
    assert names == ["a.png.spn", "a.spn", "opaque.spn"]
    run(
        "decompress",
        *(f"--workdir={colour}", f"--input={tmp_path / 'archives'}", f"--output_dir={tmp_path}/D"),
    )
    for name, own in (("a.png", 0), ("a.png.png", 1), ("opaque.png", 0)):
        assert _pixels(tmp_path / "D" / name) == (levels[own] << 5).tolist()
    code, _, stderr = run_forked(
        tmp_path, "compress", *flags, f"--output={tmp_path / 'archives' / 'a.spn'}", "--overwrite"
    )
    assert code == 2 and "a.spn: it is a file, and --each needs a folder" in stderr


def test_names_of_all_archives_together_are_different():
    picture, file = Entry(4, 4, 1, "picture", b""), Entry(0, 0, 0, "file", b"", 0, "x.gif")
    named = dataclasses.replace(picture, name="x.png")
    some = {
        "a": [
            dataclasses.replace(picture, name="b.jpg"),
            dataclasses.replace(picture, name="b.png"),
        ],
        "one": [named],
        "two": [named],
        "three": [file, named],
        "one.png": [picture],
        "y.2": [picture],
    }
    archives = {
        key: Archive(b"", Arithmetic("plain", (2, 21, 0), 3, 1), entries, [], [b""])
        for key, entries in some.items()
    }
    assert _names(archives) == {
        "a": ["a/b.jpg.png", "a/b.png"],
        "one": ["one.png"],
        "two": ["two.png"],
        "three": ["three/x.gif", "three/x.png"],
        "one.png": ["one.png.png"],
        "y.2": ["y.2.png"],
    }
    assert _names({"a": archives["one"]}) == {"a": ["x.png"]}
    assert _names({"a": archives["one.png"]}) == {"a": ["a.png"]}
