"""Bits/dim of lossless image codecs, as a baseline for a model's on the same images."""

import io
import itertools
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import imagecodecs
import numpy as np
import oxipng
from PIL import Image

from cascade_tf.pictures import pillow_image, sheet

TITLES = {
    "png": "PNG (best of Pillow and oxipng)",
    "webp": "WebP (lossless)",
    "jpegxl": "JPEG XL (lossless)",
}
# Of several options of Pillow the smallest file counts: at few bits, level 9 beats `optimize`.
_PILLOW_OPTIONS: dict[str, list[dict[str, Any]]] = {
    "png": [{"format": "PNG", "optimize": True}, {"format": "PNG", "compress_level": 9}],
    "webp": [{"format": "WEBP", "lossless": True, "quality": 100, "method": 6}],
}
_OXIPNG_LEVEL = 6  # the strongest without zopfli, which gained 1% or less in 10 times the time
_JPEGXL_EFFORT = 10  # the strongest; on digits a sixth smaller than 9
# Pixels; a sheet may be twice as high, and WebP allows 16,383. JPEG XL takes 50 bytes of memory for
# each value, so 2.5 GB for a full sheet in colour.
_SHEET_SIDE = 4096


def codec_bits_per_dim(
    images: np.ndarray,
    codecs: Collection[str] | None = None,
    tiled: bool = True,
    on_file: Callable[[], None] = lambda: None,
) -> dict[str, float]:
    """Bits per dimension of images with lossless codecs, each at its strongest settings.

    If all values in a file have low bits of zero, as those of `spn_tf` at fewer than 8 bits, they
    are also encoded without these bits, and the smaller file counts. Every file is decoded and
    compared with its images. The same images always give the same figures. A thousand images of
    64x64 pixels in colour take a minute or two for each codec.

    Args:
        images: uint8 [N, H, W, C], at least one.
        codecs: "png" (the smallest of two settings of Pillow and of oxipng), "webp" and "jpegxl";
            by default all.
        tiled: whether images are tiled into large sheets, so that file headers hardly count and a
            codec can learn from other images. Otherwise each image is a file of its own.
        on_file: called after each file.

    Returns:
        The figures by codec.

    >>> sorted(codec_bits_per_dim(np.zeros([4, 8, 8, 1], np.uint8)))
    ['jpegxl', 'png', 'webp']
    """
    _, height, width, _ = images.shape
    room = max(1, _SHEET_SIDE // height) * max(1, _SHEET_SIDE // width) if tiled else 1
    sheets = [images[start : start + room] for start in range(0, len(images), room)]
    sizes = dict.fromkeys(TITLES if codecs is None else codecs, 0)
    files, parts = zip(*itertools.product(sizes, sheets), strict=True)
    with ThreadPoolExecutor() as pool:  # the encoders are C, and let other threads run
        for codec, size in zip(files, pool.map(_sheet_bytes, parts, files), strict=True):
            sizes[codec] += size
            on_file()
    return {codec: 8 * size / images.size for codec, size in sizes.items()}


def _sheet_bytes(images: np.ndarray, codec: str) -> int:
    """Bytes of a file of all images, uint8 [N, H, W, C]."""
    count = len(images)
    # Full rows where possible, as white padding would add to the codecs' sizes.
    near_square = int(np.ceil(np.sqrt(count)))
    whole = (c for c in range(near_square, near_square // 2, -1) if count % c == 0)
    columns = next(whole, near_square)
    used_bits = int(np.bitwise_or.reduce(images, axis=None))
    zeros = (used_bits & -used_bits).bit_length() - 1  # of all values; -1 if all are black
    variants = [images, images >> zeros] if zeros > 0 else [images]
    return min(len(_smallest_file(sheet(variant, columns), codec)) for variant in variants)


def _smallest_file(image: np.ndarray, codec: str) -> bytes:
    """A lossless file of an image, uint8 [H, W, C]; RuntimeError if it is not lossless."""
    page = pillow_image(image)
    if codec == "jpegxl":
        # `distance=0` is not lossless: it changes a tenth of the values.
        file = imagecodecs.jpegxl_encode(np.asarray(page), lossless=True, effort=_JPEGXL_EFFORT)
        decoded = imagecodecs.jpegxl_decode(file)
    else:
        file = min((_pillow_file(page, o) for o in _PILLOW_OPTIONS[codec]), key=len)
        if codec == "png":  # oxipng returns its input if it finds nothing smaller
            file = oxipng.optimize_from_memory(file, level=_OXIPNG_LEVEL)
        decoded = np.asarray(Image.open(io.BytesIO(file)).convert(page.mode))
    if not np.array_equal(decoded.reshape(image.shape), image):
        raise RuntimeError(f"{TITLES[codec]} does not return the image that was encoded")
    return bytes(file)


def _pillow_file(page: Image.Image, options: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    page.save(file, **options)
    return file.getvalue()
