"""The Image Transformer one position at a time, over cached keys and values.

Keys and values lie as their positions do in the image. So the memory of a block is a rectangle.

Shape letters: B images, D width, K D / heads.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from cascade_tf.xla_ops import dynamic_update_slice
from spn_tf.image_transformer.image_transformer import ImageTransformer, LocalLayer
from spn_tf.ordering import places_of
from spn_tf.sampling.cached_attention import normalised
from spn_tf.sampling.cached_colour_head import CachedColourHead
from spn_tf.sampling.kernels import Kernels

# Keys and values of a layer, [B, above + H, W + 2 * beside, D] each.
_Memory = tuple[tf.Tensor, tf.Tensor]


class _Place(NamedTuple):
    """A position, int32 scalars: in the image, and in its block."""

    row: tf.Tensor
    column: tf.Tensor
    top: tf.Tensor
    left: tf.Tensor
    visible: tf.Tensor  # bool [memory rows * memory columns]


class _CachedLayer:
    """A `LocalLayer`."""

    def __init__(self, layer: LocalLayer, kernels: Kernels):
        self._layer, self._kernels = layer, kernels
        self._qkv, self._out = (
            kernels.dense(layer.attention.qkv),
            kernels.dense(layer.attention.out),
        )
        self._inner, self._outer = kernels.dense(layer.ffn.inner), kernels.dense(layer.ffn.out)

    def start(self, batch: int | tf.Tensor) -> _Memory:
        b = self._layer.blocks
        shape = [batch, b.above + b.height, b.width + 2 * b.beside, self._layer.width]
        zeros = tf.zeros(shape, self._kernels.dtype)
        return zeros, zeros

    def next(self, x: tf.Tensor, memory: _Memory, place: _Place) -> tuple[tf.Tensor, _Memory]:
        """The layer's output at a position, [B, D] to [B, D], and the memory with it."""
        query, key, value = tf.split(self._qkv(x), 3, axis=-1)
        read, memory = self._attend(query, key, value, memory, place)
        norms = self._layer.norms
        x = normalised(norms[0], x + self._out(read), self._kernels)
        x += self._outer(self._inner(x))
        return normalised(norms[1], x, self._kernels), memory

    def _attend(
        self,
        query: tf.Tensor,
        key: tf.Tensor,
        value: tf.Tensor,
        memory: _Memory,
        place: _Place,
    ) -> tuple[tf.Tensor, _Memory]:
        layer, b = self._layer, self._layer.blocks
        rows, columns = b.memory
        here = tf.stack([0, place.row + b.above, place.column + b.beside, 0])
        keys, values = (
            dynamic_update_slice(kept, new[:, None, None], here)
            for kept, new in zip(memory, (key, value), strict=True)
        )
        start = tf.stack([0, place.top, place.left, 0])
        size = [tf.shape(query)[0], rows, columns, layer.width]
        split = [-1, rows * columns, layer.heads, layer.width // layer.heads]
        near_keys, near_values = (
            tf.reshape(tf.slice(kept, start, size), split) for kept in (keys, values)
        )
        query = tf.reshape(query, [-1, layer.heads, split[-1]]) * split[-1] ** -0.5
        scores = tf.einsum("bhk,bmhk->bhm", query, near_keys)
        scores = tf.cast(scores, layer.variable_dtype)
        weights = tf.nn.softmax(tf.where(place.visible, scores, scores.dtype.min))
        read = tf.einsum("bhm,bmhk->bhk", tf.cast(weights, near_values.dtype), near_values)
        return tf.reshape(read, [-1, layer.width]), (keys, values)


class _Pixel:
    """A `CachedPixel`, of one or several positions."""

    def __init__(
        self,
        network: "CachedImageTransformer",
        memories: tuple[_Memory, ...],
        number: tf.Tensor,
        units_before: tf.Tensor,
    ):
        self._network, self._memories, self._number = network, memories, number
        self._before = units_before
        self._units: list[tf.Tensor] = []  # of the position so far
        self._hidden: tf.Tensor | None = None

    def readout(self, colour: int) -> tf.Tensor:
        network = self._network
        if colour == 0 or network.per_pixel > 1:
            features, self._memories = network.next(
                self._before, self._memories, self._number, colour
            )
            self._hidden, self._units = network.head.hidden(features), []
        return network.head.readout(self._hidden, self._units, len(self._units))

    def draw(self, colour: int, units: tf.Tensor) -> None:
        self._before = units
        self._units.append(units)

    def end(self) -> tuple[_Memory, ...]:
        return self._memories


class CachedImageTransformer:
    """A `CachedDecoder` of the Image Transformer.

    Args:
        decoder: a built decoder.
        embedding: of classes, [B, h, w, D], or None.
        kernels: of the device.

    Attributes:
        per_pixel: positions of a pixel.
        head: of a position.
    """

    def __init__(self, decoder: ImageTransformer, embedding: tf.Tensor | None, kernels: Kernels):
        c, b, dtype = decoder.config, decoder.blocks, kernels.dtype
        self.per_pixel, self._channels = c.positions_per_pixel, c.channels
        self.head = CachedColourHead(decoder.head, kernels)
        self._width = c.slice_width
        self._layers = [_CachedLayer(layer, kernels) for layer in decoder.layers]
        self._project = [kernels.product(tf.cast(x, dtype)) for x in tf.unstack(decoder.project)]
        self._tables = [tf.cast(table, dtype) for table in decoder.positions.weights]
        self._of_class = None if embedding is None else tf.cast(embedding[:, 0, 0], dtype)
        self._blocks, self._drawn, self._inside = b, b.is_drawn(), b.is_inside()
        self._places = places_of(c) * np.array([1, self.per_pixel], np.int32)

    def start(self, batch: int | tf.Tensor) -> tuple[tuple, tuple[_Memory, ...]]:
        return (), tuple(layer.start(batch) for layer in self._layers)

    def begin_row(
        self, rows: tuple, pixels: tuple, row: tf.Tensor, units_above: tf.Tensor
    ) -> tuple[tuple, tuple, tuple]:
        return rows, pixels, ()

    def begin_pixel(
        self,
        pixels: tuple[_Memory, ...],
        of_row: tuple,
        row: tf.Tensor,
        column: tf.Tensor,
        units_before: tf.Tensor,
    ) -> _Pixel:
        number = row * self._width + column
        if self.per_pixel > 1:
            units_before = tf.split(units_before, self._channels, axis=-1)[-1]
        return _Pixel(self, pixels, number, units_before)

    def next(
        self, before: tf.Tensor, memories: tuple[_Memory, ...], number: tf.Tensor, colour: int
    ) -> tuple[tf.Tensor, tuple[_Memory, ...]]:
        """Features of a position, [B, D], and keys and values with it.

        Args:
            before: units of the position before, [B, .].
            memories: of the positions before.
            number: int32 scalar, of the pixel in the order of drawing.
            colour: of the position.
        """
        place = self._place(number, colour)
        x = self._project[colour - 1](before)  # of the colour before; the last one's is the first
        if colour == 0:
            x = tf.where(number > 0, x, 0)
        x += self._tables[0][place.row, 0] + self._tables[1][0, place.column]
        if self._of_class is not None:
            x += self._of_class
        after = []
        for layer, memory in zip(self._layers, memories, strict=True):
            x, memory = layer.next(x, memory, place)
            after.append(memory)
        return x, tuple(after)

    def _place(self, number: tf.Tensor, colour: int) -> _Place:
        b = self._blocks
        row, first = tf.unstack(tf.constant(self._places, tf.int32)[number])
        column = first + colour
        top, left = row // b.rows, column // b.columns
        inside = tf.constant(self._inside)[top * (b.width // b.columns) + left]
        query = row % b.rows * b.columns + column % b.columns
        visible = inside & tf.constant(self._drawn)[query]
        return _Place(row, column, top * b.rows, left * b.columns, visible)

    def end_row(self, pixels: tuple, row: tf.Tensor) -> tuple:
        return pixels
