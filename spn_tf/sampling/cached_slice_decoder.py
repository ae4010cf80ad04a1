"""SPN's decoder one pixel at a time: the Transformer's and the PixelCNN's caches together."""

from typing import NamedTuple

import tensorflow as tf

from spn_tf.sampling.cached_attention import AttentionCache, CachedTransformer
from spn_tf.sampling.cached_pixelcnn import CachedPixelCNN, Pixel, RowCache
from spn_tf.sampling.kernels import Kernels
from spn_tf.slice_decoder import SliceDecoder


class _Cache(NamedTuple):
    """What a pixel needs: keys and values, and the sums that wait for it (`start_row`)."""

    attention: AttentionCache
    pending: tf.Tensor


class _Pixel(NamedTuple):
    """A `CachedPixel`, of the PixelCNN."""

    pixel: Pixel
    cache: _Cache

    def readout(self, colour: int) -> tf.Tensor:
        return self.pixel.readout(colour)

    def draw(self, colour: int, units: tf.Tensor) -> None:
        self.pixel.draw(colour, units)

    def end(self) -> _Cache:
        return self.cache._replace(pending=self.pixel.pending_after(self.cache.pending))


class CachedSliceDecoder:
    """A `CachedDecoder` of a slice decoder, with its Transformer or without.

    Args:
        decoder: a built decoder.
        embedding: the slice embedding [B, h, w, .], or None.
        kernels: of the device.
    """

    def __init__(self, decoder: SliceDecoder, embedding: tf.Tensor | None, kernels: Kernels):
        c, self._dtype = decoder.config, kernels.dtype
        self._decoder, self._width = decoder, c.slice_width
        if embedding is not None:
            embedding = tf.cast(embedding, self._dtype)
        self._transformer = None
        if decoder.transformer is not None:
            self._transformer = CachedTransformer(
                decoder.transformer, c.slice_height, c.slice_width, kernels
            )
            self._tables = [tf.cast(table, self._dtype) for table in decoder.positions.weights]
        self._cnn = CachedPixelCNN(decoder.pixelcnn, embedding, kernels)

    def start(self, batch: int | tf.Tensor) -> tuple[RowCache, _Cache]:
        # Outside the loops, inside of which the static size of the batch is lost.
        self._nothing_pending = self._cnn.start_row(batch)
        attention = () if self._transformer is None else self._transformer.start(batch)
        return self._cnn.start(batch, self._width), _Cache(attention, self._nothing_pending)

    def begin_row(
        self, rows: RowCache, pixels: _Cache, row: tf.Tensor, units_above: tf.Tensor
    ) -> tuple[RowCache, _Cache, tf.Tensor]:
        rows, share = self._cnn.begin_row(rows, row, units_above)
        return rows, pixels._replace(pending=self._nothing_pending), share

    def begin_pixel(
        self,
        pixels: _Cache,
        of_row: tf.Tensor,
        row: tf.Tensor,
        column: tf.Tensor,
        units_before: tf.Tensor,
    ) -> _Pixel:
        context = None
        if self._transformer is not None:
            position = row * self._width + column
            # The first pixel has no input, not even the bias of the projection.
            x = tf.cast(self._decoder.project(units_before), self._dtype)
            x = tf.where(position > 0, x, 0)
            x += self._tables[0][row, 0] + self._tables[1][0, column]
            context, attention = self._transformer.next(x, pixels.attention, row, column)
            pixels = pixels._replace(attention=attention)
        pixel = self._cnn.pixel(pixels.pending, of_row[:, column], context)
        return _Pixel(pixel, pixels)

    def end_row(self, pixels: _Cache, row: tf.Tensor) -> _Cache:
        if self._transformer is None:
            return pixels
        return pixels._replace(attention=self._transformer.end_row(pixels.attention, row))
