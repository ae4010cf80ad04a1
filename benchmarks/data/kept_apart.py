#!/usr/bin/env python3
"""Makes two folders from packages, to try the small configs on other pictures.

    python -m benchmarks.data.kept_apart --output_dir=DIR [--package_dir=PACKAGES]

    DIR/clothes/{train,test}/NUMBER.png             6,000 and 600 of Fashion-MNIST, in a border of 2
    DIR/photographs/{train,test}/NAME-NUMBER.png    windows of 32x32, up to 200 and 100 of each
    DIR/sources.txt                                 versions, licences and counts

The photographs are the samples of OpenCV and scikit-learn, and wallpapers of KDE, four of which are
held out.
"""

import collections
import gzip
import os
import pathlib
from collections.abc import Iterator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from absl import app, flags
from etils import epath
from PIL import Image

from cascade_tf.data.image_decoding import decode_rgb

from .new_set import run
from .packages import Package, fetch, files
from .photographs import random_windows, reduce

_DEBIAN = "http://deb.debian.org/debian/pool/main"
CLOTHES = Package(
    "dataset-fashion-mnist",
    "0.0~git20200523.55506a9-1",
    f"{_DEBIAN}/d/dataset-fashion-mnist/dataset-fashion-mnist_0.0~git20200523.55506a9-1_all.deb",
    "39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
    "MIT",
)
_SIDE = 28
OPENCV = Package(
    "opencv-doc",
    "4.6.0+dfsg-12",
    f"{_DEBIAN}/o/opencv/opencv-doc_4.6.0%2Bdfsg-12_all.deb",
    "4b12681df35878207ac7097dc66184b2ae552e4bf4ddd2af04a0f03ed0b8682a",
    "Apache-2.0",
)
SKLEARN = Package(
    "scikit-learn",
    "1.5.2",
    "https://files.pythonhosted.org/packages/37/59/"
    "44985a2bdc95c74e34fef3d10cb5d93ce13b0e2a7baefffe1b53853b502d/scikit_learn-1.5.2.tar.gz",
    "b4237ed7b3fdd0a4882792e68ef2545d5baa50aca3bb45aa7df468138ad8f94d",
    "CC-BY-2.0",
)
KDE = Package(
    "plasma-workspace-wallpapers",
    "5.27.5-2",
    f"{_DEBIAN}/p/plasma-workspace-wallpapers/plasma-workspace-wallpapers_5.27.5-2_all.deb",
    "32cd18b71c8c938a18b3b351f217c02ac590e323caa3cf322fbb875ce8892f8b",
    "GPL-2.0-or-later",
)
# Without drawings, portraits and a second version of a photograph.
_OPENCV = [
    "aero1", "aero3", "aloeL", "apple", "baboon", "board", "building", "chicky_512",
    "ela_original", "fruits", "left", "leuvenA", "orange", "scenetext01", "scenetext02",
    "scenetext03", "scenetext04", "scenetext05", "scenetext06", "scenetext_segmented_word01",
    "scenetext_segmented_word02", "squirrel_cls", "stuff",
]  # fmt: skip
_KDE = [
    "BytheWater", "ColdRipple", "ColorfulCups", "DarkestHour", "EveningGlow", "FallenLeaf",
    "Grey", "Kite", "OneStandsOut", "Path", "summer_1am",
]  # fmt: skip
_TEST = {f"plasma-{name}" for name in ("BytheWater", "FallenLeaf", "Kite", "Path")}
_WINDOW, _WINDOWS = 32, {"train": 200, "test": 100}


def _photographs(package_dir: str | None) -> Iterator[tuple[str, np.ndarray]]:
    """Names and pixels, uint8 [h, w, 3]; larger ones reduced to a shorter side of 512."""
    for path, content in files(fetch(OPENCV, package_dir)):
        if "/examples/" in path and pathlib.PurePath(path).stem in _OPENCV:
            yield f"opencv-{pathlib.PurePath(path).stem}", _small(content)
    for path, content in files(fetch(SKLEARN, package_dir)):
        if "/datasets/images/" in path and path.endswith(".jpg"):
            yield f"sklearn-{pathlib.PurePath(path).stem}", _small(content)
    largest: dict[str, bytes] = {}
    for path, content in files(fetch(KDE, package_dir)):
        parts = pathlib.PurePath(path).parts
        if "images" in parts and (name := parts[-4]) in _KDE:
            largest[name] = max(largest.get(name, b""), content, key=len)
    yield from ((f"plasma-{name}", _small(content)) for name, content in largest.items())


def _small(content: bytes) -> np.ndarray:
    picture = decode_rgb(content)
    return picture if min(picture.shape[:2]) <= 512 else reduce(picture)


def _clothes(package_dir: str | None) -> Iterator[tuple[str, np.ndarray]]:
    """Names with their folder, and pixels, uint8 [32, 32]."""
    for path, content in files(fetch(CLOTHES, package_dir)):
        for start, split, count in (("train-images", "train", 6000), ("t10k-images", "test", 600)):
            if pathlib.PurePath(path).name.startswith(start):
                pixels = np.frombuffer(gzip.decompress(content), np.uint8, offset=16)
                for number, picture in enumerate(pixels.reshape(-1, _SIDE, _SIDE)[:count]):
                    yield f"{split}/{number:05}", np.pad(picture, 2)


def write_set(directory: epath.Path, seed: int, package_dir: str | None) -> str:
    """Writes both folders, and returns the table of their sources."""
    counts = collections.Counter[str]()

    def save(name: str, picture: np.ndarray) -> None:
        file = directory / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(os.fspath(file))
        counts[os.fspath(file.parent.relative_to(directory))] += 1

    for name, picture in _clothes(package_dir):
        save(f"clothes/{name}", picture)
    for index, (name, picture) in enumerate(sorted(_photographs(package_dir))):
        split = "test" if name in _TEST else "train"
        windows = random_windows(picture, _WINDOW, _WINDOWS[split], [seed, _WINDOW, index])
        for number, window in windows:
            save(f"photographs/{split}/{name}-{number:03}", window)
    rows = [f"{p.name:30}{p.version:>28}  {p.licences}" for p in (CLOTHES, OPENCV, SKLEARN, KDE)]
    rows += [f"{folder}: {count:,} pictures" for folder, count in sorted(counts.items())]
    return "\n".join(rows) + "\n"


def main(_: list[str]) -> None:
    values = flags.FLAGS
    packages = [package.sha256 for package in (CLOTHES, OPENCV, SKLEARN, KDE)]
    run(
        {"packages": packages, "seed": values.seed},
        lambda folder: write_set(folder, values.seed, values.package_dir),
    )


if __name__ == "__main__":
    app.run(main)
