"""Pictures to an archive and back, with the exact likelihood of a model as their code length."""

import contextlib
import dataclasses
import os
import threading
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from cascade_tf.errors import UserError
from cascade_tf.pictures import png_bytes
from cascade_tf.sample_request import OnProgress
from spn_tf.compression import archive, arithmetic
from spn_tf.compression.archive import Archive, ArchiveError, Entry, Stream
from spn_tf.compression.cascade_coder import CascadeCoder, Coded
from spn_tf.compression.model_digest import model_digest
from spn_tf.compression.picture import Picture, Restored
from spn_tf.compression.tiles import (
    count_tiles,
    from_tiles,
    keeps_colours,
    to_tiles,
    with_channels,
)
from spn_tf.likelihood_stage import LikelihoodStage
from spn_tf.spn_stage import SPNStage
from spn_tf.subscale_pixel_network import SubscalePixelNetwork

_MOST_EXPONENTS = 1 << 24  # of a slice of a program


class Compressed(NamedTuple):
    """An archive.

    Attributes:
        data: its bytes.
        kept: numbers of the pictures in it that are kept as files.
        needs: what a decoder needs beside the model, in words.
    """

    data: bytes
    kept: list[int]
    needs: str


class Compressor:
    """Writes and reads archives of one model.

    Args:
        stages: built, coarsest first, all of one upscaling.
        workers: batches that are coded side by side; by default one for each core.

    Raises:
        UserError: a stage's likelihood is a bound, which is not the length of a code.
    """

    def __init__(self, stages: Sequence[LikelihoodStage], workers: int | None = None):
        c = stages[-1].config
        self._stages = [stage for stage in stages if isinstance(stage, SPNStage)]
        if len(self._stages) < len(stages):
            raise UserError("archives need an exact likelihood, which this model does not have")
        self._bits, self._channels = c.bits, c.channels
        self._tile = c.height, c.width
        self._workers = workers or os.cpu_count() or 1
        self._num_classes = max(stage.num_classes for stage in stages)
        self._digest = model_digest(self._stages)
        self._networks: dict[str, list[SubscalePixelNetwork]] = {}
        self._coders: dict[tuple[str, int], CascadeCoder] = {}
        self._making = threading.Lock()

    def write(
        self,
        pictures: Sequence[Picture],
        verify: bool = True,
        portable: bool = False,
        on_slice: OnProgress = lambda: None,
    ) -> Compressed:
        """An archive of pictures.

        Pictures that the model cannot code without loss, by their channels or bits, are kept as
        files; and so are those that do not come back, if `verify`.

        Args:
            pictures: to compress.
            verify: whether to decode them and compare.
            portable: whether it computes in float64, so that all machines can read the archive.
            on_slice: called after each of `slices_to_write`, in any thread.

        Raises:
            UserError: names that an archive cannot hold.
            ValueError: unknown classes.
        """
        if any(not 0 <= picture.label < self._num_classes for picture in pictures):
            raise ValueError(f"classes outside of [0, {self._num_classes})")
        archive.check_names([picture.name for picture in pictures])
        kinds = [self._kind(picture) for picture in pictures]
        mode = "portable" if portable else "plain"
        while True:
            results, batch = self._coded(pictures, kinds, verify, mode, on_slice)
            lost = {number for result in results for number in result.lost}
            if not lost:
                break
            kinds = ["file" if n in lost else kind for n, kind in enumerate(kinds)]
        checks = np.concatenate(
            [np.zeros([0, len(self._stages)], np.uint32), *(r.checks for r in results)]
        )
        entries, files, first = [], [], 0
        for picture, kind in zip(pictures, kinds, strict=True):
            pixels = picture.pixels
            if kind == "file" or pixels is None:
                file = picture.file if picture.file or pixels is None else png_bytes(pixels)
                check = zlib.crc32(file).to_bytes(4, "little")
                entries.append(Entry(0, 0, 0, kind, check, 0, picture.name, len(file)))
                files.append(file)
            else:
                height, width, channels = pixels.shape
                last = first + count_tiles(height, width, self._tile)
                entry = Entry(height, width, channels, kind, b"", picture.label, picture.name)
                check = self._check(entry, checks[first:last]).to_bytes(4, "little")
                entries.append(dataclasses.replace(entry, check=check))
                first = last
        content = Archive(
            self._digest,
            arithmetic.of_this_process(mode, batch),
            entries,
            [result.stream for result in results],
            files,
        )
        kept = [number for number, kind in enumerate(kinds) if kind == "file"]
        return Compressed(archive.write(content), kept, content.arithmetic.needs())

    def read(
        self, data: bytes, stages: int | None = None, on_slice: OnProgress = lambda: None
    ) -> Iterator[Restored]:
        """The pictures of an archive, in order.

        Args:
            data: the archive.
            stages: number of stages to decode, for earlier forms of the pictures; by default all.
            on_slice: called after each of `slices_to_read`, in any thread.

        Raises:
            ArchiveError: the archive is damaged, or of another model; or a picture does not come
                back on this machine. The pictures before were right.
        """
        content = archive.read(data)
        if content.model != self._digest:
            raise ArchiveError("the archive was written with another model")
        coded = [entry for entry in content.entries if entry.kind != "file"]
        counts = [count_tiles(e.height, e.width, self._tile) for e in coded]
        fits = all(e.label < self._num_classes for e in coded)
        fits &= content.arithmetic.batch <= self._most_tiles()
        if not fits or len(content.streams) != -(-sum(counts) // content.arithmetic.batch):
            raise ArchiveError("the archive is damaged: its streams do not fit its pictures")
        stages = len(self._stages) if stages is None else stages
        is_whole = stages == len(self._stages)
        tiles = self._decoded(content, coded, counts, stages, on_slice)
        files = iter(content.files)
        for number, entry in enumerate(content.entries):
            called = entry.name or f"picture {number + 1}"
            if entry.kind == "file":
                file = next(files)
                if len(file) != entry.size or zlib.crc32(file).to_bytes(4, "little") != entry.check:
                    raise ArchiveError(f"{called} is damaged")
                yield Restored(entry.name, None, file)
                continue
            own = next(tiles)
            if own.is_damaged or not self._agrees(entry, own.checks):
                written_with = not own.is_damaged and content.arithmetic.differences()
                reason = f"was written with {written_with}, or " if written_with else ""
                raise ArchiveError(
                    f"{called} does not come back: the archive {reason}is damaged there"
                )
            yield Restored(entry.name, self._picture(entry, own.tiles, is_whole), b"")

    def is_current(self) -> bool:
        """Whether the weights are those that they were when this object was made."""
        return self._digest == model_digest(self._stages)

    def slices_to_write(self, pictures: Sequence[Picture], verify: bool = True) -> int:
        """The number of slices of all stages of all batches that `write` codes."""
        sizes = [
            p.pixels.shape for p in pictures if p.pixels is not None and self._kind(p) != "file"
        ]
        tiles = sum(count_tiles(height, width, self._tile) for height, width, _ in sizes)
        return self._slices(tiles, self._batch_size(tiles)) * (1 + verify)

    def slices_to_read(self, data: bytes, stages: int | None = None) -> int:
        """The number of slices of all batches that `read` decodes; see there."""
        content = archive.read(data)
        entries = [entry for entry in content.entries if entry.kind != "file"]
        tiles = sum(count_tiles(e.height, e.width, self._tile) for e in entries)
        return self._slices(tiles, content.arithmetic.batch, stages)

    def _slices(self, tiles: int, batch: int, stages: int | None = None) -> int:
        own = [s.config.scale**2 - s.first_slice_given for s in self._stages[:stages]]
        return -(-tiles // batch) * sum(own)

    def _kind(self, picture: Picture) -> str:
        """How an archive holds a picture."""
        pixels, low = picture.pixels, 8 - self._bits
        if pixels is None or not keeps_colours(pixels, self._channels):
            return "file"
        if not 0 < pixels.shape[0] * pixels.shape[1] <= archive.MOST_PIXELS:
            return "file"
        levels = pixels >> low
        if np.array_equal(levels << low, pixels):
            return "picture"
        return "spread" if np.array_equal(self._spread(levels), pixels) else "file"

    def _spread(self, levels: np.ndarray) -> np.ndarray:
        """Intensities in [0, 2**bits) over [0, 255], as PNG has them."""
        largest = 2**self._bits - 1
        return ((levels.astype(np.int32) * 255 + largest // 2) // largest).astype(np.uint8)

    def _coded(
        self,
        pictures: Sequence[Picture],
        kinds: Sequence[str],
        verify: bool,
        mode: str,
        on_slice: OnProgress,
    ) -> tuple[list["_Batch"], int]:
        """All batches of tiles, and the size of a batch."""
        tiles = [np.zeros([0, *self._tile, self._channels], np.uint8)]
        owners: list[int] = []
        for number, (picture, kind) in enumerate(zip(pictures, kinds, strict=True)):
            if kind != "file" and picture.pixels is not None:
                whole = with_channels(picture.pixels, self._channels)
                tiles.append(to_tiles(whole, self._tile))
                owners += [number] * len(tiles[-1])
        all_tiles = np.concatenate(tiles)
        labels = np.array([pictures[owner].label for owner in owners], np.int32)
        batch = self._batch_size(len(owners))
        coder = self._coder(mode, batch)

        def of_batch(start: int) -> _Batch:
            own = slice(start, start + batch)
            stream, coded = coder.write(all_tiles[own], labels[own], on_slice)
            lost: set[int] = set()
            if verify:
                count, stages = len(coded.tiles), len(self._stages)
                back = coder.read(stream, count, labels[own], stages, on_slice)
                returned = np.array_equal(back.tiles, all_tiles[own])
                if not returned or not np.array_equal(back.checks, coded.checks):
                    lost = set(owners[own])
            return _Batch(stream, coded.checks, lost)

        with self._pool() as pool:
            return list(pool.map(of_batch, range(0, len(owners), batch))), batch

    @contextlib.contextmanager
    def _pool(self) -> Iterator[ThreadPoolExecutor]:
        """Threads that an error stops after their slice at the latest."""
        pool = ThreadPoolExecutor(self._workers)
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)

    def _batch_size(self, tiles: int) -> int:
        """Tiles of a program: a power of two, as each size is compiled by itself."""
        share = max(1, -(-tiles // self._workers))
        return min(1 << (share - 1).bit_length(), 1 << self._most_tiles().bit_length() - 1)

    def _most_tiles(self) -> int:
        """The largest number of tiles of a program."""
        most = archive.MOST_TILES
        for stage in self._stages:
            c = stage.config
            exponents = c.slice_height * c.slice_width * c.channels * c.classes
            most = max(1, min(most, _MOST_EXPONENTS // exponents))
        return most

    def _decoded(
        self,
        content: Archive,
        coded: Sequence[Entry],
        counts: Sequence[int],
        stages: int,
        on_slice: OnProgress,
    ) -> Iterator[Coded]:
        """The tiles of each coded picture, batch after batch."""
        batch, total = content.arithmetic.batch, sum(counts)
        coder = self._coder(content.arithmetic.mode, batch)
        labels, ends = np.array([entry.label for entry in coded], np.int32), np.cumsum(counts)

        def of_batch(start: int) -> Coded:
            numbers = np.arange(start, min(total, start + batch))
            own = labels[np.searchsorted(ends, numbers, side="right")]
            return coder.read(content.streams[start // batch], len(own), own, stages, on_slice)

        tiles: list[np.ndarray] = []
        checks: list[np.ndarray] = []
        damaged: list[bool] = []
        waiting = iter(counts)
        wanted = next(waiting, 0)
        with self._pool() as pool:
            for group in range(0, total, batch * self._workers):  # no more than can be used soon
                starts = range(group, min(total, group + batch * self._workers), batch)
                for result in pool.map(of_batch, starts):
                    tiles.extend(result.tiles)
                    checks.extend(result.checks)
                    damaged.extend([result.is_damaged] * len(result.tiles))
                    while wanted and len(tiles) >= wanted:
                        own = slice(wanted)
                        yield Coded(np.stack(tiles[own]), np.stack(checks[own]), any(damaged[own]))
                        del tiles[own], checks[own], damaged[own]
                        wanted = next(waiting, 0)

    def _picture(self, entry: Entry, tiles: np.ndarray, is_whole: bool) -> np.ndarray:
        """The picture of tiles, uint8 [H, W, C], or a smaller one if the tiles are."""
        shrink = self._tile[0] // tiles.shape[1]
        picture = from_tiles(tiles, -(-entry.height // shrink), -(-entry.width // shrink))
        if entry.kind == "spread" and is_whole:
            picture = self._spread(picture >> (8 - self._bits))
        return with_channels(picture, entry.channels)

    def _check(self, entry: Entry, checks: np.ndarray) -> int:
        """32 bits for a picture, from its entry and the checks of its tiles, uint32 [N, stages].

        All stages have an equal share of the bits, so that earlier forms can be checked as well.
        """
        number, bits = 0, 32 // len(self._stages)
        for stage, own in enumerate(checks.T):
            crc = zlib.crc32(own.astype("<u4").tobytes(), zlib.crc32(archive.described(entry)))
            number |= crc >> (32 - bits) << (bits * stage)
        return number

    def _agrees(self, entry: Entry, checks: np.ndarray) -> bool:
        """Whether the stages that were decoded agree with the four bytes of a picture."""
        bits = 32 // len(self._stages) * checks.shape[1]
        return self._check(entry, checks) == int.from_bytes(entry.check, "little") % 2**bits

    def _coder(self, mode: str, batch: int) -> CascadeCoder:
        with self._making:
            if mode not in self._networks:
                networks = [stage.network for stage in self._stages]
                if mode == "portable":
                    networks = [*map(_in_float64, networks)]
                self._networks[mode] = networks
            if (mode, batch) not in self._coders:
                self._coders[mode, batch] = CascadeCoder(self._stages, self._networks[mode], batch)
            return self._coders[mode, batch]


def _in_float64(network: SubscalePixelNetwork) -> SubscalePixelNetwork:
    """The same network in float64."""
    double = SubscalePixelNetwork(network.config, dtype="float64", name=network.name)
    double.build()
    for own, given in zip(double.weights, network.weights, strict=True):
        own.assign(given)
    return double


class _Batch(NamedTuple):
    """A stream, checks of its tiles [N, stages], and the pictures that do not come back."""

    stream: Stream
    checks: np.ndarray
    lost: set[int]
