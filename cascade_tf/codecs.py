"""Bits/dim of lossless image codecs, as a baseline for a model's on the same images."""

import io
from collections.abc import Collection
from typing import Any

import numpy as np
import oxipng
from PIL import Image

from cascade_tf.pictures import pillow_image, sheet

TITLES = {"png": "PNG (best of Pillow and oxipng)", "webp": "WebP (lossless)"}
# Of several options of Pillow the smallest file counts: at few bits, level 9 beats `optimize`.
_OPTIONS: dict[str, list[dict[str, Any]]] = {
    "png": [{"format": "PNG", "optimize": True}, {"format": "PNG", "compress_level": 9}],
    "webp": [{"format": "WEBP", "lossless": True, "quality": 100, "method": 6}],
}
_OXIPNG_LEVEL = 6  # the strongest without zopfli, which gained 1% or less in 10 times the time
_SHEET_SIDE = 8000  # pixels; a sheet may be twice as high, and WebP allows 16,383


def codec_bits_per_dim(
    images: np.ndarray, codecs: Collection[str] | None = None
) -> dict[str, float]:
    """Bits per dimension of images, uint8 [N, H, W, C], by codec; see `CodecSizes`.

    WebP takes minutes for a thousand images.

    >>> codec_bits_per_dim(np.zeros([4, 8, 8, 1], np.uint8), ["png"])["png"] < 8
    True
    """
    sizes = CodecSizes(codecs)
    sizes.add(images)
    return sizes.bits_per_dim()


class CodecSizes:
    """Compressed sizes of images with PNG and lossless WebP, each at its strongest settings.

    Images are tiled into sheets, so that file headers hardly count. If all values on a sheet have
    low bits of zero, as those of `spn_tf` at fewer than 8 bits, it is also encoded without these
    bits, and the smaller file counts. The same images always give the same figures.

    Args:
        codecs: "png" (the smallest of two settings of Pillow and of oxipng) and "webp"; by
            default both.

    >>> sizes = CodecSizes()
    >>> sizes.add(np.zeros([4, 8, 8, 1], np.uint8))
    >>> sorted(sizes.bits_per_dim())
    ['png', 'webp']
    """

    def __init__(self, codecs: Collection[str] | None = None) -> None:
        self._pending: list[np.ndarray] = []  # uint8 [n, H, W, C] each
        self._bytes = dict.fromkeys(_OPTIONS if codecs is None else codecs, 0)
        self._dimensions = 0

    def add(self, images: np.ndarray) -> None:
        """Adds images, uint8 [N, H, W, C]."""
        _, height, width, _ = images.shape
        full = max(1, _SHEET_SIDE // height) * max(1, _SHEET_SIDE // width)
        while len(images):
            room = full - sum(len(part) for part in self._pending)
            self._pending.append(images[:room])
            images = images[room:]
            if len(self._pending[-1]) == room:
                self._encode()

    def bits_per_dim(self) -> dict[str, float]:
        """Bits per dimension of all images added, by codec."""
        self._encode()
        return {name: 8 * size / self._dimensions for name, size in self._bytes.items()}

    def _encode(self) -> None:
        if not self._pending:
            return
        images = np.concatenate(self._pending)
        self._pending.clear()
        count = len(images)
        # Full rows where possible, as white padding would add to the codecs' sizes.
        near_square = int(np.ceil(np.sqrt(count)))
        whole = (c for c in range(near_square, near_square // 2, -1) if count % c == 0)
        columns = next(whole, near_square)
        used_bits = int(np.bitwise_or.reduce(images, axis=None))
        zeros = (used_bits & -used_bits).bit_length() - 1  # of all values; -1 if all are black
        variants = [images, images >> zeros] if zeros > 0 else [images]
        pages = [pillow_image(sheet(variant, columns)) for variant in variants]
        for name in self._bytes:
            self._bytes[name] += min(len(_smallest_file(page, name)) for page in pages)
        self._dimensions += images.size


def _smallest_file(page: Image.Image, codec: str) -> bytes:
    files = []
    for options in _OPTIONS[codec]:
        file = io.BytesIO()
        page.save(file, **options)
        files.append(file.getvalue())
    smallest = min(files, key=len)
    if codec == "png":  # oxipng returns its input if it finds nothing smaller
        smallest = oxipng.optimize_from_memory(smallest, level=_OXIPNG_LEVEL)
    return smallest
