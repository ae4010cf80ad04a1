"""Reduction of values with more than 8 bits, by one rule for each kind.

| values | become |
|---|---|
| 16 bits, grey or colour | v / 257, rounded |
| 12 bits, grey | v / 4095 * 255, rounded |
| floating point, grey | v * 255, rounded, if all are from 0 to 1 |

All others are refused, since a file does not say which value is white.
"""

import io
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image, ImageFile

from cascade_tf.data.png_chunks import depth, has_colours, without_metadata

# Tags of TIFF, and values of them.
_BITS, _PHOTOMETRIC, _PLANES, _SAMPLE_FORMAT = 258, 262, 284, 339
_MIN_IS_WHITE, _SEPARATE, _SIGNED = 0, 2, 2

# Byte orders in the names of Pillow's raw modes, such as RGB;16L; N is the machine's own.
_OTHER_ORDER = {"L": "B", "B": "L", "N": "B" if sys.byteorder == "little" else "L"}


def with_8_bits(file: ImageFile.ImageFile, encoded: bytes) -> Image.Image:
    """Decodes the pixels of an opened file.

    Args:
        file: the file, whose pixels are not loaded yet. They are afterwards.
        encoded: its content.

    Returns:
        `file` itself if its values have 8 bits at most; otherwise a new image of mode L, LA, RGB,
        RGBA or CMYK.

    Raises:
        ValueError: there is no rule for the values.
        Exception: of any type that Pillow or TensorFlow raises for a damaged file.
    """
    tags = getattr(file, "tag_v2", {})
    if _SIGNED in tags.get(_SAMPLE_FORMAT, ()):
        raise ValueError("its values are signed integers, of unknown range")
    if file.format == "JPEG2000" and len(file.getbands()) > 1 and _jpeg2000_depth(encoded) > 8:
        # Pillow 13 decodes the highest values, white, to 0.
        raise ValueError("it is JPEG 2000 with more than 8 bits per colour: save it as PNG")
    if len(file.getbands()) > 1 and 16 in tags.get(_BITS, ()):
        if tags.get(_PLANES) == _SEPARATE:  # Pillow 13 takes each byte for a value
            raise ValueError("its 16-bit colours are in separate planes: save it as PNG")
        return _tiff_colours(file, encoded)
    if file.mode == "F" and file.tile and file.tile[0][0] == "libtiff":
        _set_raw_mode(file, "F;32NF")  # Pillow 13 takes them for the file's byte order
    _load_pixels(file)
    if file.format == "PNG" and depth(encoded) == 16:
        return _png(encoded)
    if file.mode == "F":
        return _grey(_in_unit_interval(np.asarray(file)), 1, tags)
    if file.mode.startswith("I;16"):
        white = 4095 if tags.get(_BITS) == (12,) else 65535
        return _grey(np.asarray(file), white, tags)
    if file.mode == "I" and file.format == "PPM":  # which Pillow scales to 16 bits
        return _grey(np.asarray(file), 65535, tags)
    if file.mode == "I":
        raise ValueError("its values are 32-bit integers, of unknown range")
    return file


def _load_pixels(file: ImageFile.ImageFile) -> None:
    """Loads a file; errors in metadata that follow the pixels are ignored."""
    try:
        file.load()
    except Exception:  # of any type
        if file.tile:  # parts that are not decoded yet
            raise


def _png(encoded: bytes) -> Image.Image:
    """Decodes a PNG file of 16 bits, whose colours Pillow would cut off to 8."""
    values = tf.io.decode_png(without_metadata(encoded), channels=4, dtype=tf.uint16).numpy()
    colours, alpha = values[..., : 3 if has_colours(encoded) else 1], values[..., 3:]
    if (alpha < 65535).any():
        colours = np.concatenate([colours, alpha], axis=-1)
    return _image(_scaled(colours, 65535))


def _tiff_colours(file: ImageFile.ImageFile, encoded: bytes) -> Image.Image:
    """Decodes a TIFF file with 16 bits per colour.

    Pillow keeps the high byte of each value. In the other byte order this is the low one.
    """
    raw_mode = _arguments(file.tile[0])[0]  # such as RGB;16L
    premultiplied = raw_mode.startswith("RGBa")
    raw_mode = raw_mode.replace("RGBa", "RGBA")  # Pillow would divide each byte by alpha
    _set_raw_mode(file, raw_mode)
    _load_pixels(file)
    with Image.open(io.BytesIO(encoded)) as again:
        _set_raw_mode(again, raw_mode[:-1] + _OTHER_ORDER[raw_mode[-1]])
        _load_pixels(again)
        values = np.asarray(file, np.uint32) * 256 + np.asarray(again)
    if premultiplied:
        alpha = values[..., 3:]
        colours = np.minimum(values[..., :3] / np.maximum(alpha, 1) * 65535, 65535)
        values = np.concatenate([colours, alpha], axis=-1)
    return Image.fromarray(_scaled(values, 65535), file.mode)


def _grey(values: np.ndarray, white: int, tags: Mapping[int, Any]) -> Image.Image:
    if tags.get(_PHOTOMETRIC) == _MIN_IS_WHITE:  # Pillow inverts only 8 bits and fewer
        values = white - values
    return _image(_scaled(values[..., None], white))


def _in_unit_interval(values: np.ndarray) -> np.ndarray:
    lowest, highest = values.min(), values.max()
    if not (lowest >= 0 and highest <= 1):  # also true of NaN
        raise ValueError(
            f"its floating-point values are from {lowest:g} to {highest:g}: use 0 to 1"
        )
    return values


def _scaled(values: np.ndarray, white: int) -> np.ndarray:
    return np.rint(values.astype(np.float32) * np.float32(255 / white)).astype(np.uint8)


def _image(values: np.ndarray) -> Image.Image:
    """An image of uint8 [h, w, C], with C 1 to 4: L, LA, RGB or RGBA."""
    return Image.fromarray(values[..., 0] if values.shape[-1] == 1 else values)


def _set_raw_mode(file: ImageFile.ImageFile, raw_mode: str) -> None:
    """Changes how Pillow takes the bytes of a TIFF file's values."""

    def changed(tile: Any) -> Any:
        arguments = (raw_mode, *_arguments(tile)[1:])
        if hasattr(tile, "_replace"):
            return tile._replace(args=arguments)
        return (*tile[:3], arguments)  # before Pillow 11

    file.tile = [changed(tile) for tile in file.tile]


def _arguments(tile: Any) -> tuple[Any, ...]:
    """Those of the decoder of a part of a TIFF file; the first is the raw mode."""
    return tile[3]


def _jpeg2000_depth(encoded: bytes) -> int:
    """Bits of the first component, from the marker segments SOC and SIZ."""
    start = encoded.index(b"\xff\x4f\xff\x51")
    return (encoded[start + 42] & 127) + 1
