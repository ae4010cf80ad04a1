"""The slice decoder one subpixel at a time; its logits are those of `SubscalePixelNetwork`.

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

from spn_tf.sampling.cached_attention import AttentionCache, CachedTransformer
from spn_tf.sampling.cached_pixelcnn import CachedPixelCNN, RowCache
from spn_tf.sampling.cached_prediction import CachedPrediction
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
    prediction: CachedPrediction | None = None,
) -> Any:
    """Goes through a slice, subpixel after subpixel, as their intensities are chosen.

    For graphs that XLA compiles.

    Args:
        decoder: a built decoder.
        embedding: the slice embedding [B, h, w, .], or None.
        batch: B.
        chooser: decides the intensities.
        kernels: of the device; their dtype is that of the arithmetic, whatever the decoder's own.
        prediction: of the intensities; None if the distribution needs none.

    Returns:
        The chooser's state after the last subpixel.
    """
    c, dtype = decoder.config, kernels.dtype
    height, width = c.slice_height, c.slice_width
    if embedding is not None:
        embedding = tf.cast(embedding, dtype)
    transformer = None
    if decoder.transformer is not None:
        transformer = CachedTransformer(decoder.transformer, height, width, kernels)
        row_table, column_table = (tf.cast(table, dtype) for table in decoder.positions.weights)
    cnn = CachedPixelCNN(decoder.pixelcnn, embedding, kernels)

    def draw_pixel(
        row: tf.Tensor,
        row_share: tf.Tensor,
        of_row: Any,
        column: tf.Tensor,
        units_before: tf.Tensor,
        row_units: tf.Tensor,
        attention: AttentionCache,
        pending: tf.Tensor,
        rows: Any,
        state: Any,
    ) -> tuple:
        context = None
        if transformer is not None:
            position = row * width + column
            # The first pixel has no input, not even the bias of the projection.
            x = tf.where(position > 0, tf.cast(decoder.project(units_before), dtype), 0)
            x += row_table[row, 0] + column_table[0, column]
            context, attention = transformer.next(x, attention, row, column)
        pixel = cnn.pixel(pending, row_share[:, column], context)
        units: list[tf.Tensor] = []
        drawn: list[tf.Tensor] = []
        spatial = prediction.spatial(rows, row, column) if prediction else None
        for colour in range(c.channels):
            predicted = prediction.of(spatial, drawn, row, column) if prediction else None
            parameters = tf.cast(pixel.readout(colour), decoder.variable_dtype)
            logits = decoder.distribution.logits(parameters, predicted)
            place = Subpixel(row, column, colour)
            state, intensity = chooser.choose(state, of_row, place, logits)
            drawn.append(intensity)
            center = predicted.intensity[:, None] if predicted else None
            units.append(tf.cast(decoder.units(intensity[:, None], center), dtype))
            pixel.draw(colour, units[-1])
        here = (tf.range(width) == column)[:, None]
        pixel_units = tf.concat(units, axis=-1)
        row_units = tf.where(here, pixel_units[:, None], row_units)
        if prediction:
            rows = rows[0], tf.where(here, tf.stack(drawn, axis=-1)[:, None], rows[1])
        return pixel_units, row_units, attention, pixel.pending_after(pending), rows, state

    def draw_row(
        row: tf.Tensor,
        units_before: tf.Tensor,
        row_units: tf.Tensor,
        attention: AttentionCache,
        above: RowCache,
        rows: Any,
        state: Any,
    ) -> tuple:
        above, row_share = cnn.begin_row(above, row, row_units)
        of_row = chooser.start_row(row)
        units_before, row_units, attention, _, rows, state = _loop(
            width,
            lambda *carried: draw_pixel(row, row_share, of_row, *carried),
            (units_before, row_units, attention, nothing_pending, rows, state),
        )
        rows = rows and (rows[1], rows[1])  # all of the second one is overwritten
        if transformer is not None:
            attention = transformer.end_row(attention, row)
        return units_before, row_units, attention, above, rows, state

    units = c.channels * c.pixel_units
    units_before = tf.zeros([batch, units], dtype)
    row_units = tf.zeros([batch, width, units], dtype)
    # Outside the loops, inside of which the static size of the batch is lost.
    nothing_pending = cnn.start_row(batch)
    attention = () if transformer is None else transformer.start(batch)
    above = cnn.start(batch, width)
    rows = prediction.start() if prediction else ()
    carried = (units_before, row_units, attention, above, rows, chooser.start())
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
