import dataclasses
import zlib

import numpy as np
import pytest

from cascade_tf.errors import UserError
from spn_tf.compression import archive
from spn_tf.compression.archive import Archive, ArchiveError, Entry, Stream
from spn_tf.compression.arithmetic import Arithmetic

ARITHMETIC = Arithmetic("portable", (2, 21, 0), 3, 64)
SMALL = Archive(b"m" * 12, ARITHMETIC, [Entry(28, 28, 1, "picture", b"abcd")], [Stream(b"1234")])
MIXED = Archive(
    b"n" * 12,
    Arithmetic("plain", (2, 19, 1), 5, 7),
    [
        Entry(300, 200, 3, "picture", b"abcd", 3, "a/b.png"),
        Entry(300, 200, 3, "picture", b"efgh", 0, "ä.png"),
        Entry(0, 0, 0, "file", b"ijkl", 0, "c.gif", 5),
        Entry(1, 2, 1, "spread", b"mnop", 1, "d"),
    ],
    [Stream(b"12345678"), Stream(b""), Stream(b"abcd")],
    [b"GIF89"],
)


@pytest.mark.parametrize(
    "content", [SMALL, MIXED, dataclasses.replace(SMALL, entries=[], streams=[])]
)
def test_reading_inverts_writing(content):
    assert archive.read(archive.write(content)) == content


def test_an_archive_of_one_picture_adds_at_most_48_bytes_to_its_stream():
    assert len(archive.write(SMALL)) - 4 <= 48


def test_500_pictures_of_a_size_add_at_most_128_bytes_and_4_each():
    many = [dataclasses.replace(SMALL.entries[0], check=k.to_bytes(4, "big")) for k in range(500)]
    streams = [Stream(bytes(4 * 3300 + 4 * (k % 5))) for k in range(8)]
    written = archive.write(dataclasses.replace(SMALL, entries=many, streams=streams))
    assert len(written) - sum(len(stream.data) for stream in streams) <= 128 + 4 * 500


def test_every_flip_in_the_header_and_every_end_in_it_is_refused_in_words():
    data = archive.write(MIXED)
    header = len(data) - sum(len(stream.data) for stream in MIXED.streams) - 5
    for place in range(8 * header):
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(ArchiveError):
            archive.read(bytes(flipped))
    for end in range(header):
        with pytest.raises(ArchiveError):
            archive.read(data[:end])


def test_what_is_left_of_streams_that_are_cut_off_is_read():
    data = archive.write(MIXED)
    streams = archive.read(data[:-7]).streams
    assert streams == [Stream(b"12345678"), Stream(b""), Stream(b"ab", "cut")]


def test_random_bytes_with_a_right_checksum_are_refused_or_read():
    rng = np.random.default_rng(0)
    fixed = archive.write(SMALL)[: archive.FIXED_SIZE]
    for size in (0, 1, 5, 40, 300) * 200:
        body = rng.integers(0, 256, size, np.uint8) >> rng.integers(0, 8)
        head = fixed[:5] + bytes([rng.integers(0, 8)]) + fixed[6:] + body.tobytes()
        data = head + zlib.crc32(head).to_bytes(4, "little")
        try:
            read = archive.read(data)
        except ArchiveError:
            continue
        assert len(read.entries) <= len(data)


def _hostile(name: bytes = b"a.png", **changes) -> bytes:
    """An archive with one entry, whose name is put in after it is written."""
    held = "x" * len(name)
    entry = dataclasses.replace(MIXED.entries[0], name=held, **changes)
    data = archive.write(dataclasses.replace(MIXED, entries=[entry], files=[]))
    end = len(data) - sum(len(stream.data) for stream in MIXED.streams) - 4
    head = data[:end].replace(held.encode(), name)
    return head + zlib.crc32(head).to_bytes(4, "little") + data[end + 4 :]


@pytest.mark.parametrize(
    "data",
    [
        _hostile(b"../a.png"),
        _hostile(b"/a.png"),
        _hostile(b"a/../b.png"),
        _hostile(b"a\nb.png"),
        _hostile(b"\xffb.png"),
        _hostile(height=2**40),
        _hostile(height=0),
        _hostile(channels=4),
        *(
            archive.write(
                dataclasses.replace(SMALL, arithmetic=dataclasses.replace(ARITHMETIC, batch=batch))
            )
            for batch in (0, 65)
        ),
        b"",
        b"\x89PNG\r\n\x1a\n",
    ],
)
def test_names_that_leave_the_folder_and_sizes_that_cannot_be_are_refused(data):
    with pytest.raises(ArchiveError):
        archive.read(data)


@pytest.mark.parametrize("names", [("a", "a"), ("/a", ""), ("a\n", "")])
def test_names_that_could_not_be_read_are_not_written(names):
    entries = [dataclasses.replace(SMALL.entries[0], name=name) for name in names]
    with pytest.raises(UserError, match="an archive cannot hold the name"):
        archive.write(dataclasses.replace(SMALL, entries=entries))


def test_another_version_is_named():
    data = bytearray(archive.write(SMALL))
    data[4] = 9
    with pytest.raises(ArchiveError, match="its format is 9"):
        archive.read(bytes(data))
