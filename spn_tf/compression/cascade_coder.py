"""Batches of tiles through all stages of a model, one after another in one stream."""

import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from cascade_tf.sample_request import OnProgress
from spn_tf.compression.archive import Stream
from spn_tf.compression.stage_coder import OnSlice, StageCoder, StreamReader, StreamWriter
from spn_tf.spn_stage import SPNStage
from spn_tf.subscale_pixel_network import SubscalePixelNetwork


class Coded(NamedTuple):
    """Tiles that were coded.

    Attributes:
        tiles: uint8 [N, h, w, C], of the last stage that was coded.
        checks: uint32 [N, stages], CRC-32 of the intensities and probabilities of each stage.
        is_damaged: whether the stream is, so that the tiles may be wrong.
    """

    tiles: np.ndarray
    checks: np.ndarray
    is_damaged: bool = False


class CascadeCoder:
    """Codes batches of tiles of a model's size.

    Args:
        stages: built, coarsest first.
        networks: of the stages; their own, or the same in float64.
        batch: tiles of a program.
    """

    def __init__(
        self,
        stages: Sequence[SPNStage],
        networks: Sequence[SubscalePixelNetwork],
        batch: int,
    ):
        self._stages, self._batch = stages, batch
        self._coders = [StageCoder(network) for network in networks]

    def write(
        self, tiles: np.ndarray, labels: np.ndarray, on_slice: OnProgress
    ) -> tuple[Stream, Coded]:
        """The stream of up to a batch of tiles, uint8 [N, h, w, C], of classes int32 [N].

        `on_slice` is called after each slice of each stage.
        """
        writer, nothing = StreamWriter(), StreamReader(np.zeros([0], np.uint32))
        stages = len(self._stages)
        coded = self._code(nothing, len(tiles), labels, stages, on_slice, tiles, writer)
        return Stream(writer.words().astype("<u4").tobytes()), coded

    def read(
        self, stream: Stream, count: int, labels: np.ndarray, stages: int, on_slice: OnProgress
    ) -> Coded:
        """`count` tiles from their stream, by the first `stages` stages; zeros if it is damaged."""
        if stream.state == "damaged":
            checks = np.zeros([count, stages], np.uint32)
            c = self._stages[stages - 1].config
            black = np.zeros([count, c.height, c.width, c.channels], np.uint8)
            return Coded(black, checks, is_damaged=True)
        words = np.frombuffer(stream.data[: len(stream.data) // 4 * 4], "<u4").astype(np.uint32)
        reader = StreamReader(words)
        coded = self._code(reader, count, labels, stages, on_slice)
        return coded._replace(is_damaged=stream.state == "cut" and reader.is_exceeded)

    def _code(
        self,
        stream: StreamReader,
        count: int,
        labels: np.ndarray,
        stages: int,
        on_slice: OnProgress,
        tiles: np.ndarray | None = None,
        writer: StreamWriter | None = None,
    ) -> Coded:
        all_labels = np.zeros([self._batch], np.int32)
        all_labels[:count] = labels
        checks = np.zeros([count, stages], np.uint32)
        condition = target = np.zeros([0], np.int32)
        for number, stage in enumerate(self._stages[:stages]):
            c = stage.config
            target = np.zeros([self._batch, c.height, c.width, c.channels], np.int32)
            if tiles is not None:
                target[:count] = stage.target(tf.constant(tiles)).numpy()
            if stage.first_slice_given:
                target[:, :: c.scale, :: c.scale] = condition
            condition = target = self._coders[number].code(
                target,
                tiles is not None,
                stream,
                count,
                _recorder(checks[:, number], writer, on_slice),
                coarse=condition if c.coarse_bits else None,
                labels=all_labels if stage.num_classes > 1 else None,
                skip_first=stage.first_slice_given,
            )
        return Coded(
            self._stages[stages - 1].to_images(tf.constant(target[:count])).numpy(), checks
        )


def _recorder(checks: np.ndarray, writer: StreamWriter | None, on_slice: OnProgress) -> OnSlice:
    """A function that adds a slice to the checks of its stage [N], and to the stream."""
    count = len(checks)

    def record(symbols: np.ndarray, exponents: np.ndarray, shift: int) -> None:
        symbols, exponents = symbols[..., :count], exponents[..., :count, :]
        for tile in range(count):
            for numbers in (symbols[..., tile], exponents[..., tile, :]):
                data = numbers.astype("<i2").tobytes()
                checks[tile] = zlib.crc32(data, int(checks[tile]))
        if writer is not None:
            writer.write_shift(shift)
            for row in zip(symbols, exponents, strict=True):  # a slice of weights is large
                writer.write(*row)
        on_slice()

    return record
