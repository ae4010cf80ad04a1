"""Which files of a folder are images, at little cost for folders of millions of files.

A file is an image

- if its extension is one of a format that Pillow decodes, whatever is in it: a damaged image is
  to be reported, not left out;
- or if it has another extension or none, and Pillow recognises its first bytes. Files with an
  extension of text, sound, video, archives or camera raw are not opened.
"""

import functools
import mimetypes
import os
import sys
from collections.abc import Sequence
from typing import IO

import tensorflow as tf
from PIL import Image

# Pillow names these but decodes none of them by itself: documents, video and grids of numbers.
_NOT_DECODED = {"BUFR", "EPS", "GRIB", "HDF5", "IPTC", "MPEG", "WMF"}
# Raw data of cameras, of which Pillow would decode the thumbnail.
_CAMERA_RAW = {
    *(".3fr", ".arw", ".cr2", ".cr3", ".dng", ".erf", ".kdc", ".mef", ".mos", ".mrw", ".nef"),
    *(".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".sr2", ".srf", ".srw", ".x3f"),
}
_NAMED = 5  # left-out files in the message


def is_image_file(path: str) -> bool:
    """Whether a file counts as an image.

    >>> is_image_file("no/such.jpeg"), is_image_file("no/such.txt"), is_image_file("no/such")
    (True, False, False)
    """
    extension = os.path.splitext(path)[1].lower()
    if extension in _extensions():
        return True
    kind, compression = _mime_types().guess_type(f"file{extension}")
    is_other = kind and not kind.startswith("image/") and kind != "application/octet-stream"
    if is_other or compression or extension in _CAMERA_RAW:
        return False
    if "://" not in path and not os.path.isfile(path):  # opening a pipe would wait for a writer
        return False
    try:
        with opened(path) as file, Image.open(file, formats=_formats_with_signature()):
            return True
    except Exception:  # damaged files raise errors of any type
        return False


def opened(path: str | bytes) -> IO[bytes]:
    """Opens a file for reading, on this machine or in a bucket."""
    return tf.io.gfile.GFile(path, "rb") if "://" in os.fsdecode(path) else open(path, "rb")


def printable(path: bytes) -> str:
    """A path as text on one line, with special characters escaped.

    >>> printable(b"a\\nb.png")
    'a\\\\nb.png'
    """
    text = os.fsdecode(path).encode(errors="backslashreplace").decode()
    return text.replace("\n", "\\n").replace("\r", "\\r")


def other_files(paths: Sequence[str]) -> str:
    """Counts and names files that are no images, for a message.

    >>> other_files(["a.txt", "b.heic"])
    '2 files that Pillow does not open: a.txt, b.heic'
    """
    names = ", ".join(printable(os.fsencode(path)) for path in paths[:_NAMED])
    names += ", ..." if len(paths) > _NAMED else ""
    files = "1 file" if len(paths) == 1 else f"{len(paths):,} files"
    return f"{files} that Pillow does not open: {names}"


@functools.cache
def report_once(line: str) -> None:
    """Prints a line on stderr, unless this process has printed it before."""
    print(line, file=sys.stderr)


@functools.cache
def _extensions() -> frozenset[str]:
    """Extensions of the formats that Pillow decodes."""
    known = Image.registered_extensions()
    return frozenset(
        extension
        for extension, form in known.items()
        if form in Image.OPEN and form not in _NOT_DECODED
    )


@functools.cache
def _formats_with_signature() -> list[str]:
    """Formats that Pillow recognises by first bytes, so that no other file is taken for them."""
    Image.init()
    return [form for form, (_, accept) in Image.OPEN.items() if accept and form not in _NOT_DECODED]


@functools.cache
def _mime_types() -> mimetypes.MimeTypes:
    return mimetypes.MimeTypes()  # those of Python, the same on all machines
