"""A decoder one subpixel at a time; its logits are those of `SubscalePixelNetwork`.

Three nested loops, over rows, pixels and colours, in one program of XLA. Each carries the results
that later steps need, so that nothing is computed twice. What these are depends on the network: a
`CachedDecoder` knows. Pixels that do not depend on one another need one pass for each colour.

Shape letters: B images, h x w pixels of a slice, C colours.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from cascade_tf.xla_ops import dynamic_update_slice
from spn_tf.image_transformer.image_transformer import ImageTransformer
from spn_tf.intensity_decoder import IntensityDecoder
from spn_tf.parallel_multiscale.parallel_decoder import ParallelDecoder
from spn_tf.pixelsnail.pixelsnail import PixelSNAIL
from spn_tf.sampling.cached_decoder import CachedDecoder
from spn_tf.sampling.cached_image_transformer import CachedImageTransformer
from spn_tf.sampling.cached_pixelsnail import CachedPixelSNAIL
from spn_tf.sampling.cached_prediction import CachedPrediction
from spn_tf.sampling.cached_slice_decoder import CachedSliceDecoder
from spn_tf.sampling.chooser import Chooser, Subpixel
from spn_tf.sampling.kernels import Kernels
from spn_tf.slice_decoder import SliceDecoder

_KINDS: dict[type[IntensityDecoder], Callable[..., CachedDecoder]] = {
    SliceDecoder: CachedSliceDecoder,
    PixelSNAIL: CachedPixelSNAIL,
    ImageTransformer: CachedImageTransformer,
}


def decode(
    decoder: IntensityDecoder,
    embedding: tf.Tensor | None,
    batch: int | tf.Tensor,
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
    if isinstance(decoder, ParallelDecoder):
        return _decode_in_parallel(decoder, embedding, chooser, prediction)
    c, dtype = decoder.config, kernels.dtype
    height, width = c.slice_height, c.slice_width
    cached = _KINDS[type(decoder)](decoder, embedding, kernels)

    def draw_pixel(
        row: tf.Tensor,
        of_row: Any,
        chosen_of_row: Any,
        column: tf.Tensor,
        units_before: tf.Tensor,
        row_units: tf.Tensor,
        pixels: Any,
        rows: Any,
        state: Any,
    ) -> tuple:
        pixel = cached.begin_pixel(pixels, of_row, row, column, units_before)
        units: list[tf.Tensor] = []
        drawn: list[tf.Tensor] = []
        spatial = prediction.spatial(rows, row, column) if prediction else None
        for colour in range(c.channels):
            predicted = prediction.of(spatial, drawn, row, column) if prediction else None
            parameters = tf.cast(pixel.readout(colour), decoder.variable_dtype)
            logits = decoder.distribution.logits(parameters, predicted)
            place = Subpixel(row, column, colour)
            state, intensity = chooser.choose(state, chosen_of_row, place, logits)
            drawn.append(intensity)
            center = predicted.intensity[:, None] if predicted and c.relative else None
            units.append(tf.cast(decoder.units(intensity[:, None], center), dtype))
            pixel.draw(colour, units[-1])
        here = (tf.range(width) == column)[:, None]
        pixel_units = tf.concat(units, axis=-1)
        row_units = tf.where(here, pixel_units[:, None], row_units)
        if prediction:
            rows = prediction.after(rows, tf.stack(drawn, axis=-1), row, column)
        return pixel_units, row_units, pixel.end(), rows, state

    def draw_row(
        row: tf.Tensor,
        units_before: tf.Tensor,
        row_units: tf.Tensor,
        of_rows: Any,
        pixels: Any,
        rows: Any,
        state: Any,
    ) -> tuple:
        of_rows, pixels, of_row = cached.begin_row(of_rows, pixels, row, row_units)
        chosen_of_row = chooser.start_row(row)
        units_before, row_units, pixels, rows, state = _loop(
            width,
            lambda *carried: draw_pixel(row, of_row, chosen_of_row, *carried),
            (units_before, row_units, pixels, rows, state),
        )
        if prediction:
            rows = prediction.end_row(rows)
        return units_before, row_units, of_rows, cached.end_row(pixels, row), rows, state

    units = c.channels * c.pixel_units
    units_before = tf.zeros([batch, units], dtype)
    row_units = tf.zeros([batch, width, units], dtype)
    rows = prediction.start() if prediction else ()
    carried = (units_before, row_units, *cached.start(batch), rows, chooser.start())
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


def _decode_in_parallel(
    decoder: ParallelDecoder,
    embedding: tf.Tensor,
    chooser: Chooser,
    prediction: CachedPrediction | None,
) -> Any:
    """`decode` of one colour after another, each by one pass for all pixels."""
    c = decoder.config
    height, width = c.slice_height, c.slice_width
    state: Any = chooser.start()
    drawn: list[tf.Tensor] = []
    unknown = tf.zeros([tf.shape(embedding)[0], height, width], tf.int32)
    for colour in range(c.channels):
        predicted = prediction.of_slice(drawn) if prediction else None
        pixels = tf.stack([*drawn, *[unknown] * (c.channels - colour)], axis=-1)
        center = None
        if prediction and c.relative:
            before = [prediction.of_slice(drawn[:i]).intensity for i in range(colour)]
            center = tf.stack([*before, *[unknown] * (c.channels - colour)], axis=-1)
        parameters = decoder(pixels, embedding, center)[..., colour, :]
        logits = decoder.distribution.logits(parameters, predicted)

        def choose(
            row: tf.Tensor,
            of_row: Any,
            column: tf.Tensor,
            plane: tf.Tensor,
            state: Any,
            colour: int = colour,
            logits: tf.Tensor = logits,
        ) -> tuple:
            place = Subpixel(row, column, colour)
            state, intensity = chooser.choose(state, of_row, place, logits[:, row, column])
            here = tf.stack([0, row, column])
            return dynamic_update_slice(plane, intensity[:, None, None], here), state

        def choose_row(
            row: tf.Tensor, plane: tf.Tensor, state: Any, choose: Callable[..., tuple] = choose
        ) -> tuple:
            of_row = chooser.start_row(row)
            return _loop(width, lambda *carried: choose(row, of_row, *carried), (plane, state))

        plane, state = _loop(height, choose_row, (unknown, state))
        drawn.append(plane)
    return state
