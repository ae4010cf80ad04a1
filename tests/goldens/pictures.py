"""Writes the pictures that the models of this folder learnt, and upscale: discs and stripes.

python tests/goldens/pictures.py DIRECTORY
"""

import pathlib
import sys

import numpy as np
from PIL import Image

SIDE = 32


def picture(kind: str, rng: np.random.Generator) -> np.ndarray:
    """Returns one picture, uint8 [SIDE, SIDE, 3]: a shape of one colour on a gradient."""
    y, x = np.mgrid[:SIDE, :SIDE]
    low, high, colour = rng.integers(0, 256, [3, 3])
    share = (x + y)[..., None] // 8 / 8
    ground = low + share * (high - low)
    if kind == "discs":
        middle, radius = rng.integers(10, 22, 2), rng.integers(5, 11)
        inside = (x - middle[0]) ** 2 + (y - middle[1]) ** 2 < radius**2
    else:
        inside = (x + rng.integers(0, 8)) // rng.integers(3, 8) % 2 == 0
    return np.where(inside[..., None], colour, ground).astype(np.uint8)


def main(directory: pathlib.Path) -> None:
    """Writes the pictures to train on, by class, and some of other sizes to upscale."""
    rng = np.random.default_rng(0)
    for kind in ("discs", "stripes"):
        for number in range(16):
            _save(picture(kind, rng), directory / "pictures" / kind / f"{number:02d}.png")
        given = picture(kind, rng)
        _save(given, directory / "given_32x32" / f"{kind}.png")
        _save(given[4::8, 4::8], directory / "given_4x4" / f"{kind}.png")


def _save(image: np.ndarray, path: pathlib.Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, optimize=True)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
