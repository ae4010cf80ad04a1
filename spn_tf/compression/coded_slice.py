"""The intensities of one slice, read from a stream, or known while a stream is written."""

import dataclasses
from typing import NamedTuple

import tensorflow as tf

from cascade_tf.xla_ops import dynamic_update_slice
from spn_tf.autoregressive_config import AutoregressiveConfig
from spn_tf.compression.integer_probabilities import exponents, left_cumulatives
from spn_tf.compression.range_decoder import RangeState, decode
from spn_tf.sampling.chooser import Subpixel


class CodedState(NamedTuple):
    """The result of a slice so far.

    Attributes:
        decoder: the range decoder.
        pixels: int32 [B, h, w, C].
        exponents: int16 [h, w, C, B, classes], of all subpixels so far.
        unsure: bool scalar, whether another machine could find another exponent.
    """

    decoder: RangeState
    pixels: tf.Tensor
    exponents: tf.Tensor
    unsure: tf.Tensor


@dataclasses.dataclass(frozen=True)
class CodedSlice:
    """A `Chooser` of the intensities that a stream holds.

    While a stream is written, the intensities are known, and the decoder's results are not used.
    It runs all the same: one program for both directions computes the same probabilities in both.

    Attributes:
        config: of the network.
        pixels: int32 [B, h, w, C], the true ones if `known`; else anything in range.
        known: bool scalar.
        coarse: int32 [B, h, w, C] in [0, 2**coarse_bits), or None.
        decoder: before the slice.
        words: uint32 [W], of the stream.
        count: int32 scalar, images that the stream holds; the others have symbol 0.
        shift: int32 scalar, and
        margin: see `exponents`.
    """

    config: AutoregressiveConfig
    pixels: tf.Tensor
    known: tf.Tensor
    coarse: tf.Tensor | None
    decoder: RangeState
    words: tf.Tensor
    count: tf.Tensor
    shift: tf.Tensor
    margin: float

    def start(self) -> CodedState:
        """The state before the first subpixel."""
        c, batch = self.config, self.pixels.shape[0]
        size = [c.slice_height, c.slice_width, c.channels, batch, c.classes]
        return CodedState(
            self.decoder,
            tf.zeros_like(self.pixels),
            tf.zeros(size, tf.int16),
            tf.constant(False),
        )

    def start_row(self, row: tf.Tensor) -> tuple:
        """Nothing: all is in the state."""
        return ()

    def choose(
        self, state: CodedState, of_row: tuple, place: Subpixel, logits: tf.Tensor
    ) -> tuple[CodedState, tf.Tensor]:
        """Decodes a subpixel of all images, or takes the known ones."""
        row, column, colour = place
        classes = self.config.classes
        own, unsure = exponents(logits, self.shift, self.margin)
        unsure = tf.reduce_any(unsure & (tf.range(unsure.shape[0]) < self.count))
        decoder, symbols = decode(state.decoder, self.words, left_cumulatives(own), self.count)
        intensity = tf.where(self.known, self.pixels[:, row, column, colour] % classes, symbols)
        if self.coarse is not None:
            intensity += self.coarse[:, row, column, colour] * classes
        kept = dynamic_update_slice(
            state.exponents,
            tf.cast(own, tf.int16)[None, None, None],
            tf.stack([row, column, colour, 0, 0]),
        )
        pixels = dynamic_update_slice(
            state.pixels, intensity[:, None, None, None], tf.stack([0, row, column, colour])
        )
        return CodedState(decoder, pixels, kept, state.unsure | unsure), intensity
