"""On real pictures: thresholds that hold on noise say little of photographs."""

import shutil

import numpy as np
import pytest
from PIL import Image

from cascade_tf.data import DataConfig, open_source
from cascade_tf.data.split_overlap import overlap, overlap_warnings


def warnings(root, test_dir=None, seconds: float = 60) -> list[str]:
    config = DataConfig("folder", root, image_size=8, test_dir=test_dir)
    return overlap_warnings(open_source(config, "train"), open_source(config, "test"), seconds)


def windows(photograph: np.ndarray, side: int, stride: int) -> list[np.ndarray]:
    height, width, _ = photograph.shape
    return [
        photograph[top : top + side, left : left + side]
        for top in range(0, height - side + 1, stride)
        for left in range(0, width - side + 1, stride)
    ]


def save(folder, pictures, extension: str = "png") -> None:
    folder.mkdir(parents=True)
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"{number:04d}.{extension}")


def noise(count: int) -> list[np.ndarray]:
    return list(np.random.default_rng(0).integers(0, 256, [count, 40, 50, 3], np.uint8))


def test_copies_are_found_whatever_their_name_and_format(tmp_path):
    pictures = noise(12)
    save(tmp_path / "data", pictures[:9])
    save(tmp_path / "test", pictures[9:])
    assert warnings(tmp_path / "data", tmp_path / "test") == []
    shutil.copy(tmp_path / "data" / "0003.png", tmp_path / "test" / "renamed.png")
    Image.fromarray(pictures[5]).save(tmp_path / "test" / "other.webp", lossless=True)
    (line,) = warnings(tmp_path / "data", tmp_path / "test")
    assert line.startswith("2 held-out pictures are also trained on, pixel by pixel: ")
    found = overlap(*([*map(str, (tmp_path / name).iterdir())] for name in ("data", "test")), 60)
    pairs = {tuple(path.rpartition("/")[2] for path in pair) for pair in found.identical}
    assert pairs == {("renamed.png", "0003.png"), ("other.webp", "0005.png")}


def test_files_that_cannot_be_decoded_are_left_to_the_training(tmp_path):
    save(tmp_path / "data", noise(3))
    save(tmp_path / "test", noise(4)[3:])
    (tmp_path / "data" / "bad.png").write_bytes(b"no picture")
    assert warnings(tmp_path / "data", tmp_path / "test") == []


def test_a_comparison_without_time_says_what_it_left_out(tmp_path):
    save(tmp_path / "data", noise(20))
    (line,) = warnings(tmp_path / "data", seconds=0)
    assert line.startswith("no held-out picture was found") and "compared were 0 of " in line


@pytest.mark.parametrize(("extension", "stride"), [("png", 32), ("jpg", 23)])
def test_windows_of_photographs_that_overlap_are_no_test(tmp_path, extension, stride):
    data = pytest.importorskip("skimage.data")
    photographs = [data.astronaut()[:300, :400], data.coffee()[:300, :400]]
    save(tmp_path / "a", [w for p in photographs for w in windows(p, 64, stride)], extension)
    (line,) = warnings(tmp_path / "a")
    assert line.startswith("most held-out pictures nearly equal one") and "`test_dir`" in line


def test_pictures_that_are_alike_but_distinct_are_a_test(tmp_path):
    """Windows beside each other, and digits, of which some nearly equal others."""
    data = pytest.importorskip("skimage.data")
    photographs = [data.astronaut(), data.chelsea()]
    save(tmp_path / "a", [w for p in photographs for w in windows(p, 64, 64)])
    assert warnings(tmp_path / "a") == []
    digits = open_source(DataConfig("digits", channels=1), "test")
    batch = next(iter(digits.evaluation_examples(250))).images.numpy()[..., 0]
    for name, side in (("b", 32), ("c", 8)):
        save(tmp_path / name, [np.array(Image.fromarray(d).resize((side, side))) for d in batch])
        assert warnings(tmp_path / name) == []
