"""The slice decoder one pixel at a time: what is needed of the pixels before is kept.

The Transformer's keys and values, the rows of the vertical stack, and what the pixels of a row give
to those on their right. Its logits are those of SliceDecoder.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from spn_tf.config import PIXEL_UNITS
from spn_tf.sampling.cached_attention import AttentionCache, CachedTransformer
from spn_tf.sampling.cached_pixelcnn import CachedPixelCNN, RowCache
from spn_tf.slice_decoder import SliceDecoder

# Called for every colour of a pixel in order: (state, colour, logits float32 [B, classes]) to
# (state, intensities int32 [B]). Colours are numbers.
Choose = Callable[[Any, int, tf.Tensor], tuple[Any, tf.Tensor]]


def decode(
    decoder: SliceDecoder,
    embedding: tf.Tensor | None,
    batch: int,
    state: Any,
    choose_in: Callable[[tf.Tensor], Callable[[tf.Tensor], Choose]],
    dtype: str,
) -> Any:
    """Goes through a slice, subpixel after subpixel, as their intensities are chosen.

    For graphs that XLA compiles.

    Args:
        decoder: a built decoder.
        embedding: the slice embedding [B, h, w, .], or None.
        batch: B.
        state: tensors that a Choose is given and returns.
        choose_in: from a row to what makes of a column the Choose of that pixel; int32 scalars.
        dtype: of the arithmetic, whatever the decoder's own.

    Returns:
        The state after the last subpixel.
    """
    c = decoder.config
    height, width = c.slice_height, c.slice_width
    if embedding is not None:
        embedding = tf.cast(embedding, dtype)
    transformer = CachedTransformer(decoder.transformer, height, width, dtype)
    cnn = CachedPixelCNN(decoder.pixelcnn, embedding, dtype)
    rows, columns = (tf.cast(table, dtype) for table in decoder.positions.weights)

    def draw_pixel(
        row: tf.Tensor,
        given: tf.Tensor,
        choose_at: Callable[[tf.Tensor], Choose],
        column: tf.Tensor,
        units_before: tf.Tensor,
        row_units: tf.Tensor,
        attention: AttentionCache,
        due: tf.Tensor,
        state: Any,
    ) -> tuple:
        position = row * width + column
        # Nothing comes before the first pixel, not even a bias.
        x = tf.where(position > 0, tf.cast(decoder.project(units_before), dtype), 0)
        x += rows[row, 0] + columns[0, column]
        context, attention = transformer.next(x, attention, row, column)
        pixel = cnn.pixel(due, given[:, column], context)
        choose = choose_at(column)
        units = []
        for colour in range(c.channels):
            logits = tf.cast(pixel.logits(colour), tf.float32)
            state, intensity = choose(state, colour, logits)
            units.append(tf.cast(decoder.intensities(intensity[:, None]), dtype))
            pixel.draw(colour, units[-1])
        units = tf.concat(units, axis=-1)
        here = (tf.range(width) == column)[:, None]
        row_units = tf.where(here, units[:, None], row_units)
        return units, row_units, attention, pixel.due_after(due), state

    def draw_row(
        row: tf.Tensor,
        units_before: tf.Tensor,
        row_units: tf.Tensor,
        attention: AttentionCache,
        above: RowCache,
        state: Any,
    ) -> tuple:
        above, given = cnn.begin_row(above, row, row_units)
        choose_at = choose_in(row)
        units_before, row_units, attention, _, state = _loop(
            width,
            lambda *cache: draw_pixel(row, given, choose_at, *cache),
            (units_before, row_units, attention, none_due, state),
        )
        return units_before, row_units, transformer.end_row(attention, row), above, state

    units = c.channels * PIXEL_UNITS
    nothing = (tf.zeros([batch, units], dtype), tf.zeros([batch, width, units], dtype))
    attention = transformer.start(batch)
    none_due = cnn.start_row(batch)  # made here, for in the loop the static size of a batch is lost
    *_, state = _loop(height, draw_row, (*nothing, attention, cnn.start(batch, width), state))
    return state


def _loop(times: int, body: Callable[..., tuple], carried: tuple) -> tuple:
    """`carried = body(number, *carried)`, so many times."""
    _, *carried = tf.while_loop(
        lambda number, *_: number < times,
        lambda number, *carried: (number + 1, *body(number, *carried)),
        (tf.constant(0), *carried),
        maximum_iterations=times,
    )
    return tuple(carried)
