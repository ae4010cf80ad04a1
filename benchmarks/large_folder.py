#!/usr/bin/env python3
"""Measures time and memory of opening a folder of a million images.

    python benchmarks/large_folder.py [--files=1000000] [--directory=D]

The files are hard links to a few images, a thousand per folder, created in D (kept and reused) or
in a temporary directory. Memory is the process's resident set and its peak.
"""

import os
import pathlib
import resource
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from absl import app, flags
from PIL import Image

from cascade_tf.data import DataConfig, open_source

flags.DEFINE_integer("files", 1_000_000, "Number of files.")
flags.DEFINE_string("directory", None, "Directory of the files, which are created if missing.")
FLAGS = flags.FLAGS

_IMAGES = 40  # file systems limit the number of hard links to a file
_PER_FOLDER = 1000


def _fill(root: pathlib.Path) -> None:
    originals = root.with_name(f"{root.name}_originals")
    originals.mkdir(parents=True)
    for number in range(_IMAGES):
        pixels = np.random.default_rng(number).integers(0, 256, [48, 64, 3], dtype=np.uint8)
        Image.fromarray(pixels).save(originals / f"{number}.jpg")
    for number in range(FLAGS.files):
        folder = root / f"n{number // _PER_FOLDER:08d}"
        if number % _PER_FOLDER == 0:
            folder.mkdir(parents=True)
        os.link(originals / f"{number % _IMAGES}.jpg", folder / f"image_{number:08d}.jpg")


def _resident_mib() -> float:
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def _measure(root: pathlib.Path) -> None:
    config = DataConfig("folder", str(root), 32, 3)
    next(iter(open_source(DataConfig("digits", None, 32, 3), "test").training_examples(8, 0)))
    sources, before = [], _resident_mib()
    for split in ("train", "test"):
        began = time.monotonic()
        sources.append(open_source(config, split))
        seconds = time.monotonic() - began
        size = f"{sources[-1].num_examples:>9,} images, {_resident_mib() - before:6.0f} MiB more"
        print(f"open {split:8} {seconds:6.1f} s {size}", flush=True)
    began = time.monotonic()
    next(iter(sources[0].training_examples(64, start_index=10**9)))
    seconds = time.monotonic() - began
    print(f"first batch   {seconds:6.1f} s {'':16}  {_resident_mib() - before:6.0f} MiB more")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(f"peak          {'':24}   {peak - before:6.0f} MiB more")


def main(_: list[str]) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        root = pathlib.Path(FLAGS.directory or temporary) / "images"
        if not root.exists():
            _fill(root)
        _measure(root)


if __name__ == "__main__":
    app.run(main)
