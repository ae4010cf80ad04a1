"""Bits/dim of lossless image codecs, as a baseline for a model's on the same images."""

import io
from typing import Any

import numpy as np

from cascade_tf.pictures import pillow_image, sheet

_OPTIONS: dict[str, dict[str, Any]] = {
    "png": {"format": "PNG", "optimize": True},
    "webp": {"format": "WEBP", "lossless": True, "quality": 100, "method": 6},
}
_SHEET_SIDE = 8000  # pixels; a sheet may be twice as high, and WebP allows 16,383


class CodecSizes:
    """Compressed sizes of images with PNG and lossless WebP, each at its strongest setting.

    Images are tiled into sheets, so that file headers hardly count.

    >>> sizes = CodecSizes()
    >>> sizes.add(np.zeros([4, 8, 8, 1], np.uint8))
    >>> sorted(sizes.bits_per_dim())
    ['png', 'webp']
    """

    def __init__(self) -> None:
        self._pending: list[np.ndarray] = []  # uint8 [n, H, W, C] each
        self._bytes = dict.fromkeys(_OPTIONS, 0)
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
        """Bits per dimension of all images added, by codec: "png" and "webp"."""
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
        page = pillow_image(sheet(images, next(whole, near_square)))
        for name, options in _OPTIONS.items():
            file = io.BytesIO()
            page.save(file, **options)
            self._bytes[name] += file.tell()
        self._dimensions += images.size
