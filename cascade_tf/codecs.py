"""Bits/dim of lossless image codecs, as a baseline for a model's on the same images."""

import io
from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import oxipng
from PIL import Image

from cascade_tf.pictures import pillow_image, sheet

_SHEET_SIDE = 8000  # pixels; a sheet may be twice as high, and WebP allows 16,383


def _png(page: Image.Image) -> bytes:
    # Pillow's `optimize` is the smaller one at 8 bits, level 9 the other one at few bits.
    files = [_file(page, "PNG", optimize=True), _file(page, "PNG", compress_level=9)]
    smallest = min(files, key=len)
    return min(smallest, oxipng.optimize_from_memory(smallest, level=6), key=len)


def _webp(page: Image.Image) -> bytes:
    return _file(page, "WEBP", lossless=True, quality=100, method=6)


def _file(page: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    page.save(file, kind, **options)
    return file.getvalue()


_CODECS: dict[str, Callable[[Image.Image], bytes]] = {"png": _png, "webp": _webp}
TITLES = {"png": "PNG (best of Pillow and oxipng)", "webp": "WebP (lossless)"}


def codec_bits_per_dim(
    images: np.ndarray, codecs: Collection[str] = ("png", "webp")
) -> dict[str, float]:
    """Bits per dimension that image codecs take at their strongest settings.

    Images are tiled into sheets, so that file headers hardly count. If all values share low bits
    of zero, as those of `spn_tf` at fewer than 8 bits, the sheets are also encoded without these
    bits, and the smaller files count. The same images always give the same figures; WebP takes
    minutes for a thousand of them.

    Args:
        images: uint8 [N, H, W, 1 or 3], N 1 or more.
        codecs: names in `TITLES`.
            "png": the smallest of Pillow's `optimize`, Pillow's level 9, and oxipng's level 6.
            "webp": lossless WebP, method 6 and quality 100.

    >>> codec_bits_per_dim(np.zeros([4, 8, 8, 1], np.uint8), ["png"])["png"] < 8
    True
    """
    used_bits = int(np.bitwise_or.reduce(images, axis=None))
    zeros = (used_bits & -used_bits).bit_length() - 1  # low bits of zero; -1 if all are black
    variants = [images, images >> zeros] if zeros > 0 else [images]
    _, height, width, _ = images.shape
    on_sheet = max(1, _SHEET_SIDE // height) * max(1, _SHEET_SIDE // width)
    totals = dict.fromkeys(codecs, 0)
    for start in range(0, len(images), on_sheet):
        pages = [_page(variant[start : start + on_sheet]) for variant in variants]
        for name in totals:
            totals[name] += min(len(_CODECS[name](page)) for page in pages)
    return {name: 8 * total / images.size for name, total in totals.items()}


def _page(images: np.ndarray) -> Image.Image:
    """A sheet of full rows where possible, as white padding would add to the codecs' sizes."""
    near_square = int(np.ceil(np.sqrt(len(images))))
    whole = (c for c in range(near_square, near_square // 2, -1) if len(images) % c == 0)
    return pillow_image(sheet(images, next(whole, near_square)))
