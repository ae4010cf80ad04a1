"""Writes the images of discs and stripes that the goldens were trained on and upsample.

python tests/goldens/pictures.py DIRECTORY
"""

import pathlib
import sys

import numpy as np
from PIL import Image

SIDE = 32


def image(kind: str, rng: np.random.Generator) -> np.ndarray:
    """Returns an image, uint8 [SIDE, SIDE, 3]: discs or stripes of one colour on a gradient."""
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
    """Writes the training images by class, and images of two sizes for --from_images."""
    rng = np.random.default_rng(0)
    for kind in ("discs", "stripes"):
        for number in range(16):
            _save(image(kind, rng), directory / "pictures" / kind / f"{number:02d}.png")
        large = image(kind, rng)
        _save(large, directory / "given_32x32" / f"{kind}.png")
        _save(large[4::8, 4::8], directory / "given_4x4" / f"{kind}.png")


def _save(pixels: np.ndarray, path: pathlib.Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, optimize=True)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
