"""The bytes of an archive; docs/format.md describes them one by one.

    fixed part, directory, checks, CRC-32 of all before, streams, files that are kept as they are

Reading trusts nothing: lengths are compared with the bytes that are there before anything of their
size is allocated.
"""

import dataclasses
import pathlib
import struct
import zlib
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from cascade_tf.errors import UserError
from spn_tf.compression.arithmetic import MODES, Arithmetic

MAGIC = b"\x8cSPN"
VERSION = 1
KINDS = ("picture", "spread", "file")
_FIXED = struct.Struct("<4sBB12s3sBB")
FIXED_SIZE = _FIXED.size  # bytes
_DEFLATED, _NAMED, _LABELLED = (1 << bit for bit in range(3))
MOST_TILES = 64  # of a batch
MOST_PIXELS = 179_000_000  # of a picture
_LONGEST = 255  # bytes, of a part of a name


class ArchiveError(UserError):
    """An archive that is damaged, or no archive, or of a later version."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """A picture of an archive.

    Attributes:
        height, width, channels: of a picture; 0 of a file.
        kind: "picture"; "spread", whose intensities of few bits are spread over [0, 255]; or
            "file", which is kept as it is.
        check: four bytes, of intensities and probabilities of all stages; of a file, its CRC-32.
        label: class; 0 if the model is unconditional.
        name: path of the file, relative, with slashes; empty if names are not kept.
        size: bytes of a file.
    """

    height: int
    width: int
    channels: int
    kind: str
    check: bytes
    label: int = 0
    name: str = ""
    size: int = 0


class Stream(NamedTuple):
    """The stream of a batch of tiles.

    Attributes:
        data: words of 32 bits, as little-endian bytes.
        state: "whole"; "cut", if the archive ends in it; or "damaged".
    """

    data: bytes
    state: str = "whole"


@dataclasses.dataclass(frozen=True)
class Archive:
    """The contents of an archive.

    Attributes:
        model: the first 12 bytes of the SHA-256 of weights and settings.
        arithmetic: of the encoder.
        entries: of the pictures.
        streams: of the batches of tiles.
        files: contents of the entries that are files.
    """

    model: bytes
    arithmetic: Arithmetic
    entries: Sequence[Entry]
    streams: Sequence[Stream]
    files: Sequence[bytes] = dataclasses.field(default_factory=list)


def write(archive: Archive) -> bytes:
    """An archive as bytes.

    Raises:
        UserError: names that `read` would refuse.
    """
    entries, a = archive.entries, archive.arithmetic
    check_names([e.name for e in entries])
    named, labelled = any(e.name for e in entries), any(e.label for e in entries)
    directory = b"".join(_directory(archive, named, labelled))
    deflated = zlib.compress(directory, 9)
    flags = named * _NAMED | labelled * _LABELLED
    if len(deflated) < len(directory) < _most_inflated(deflated):
        directory, flags = deflated, flags | _DEFLATED
    code = MODES.index(a.mode) << 4 | a.instructions
    arithmetic = bytes(a.tensorflow), code, a.batch
    fixed = _FIXED.pack(MAGIC, VERSION, flags, archive.model, *arithmetic)
    head = fixed + _number(len(directory)) + directory + b"".join(e.check for e in entries)
    crc = struct.pack("<I", zlib.crc32(head))
    return b"".join([head, crc, *(stream.data for stream in archive.streams), *archive.files])


def _directory(archive: Archive, named: bool, labelled: bool) -> Iterator[bytes]:
    entries = archive.entries
    yield _number(len(entries))
    for (kind, *shape), run in groupby(entries, lambda e: (e.kind, e.height, e.width, e.channels)):
        yield _number(len(list(run))) + bytes([KINDS.index(kind)])
        if kind != "file":
            yield b"".join(map(_number, shape))
    yield from (_number(e.size) for e in entries if e.kind == "file")
    yield _number(len(archive.streams))
    yield from (_number(len(stream.data) // 4) for stream in archive.streams)
    yield from (struct.pack("<I", zlib.crc32(stream.data)) for stream in archive.streams)
    if labelled:
        yield from (_number(e.label) for e in entries)
    if named:
        for entry in entries:
            name = entry.name.encode()
            yield _number(len(name)) + name


def described(entry: Entry) -> bytes:
    """The kind, shape and class of a picture, which its check begins with."""
    numbers = (KINDS.index(entry.kind), entry.height, entry.width, entry.channels, entry.label)
    return b"".join(map(_number, numbers))


def read(data: bytes) -> Archive:
    """The archive that bytes hold.

    Raises:
        ArchiveError: they are none, or damaged, or of a later version.
    """
    if data[:4] != MAGIC:
        raise ArchiveError("it is no archive: it begins with other bytes")
    try:
        return _parsed(_Reader(data))
    except (_Damaged, zlib.error, UnicodeDecodeError) as error:
        raise ArchiveError("the archive is damaged or cut off in its header") from error


def _parsed(reader: "_Reader") -> Archive:
    fixed = _FIXED.unpack(reader.take(FIXED_SIZE))
    _, version, flags, model, tensorflow, code, batch = fixed
    if version != VERSION:
        raise ArchiveError(f"its format is {version}, and this version reads format {VERSION} only")
    directory = reader.take(reader.number())
    if flags & _DEFLATED:
        inflate = zlib.decompressobj()
        directory = inflate.decompress(directory, _most_inflated(directory))
        if not inflate.eof:
            raise _Damaged
    inner = _Reader(directory)
    count = inner.number()
    checks = reader.take(4 * count)
    whole = reader.data[: reader.place]
    if reader.take(4) != struct.pack("<I", zlib.crc32(whole)):
        raise _Damaged
    shapes = _shapes(inner, count)
    sizes = [inner.number() if kind == "file" else 0 for kind, _ in shapes]
    words = [inner.number() for _ in range(inner.count())]
    crcs = [inner.take(4) for _ in words]
    labels = [inner.number() if flags & _LABELLED else 0 for _ in shapes]
    names = [inner.take(inner.number()).decode() if flags & _NAMED else "" for _ in shapes]
    entries = [
        Entry(*shape, kind, checks[4 * k : 4 * k + 4], labels[k], names[k], sizes[k])
        for k, (kind, shape) in enumerate(shapes)
    ]
    is_known = code >> 4 < len(MODES) and flags < 2 * _LABELLED and not inner.rest()
    if not is_known or not 0 < batch <= MOST_TILES or _bad_name(names) is not None:
        raise _Damaged
    return Archive(
        model,
        Arithmetic(MODES[code >> 4], tuple(tensorflow), code & 15, batch),
        entries,
        [reader.stream(4 * length, crc) for length, crc in zip(words, crcs, strict=True)],
        [reader.up_to(entry.size) for entry in entries if entry.kind == "file"],
    )


def _shapes(reader: "_Reader", count: int) -> list[tuple[str, tuple[int, int, int]]]:
    """The kind of each entry, and its height, width and channels."""
    shapes: list[tuple[str, tuple[int, int, int]]] = []
    while len(shapes) < count:
        run, code = reader.number(), reader.take(1)[0]
        if code >= len(KINDS) or not 0 < run <= count - len(shapes):
            raise _Damaged
        shape = (0, 0, 0)
        if KINDS[code] != "file":
            shape = (reader.number(), reader.number(), reader.number())
            height, width, channels = shape
            if not 0 < height * width <= MOST_PIXELS or channels not in (1, 3):
                raise _Damaged
        shapes += [(KINDS[code], shape)] * run
    return shapes


def _most_inflated(deflated: bytes) -> int:
    """A directory that a reader accepts has fewer bytes."""
    return 4096 + 64 * len(deflated)


def is_control(character: str) -> bool:
    """Whether a name must not have a character.

    >>> [is_control(character) for character in "a\\t\x9b\u3000"]
    [False, True, True, False]
    """
    return ord(character) < 32 or 127 <= ord(character) < 160


def check_names(names: Sequence[str]) -> None:
    """Raises UserError if an archive cannot have these names."""
    if (name := _bad_name(names)) is not None:
        raise UserError(f"an archive cannot hold the name {name!r}")


def _bad_name(names: Sequence[str]) -> str | None:
    """The first name that is neither empty nor a path inside a folder, or stands for two files.

    >>> _bad_name(["", "a/b.png", ""])
    >>> [_bad_name(["a/b", name]) for name in ("../b", "/b", "a//b", "a/b", "a\\n")]
    ['../b', '/b', 'a//b', 'a/b', 'a\\n']
    """
    found = set()
    for name in filter(None, names):
        parts = name.split("/")
        is_long = any(len(part.encode()) > _LONGEST for part in parts)
        if is_long or any(map(is_control, name)) or {"", ".", ".."} & set(parts) or name in found:
            return name
        found.add(name)
    folders = {str(folder) for name in found for folder in pathlib.PurePosixPath(name).parents}
    return next(iter(found & folders), None)


class _Damaged(Exception):
    """Bytes that end too early, or a number that cannot be."""


class _Reader:
    """Takes numbers and bytes from data, one after another."""

    def __init__(self, data: bytes):
        self.data, self.place = data, 0

    def take(self, count: int) -> bytes:
        if count > len(self.data) - self.place:
            raise _Damaged
        self.place += count
        return self.data[self.place - count : self.place]

    def rest(self) -> int:
        """The number of bytes that are not taken yet."""
        return len(self.data) - self.place

    def up_to(self, count: int) -> bytes:
        """`count` bytes, or fewer at the end: what a stream that is cut off still holds is good."""
        return self.take(min(count, len(self.data) - self.place))

    def stream(self, size: int, crc: bytes) -> Stream:
        """A stream of `size` bytes, or the rest of the data."""
        data = self.up_to(size)
        if len(data) < size:
            return Stream(data, "cut")
        is_whole = crc == struct.pack("<I", zlib.crc32(data))
        return Stream(data, "whole" if is_whole else "damaged")

    def number(self) -> int:
        """Seven bits a byte, the lowest first; the highest bit says that more follow."""
        value = 0
        for shift in range(0, 63, 7):
            (byte,) = self.take(1)
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise _Damaged

    def count(self) -> int:
        """The number of items that follow, a byte each at least."""
        count = self.number()
        if count > len(self.data) - self.place:
            raise _Damaged
        return count


def _number(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
