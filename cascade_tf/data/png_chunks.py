"""Chunks of a PNG file: which it has, and a file of those that decide the pixels."""

import struct
import zlib
from collections.abc import Collection, Iterator

PNG = b"\x89PNG\r\n\x1a\n"  # first bytes of such files
# What has no effect on pixels that are shown as they are. Others may have: transparency, profiles,
# orientation (in EXIF, or in XMP, which is text), animation.
_WITHOUT_EFFECT = {
    *(b"IHDR", b"PLTE", b"IDAT", b"IEND", b"gAMA", b"cHRM", b"sRGB", b"sBIT"),
    *(b"bKGD", b"hIST", b"pHYs", b"sPLT", b"tIME"),
}
_METADATA = (b"Raw profile", b"XML:")  # first bytes of texts that contain EXIF or XMP
_PIXELS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}


def depth(encoded: bytes) -> int:
    """Bits per value of a PNG file, or per index of its palette."""
    return encoded[24]


def has_colours(encoded: bytes) -> bool:
    """Whether a PNG file is in colour, not grey."""
    return bool(encoded[25] & 2)


def has_pixels_only(encoded: bytes) -> bool:
    """Whether no chunk of a PNG file changes how its pixels are shown.

    >>> import io
    >>> from PIL import Image
    >>> file = io.BytesIO()
    >>> Image.new("L", (4, 2)).save(file, "PNG")
    >>> has_pixels_only(file.getvalue())
    True
    """
    return all(
        kind in _WITHOUT_EFFECT or (kind == b"tEXt" and not chunk[8:].startswith(_METADATA))
        for kind, chunk in _chunks(encoded)
    )


def without_metadata(
    encoded: bytes, kept: Collection[bytes] = frozenset({b"iCCP", b"eXIf"})
) -> bytes:
    """A PNG file of the same pixels, with those chunks of the kinds `kept` that are not damaged."""
    parts = [PNG]
    for kind, chunk in _chunks(encoded):
        is_whole = chunk[-4:] == struct.pack(">I", zlib.crc32(chunk[4:-4]))
        if kind in _PIXELS or (kind in kept and is_whole):
            parts.append(chunk)
    return b"".join(parts)


def _chunks(encoded: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and bytes (length, kind, data and checksum) of each chunk; the last may be cut off."""
    start = len(PNG)
    while start + 8 <= len(encoded):
        length, kind = struct.unpack_from(">I4s", encoded, start)
        yield kind, encoded[start : start + length + 12]
        start += length + 12
