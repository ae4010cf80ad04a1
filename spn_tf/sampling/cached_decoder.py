"""The slice decoder one subpixel at a time; its logits are those of `SliceDecoder`.

Three nested loops, over rows, pixels and colours, in one program of XLA. Each carries the
results that later steps need, so that nothing is computed twice:

- rows: the rows of the vertical stack that its filters still reach (cached_pixelcnn.py);
- pixels: the keys and values of attention (cached_attention.py), and the contributions of a row's
  pixels to those on their right (cached_pixelcnn.py);
- colours: sums for the later colours of the pixel (cached_pixelcnn.py).

Shape letters: B images, h x w pixels of a slice, C colours.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from spn_tf.config import PIXEL_UNITS
from spn_tf.sampling.cached_attention import AttentionCache, CachedTransformer
from spn_tf.sampling.cached_pixelcnn import CachedPixelCNN, RowCache
from spn_tf.sampling.kernels import Kernels
from spn_tf.slice_decoder import SliceDecoder


class Subpixel(NamedTuple):
    """A place in a slice: int32 scalars, but the colour is a Python number."""

    row: tf.Tensor
    column: tf.Tensor
    colour: int


class Chooser(Protocol):
    """Decides the intensities of a slice, in order, while `decode` computes their logits.

    Sampling draws them (`PixelDraws`); the tests return the true ones and keep the logits.
    """

    def start(self) -> Any:
        """The state before the first subpixel, one or several tensors."""

    def start_row(self, row: tf.Tensor) -> Any:
        """Tensors that `choose` needs for all subpixels of a row, an int32 scalar."""

    def choose(
        self, state: Any, of_row: Any, place: Subpixel, logits: tf.Tensor
    ) -> tuple[Any, tf.Tensor]:
        """Decides a subpixel.

        Args:
            state: the state after the subpixel before.
            of_row: tensors that `start_row` returned.
            place: of the subpixel.
            logits: float32 [B, classes].

        Returns:
            The next state, and the intensities, int32 [B].
        """


def decode(
    decoder: SliceDecoder,
    embedding: tf.Tensor | None,
    batch: int,
    chooser: Chooser,
    kernels: Kernels,
) -> Any:
    """Goes through a slice, subpixel after subpixel, as their intensities are chosen.

    For graphs that XLA compiles.

    Args:
        decoder: a built decoder.
        embedding: the slice embedding [B, h, w, .], or None.
        batch: B.
        chooser: decides the intensities.
        kernels: of the device; their dtype is that of the arithmetic, whatever the decoder's own.

    Returns:
        The chooser's state after the last subpixel.
    """
    c, dtype = decoder.config, kernels.dtype
    height, width = c.slice_height, c.slice_width
    if embedding is not None:
        embedding = tf.cast(embedding, dtype)
    transformer = CachedTransformer(decoder.transformer, height, width, kernels)
    cnn = CachedPixelCNN(decoder.pixelcnn, embedding, kernels)
    rows, columns = (tf.cast(table, dtype) for table in decoder.positions.weights)

    def draw_pixel(
        row: tf.Tensor,
        row_share: tf.Tensor,
        of_row: Any,
        column: tf.Tensor,
        units_before: tf.Tensor,
        row_units: tf.Tensor,
        attention: AttentionCache,
        pending: tf.Tensor,
        state: Any,
    ) -> tuple:
        position = row * width + column
        # The first pixel has no input, not even the bias of the projection.
        x = tf.where(position > 0, tf.cast(decoder.project(units_before), dtype), 0)
        x += rows[row, 0] + columns[0, column]
        context, attention = transformer.next(x, attention, row, column)
        pixel = cnn.pixel(pending, row_share[:, column], context)
        units = []
        for colour in range(c.channels):
            logits = tf.cast(pixel.logits(colour), tf.float32)
            place = Subpixel(row, column, colour)
            state, intensity = chooser.choose(state, of_row, place, logits)
            units.append(tf.cast(decoder.intensities(intensity[:, None]), dtype))
            pixel.draw(colour, units[-1])
        units = tf.concat(units, axis=-1)
        here = (tf.range(width) == column)[:, None]
        row_units = tf.where(here, units[:, None], row_units)
        return units, row_units, attention, pixel.pending_after(pending), state

    def draw_row(
        row: tf.Tensor,
        units_before: tf.Tensor,
        row_units: tf.Tensor,
        attention: AttentionCache,
        above: RowCache,
        state: Any,
    ) -> tuple:
        above, row_share = cnn.begin_row(above, row, row_units)
        of_row = chooser.start_row(row)
        units_before, row_units, attention, _, state = _loop(
            width,
            lambda *carried: draw_pixel(row, row_share, of_row, *carried),
            (units_before, row_units, attention, nothing_pending, state),
        )
        return units_before, row_units, transformer.end_row(attention, row), above, state

    units = c.channels * PIXEL_UNITS
    units_before = tf.zeros([batch, units], dtype)
    row_units = tf.zeros([batch, width, units], dtype)
    # Outside the loops, inside of which the static size of the batch is lost.
    nothing_pending = cnn.start_row(batch)
    attention, above = transformer.start(batch), cnn.start(batch, width)
    carried = (units_before, row_units, attention, above, chooser.start())
    *_, state = _loop(height, draw_row, carried)
    return state


def _loop(times: int, body: Callable[..., tuple], carried: tuple) -> tuple:
    """Repeats `carried = body(number, *carried)` for number = 0, 1, ..., times - 1."""
    _, *carried = tf.while_loop(
        lambda number, *_: number < times,
        lambda number, *carried: (number + 1, *body(number, *carried)),
        (tf.constant(0), *carried),
        maximum_iterations=times,
    )
    return tuple(carried)
