import pathlib

import numpy as np
import pytest
from PIL import Image

from tests.cascade_cli.commands import TINY_MODEL, train


@pytest.fixture(scope="session")
def pictures(tmp_path_factory) -> pathlib.Path:
    """A folder of 12 random colour images of 8x8 pixels."""
    folder = tmp_path_factory.mktemp("pictures [1]*")  # a wildcard nowhere
    pixels = np.random.default_rng(0).integers(0, 256, [12, 8, 8, 3], dtype=np.uint8)
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(folder / f"{number:02d}.png")
    return folder


@pytest.fixture(scope="session")
def colour(tmp_path_factory, pictures) -> pathlib.Path:
    """The workdir of a model of 3-bit colour images."""
    workdir, cache = tmp_path_factory.mktemp("colour"), tmp_path_factory.mktemp("cache [1]?")
    train(
        *TINY_MODEL,
        *("--dataset=folder", f"--data_dir={pictures}", "--channels=3", "--bits=3"),
        *(f"--workdir={workdir}", "--steps=1000000", "--steps=spn:4"),
        f"--cache_dir={cache}",
    )
    assert list(cache.glob("folder_8x8x3_*/*.tfrecord"))
    return workdir


@pytest.fixture(scope="session")
def cascade(tmp_path_factory, pictures) -> pathlib.Path:
    """The workdir of multidimensional upscaling: slice and size at 3 bits, depth from 3 to 8."""
    workdir = tmp_path_factory.mktemp("cascade")
    train(
        *TINY_MODEL,
        *("--dataset=folder", f"--data_dir={pictures}", "--channels=3"),
        *("--upscaling=multidimensional", "--coarse_bits=3", f"--workdir={workdir}"),
        *("--steps=2", "--steps=depth:3", "--slice_positions=all"),
    )
    return workdir
