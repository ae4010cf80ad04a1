"""PixelSNAIL one pixel at a time, with nothing computed twice.

A convolution of 2x2 sees two pixels of the row above and two of its own row. What the row above
contributes is computed for all pixels at once, when their row begins.

Shape letters: B images, w pixels in a row, D units.
"""

from typing import Any, NamedTuple

import tensorflow as tf

from spn_tf.convolution import convolution
from spn_tf.pixelsnail.gated_residual import CausalConvolution, GatedResidual
from spn_tf.pixelsnail.pixelsnail import PixelSNAIL
from spn_tf.pixelsnail.snail_block import SnailBlock, positions
from spn_tf.sampling.cached_colour_head import CachedColourHead
from spn_tf.sampling.kernels import CacheTensors, Kernels


class _Inputs(NamedTuple):
    """Inputs of a convolution that later pixels need.

    Attributes:
        row: [B, w, D], of the current row so far; before it begins, of the row above.
        left: [B, D], of the pixel on the left.
    """

    row: tf.Tensor
    left: tf.Tensor


class _CachedConvolution:
    """A convolution of 2x2."""

    def __init__(self, layer: CausalConvolution, width: int, kernels: Kernels):
        self._width, self._dtype = width, kernels.dtype
        kernel = tf.cast(layer.kernel, self._dtype)
        self._above, self._inputs = kernel[:1], kernel.shape[2]
        self._own = kernels.product(tf.concat([kernel[1, 0], kernel[1, 1]], axis=0))
        self._bias = tf.cast(layer.bias, self._dtype)

    def start(self, batch: int | tf.Tensor) -> _Inputs:
        row = tf.zeros([batch, self._width, self._inputs], self._dtype)
        return _Inputs(row, row[:, 0])

    def begin_row(self, inputs: _Inputs) -> tuple[_Inputs, tf.Tensor]:
        """The inputs before the row, and the contribution of the row above, [B, w, filters]."""
        share = convolution(inputs.row[:, None], self._above, [(0, 0), (1, 0)])[:, 0]
        return inputs._replace(left=tf.zeros_like(inputs.left)), share + self._bias

    def next(
        self, x: tf.Tensor, inputs: _Inputs, share: tf.Tensor, column: tf.Tensor
    ) -> tuple[tf.Tensor, _Inputs]:
        y = share[:, column] + self._own(tf.concat([inputs.left, x], axis=-1))
        here = (tf.range(self._width) == column)[:, None]
        return y, _Inputs(tf.where(here, x[:, None], inputs.row), x)


class _CachedResidual:
    """A residual block of convolutions of 2x2."""

    def __init__(self, layer: GatedResidual, width: int, kernels: Kernels):
        self._layer = layer
        self._hidden = _CachedConvolution(layer.hidden, width, kernels)
        self._out = _CachedConvolution(layer.out, width, kernels)

    def start(self, batch: int | tf.Tensor) -> tuple[_Inputs, _Inputs]:
        return self._hidden.start(batch), self._out.start(batch)

    def begin_row(self, caches: tuple[_Inputs, _Inputs]) -> tuple[Any, Any]:
        hidden, of_hidden = self._hidden.begin_row(caches[0])
        out, of_out = self._out.begin_row(caches[1])
        return (hidden, out), (of_hidden, of_out)

    def next(
        self,
        x: tf.Tensor,
        caches: tuple[_Inputs, _Inputs],
        shares: tuple[tf.Tensor, tf.Tensor],
        column: tf.Tensor,
        condition: tf.Tensor | None,
    ) -> tuple[tf.Tensor, tuple[_Inputs, _Inputs]]:
        hidden, of_hidden = self._hidden.next(tf.nn.elu(x), caches[0], shares[0], column)
        out, of_out = self._out.next(tf.nn.elu(hidden), caches[1], shares[1], column)
        return self._layer.gated(x, out, condition), (of_hidden, of_out)


class _PointwiseResidual:
    """A residual block of single pixels."""

    def __init__(self, layer: GatedResidual, kernels: Kernels):
        self._layer, dtype = layer, kernels.dtype
        self._hidden, self._out = (
            kernels.product(tf.cast(x.kernel[0, 0], dtype)) for x in (layer.hidden, layer.out)
        )
        self._biases = [tf.cast(x.bias, dtype) for x in (layer.hidden, layer.out)]
        self._of_side = kernels.dense(layer.of_side) if layer.has_side else None

    def __call__(self, x: tf.Tensor, side: tf.Tensor | None = None) -> tf.Tensor:
        hidden = self._hidden(tf.nn.elu(x)) + self._biases[0]
        if self._of_side is not None:
            hidden += self._of_side(tf.nn.elu(side))
        return self._layer.gated(x, self._out(tf.nn.elu(hidden)) + self._biases[1], None)


class _BlockCache(NamedTuple):
    """What a block keeps for later pixels.

    Attributes:
        residuals: of each residual block.
        attention: keys and values.
        before: the features of the pixel before, [B, D], whose key and value come next.
    """

    residuals: tuple
    attention: CacheTensors
    before: tf.Tensor


class _CachedBlock:
    """A `SnailBlock`."""

    def __init__(
        self,
        block: SnailBlock,
        height: int,
        width: int,
        kernels: Kernels,
        condition: tf.Tensor | None,
    ):
        self._block, self._dtype = block, kernels.dtype
        self._residuals = [_CachedResidual(layer, width, kernels) for layer in block.residuals]
        self._content = _PointwiseResidual(block.content, kernels)
        self._search = _PointwiseResidual(block.search, kernels)
        self._to_keys_values = kernels.dense(block.to_keys_values)
        self._to_queries = kernels.dense(block.to_queries)
        self._merge = _PointwiseResidual(block.merge, kernels)
        # Of one size for keys and values: zeros add nothing to a product.
        self._size = max(block.key_channels, block.value_channels)
        self._memory = kernels.key_value_cache(1, self._size, height, width)
        self._conditions = None
        if condition is not None:
            self._conditions = tf.cast(block.condition(condition), self._dtype)

    def start(self, batch: int | tf.Tensor) -> _BlockCache:
        return _BlockCache(
            tuple(layer.start(batch) for layer in self._residuals),
            self._memory.start(batch),
            tf.zeros([batch, self._block.width], self._dtype),
        )

    def begin_row(self, cache: _BlockCache) -> tuple[_BlockCache, tuple]:
        begun = [
            layer.begin_row(own)
            for layer, own in zip(self._residuals, cache.residuals, strict=True)
        ]
        residuals, shares = zip(*begun, strict=True)
        return cache._replace(residuals=residuals), shares

    def next(
        self,
        x: tf.Tensor,
        cache: _BlockCache,
        shares: tuple,
        row: tf.Tensor,
        column: tf.Tensor,
        units_before: tf.Tensor,
        places: tuple[tf.Tensor, tf.Tensor],
        follows: tf.Tensor,
    ) -> tuple[tf.Tensor, _BlockCache]:
        """The block's output at a pixel, [B, D] to [B, D], and what later pixels need.

        Args:
            x: features of the pixel.
            cache: what the pixel needs.
            shares: of the row above, by residual block.
            row, column: int32 scalars.
            units_before: embedded intensities of the pixel before, [B, .].
            places: of the pixel before and of this one.
            follows: whether there is a pixel before.
        """
        block, count = self._block, len(self._residuals)
        conditions = [None] * count
        if self._conditions is not None:
            conditions = tf.split(self._conditions[:, row, column], count, axis=-1)
        residuals = []
        for layer, own, share, condition in zip(
            self._residuals, cache.residuals, shares, conditions, strict=True
        ):
            x, own = layer.next(x, own, share, column, condition)
            residuals.append(own)
        before, here = (tf.broadcast_to(p, [tf.shape(x)[0], 2]) for p in places)
        content = tf.concat([units_before, cache.before, before], axis=-1)
        keys_values = self._to_keys_values(self._content(content))
        key, value = tf.split(keys_values, [block.key_channels, block.value_channels], axis=-1)
        query = self._to_queries(self._search(tf.concat([x, here], axis=-1)))
        query *= (self._size / block.key_channels) ** 0.5  # the cache divides by sqrt(size)
        read, attention = self._memory.attend(
            self._padded(query),
            tf.where(follows, self._padded(key), 0),
            tf.where(follows, self._padded(value), 0),
            cache.attention,
            row,
            column,
        )
        read = tf.cast(read[:, 0, : block.value_channels], self._dtype)
        return self._merge(x, read), _BlockCache(tuple(residuals), attention, x)

    def end_row(self, cache: _BlockCache, row: tf.Tensor) -> _BlockCache:
        return cache._replace(attention=self._memory.end_row(cache.attention, row))

    def _padded(self, x: tf.Tensor) -> tf.Tensor:
        """[B, .] to [B, 1, size]."""
        return tf.pad(x, [[0, 0], [0, self._size - x.shape[-1]]])[:, None]


class _Pixel:
    """A `CachedPixel`: all features are known, the head is left."""

    def __init__(self, head: CachedColourHead, features: tf.Tensor, caches: tuple):
        self._head, self._caches = head, caches
        self._hidden = head.hidden(features)
        self._units: list[tf.Tensor] = []

    def readout(self, colour: int) -> tf.Tensor:
        return self._head.readout(self._hidden, self._units, colour)

    def draw(self, colour: int, units: tf.Tensor) -> None:
        self._units.append(units)

    def end(self) -> tuple:
        return self._caches


class CachedPixelSNAIL:
    """A `CachedDecoder` of PixelSNAIL.

    Args:
        decoder: a built decoder.
        embedding: of classes, [B, h, w, .], or None.
        kernels: of the device.
    """

    def __init__(self, decoder: PixelSNAIL, embedding: tf.Tensor | None, kernels: Kernels):
        c, self._dtype = decoder.config, kernels.dtype
        self._width = c.width
        self._places = tf.cast(tf.reshape(positions(c.height, c.width), [-1, 2]), self._dtype)
        # Of the first layer: the row above a pixel from left to right, and the pixel on its left.
        above, left, self._bias = (
            tf.cast(x, self._dtype) for x in (decoder.above, decoder.left, decoder.bias)
        )
        beside = tf.pad(left[:1], [[0, 0], [0, 2], [0, 0], [0, 0]])  # [1, 3, ., .]
        self._above = above + beside
        self._left = kernels.product(left[1, 0])
        self._blocks = [
            _CachedBlock(block, c.height, c.width, kernels, embedding) for block in decoder.blocks
        ]
        self._head = CachedColourHead(decoder.head, kernels)

    def start(self, batch: int | tf.Tensor) -> tuple[tuple, tuple]:
        return (), tuple(block.start(batch) for block in self._blocks)

    def begin_row(
        self, rows: tuple, pixels: tuple, row: tf.Tensor, units_above: tf.Tensor
    ) -> tuple[tuple, tuple, tuple]:
        mark = tf.cast(row > 0, self._dtype)
        marked = tf.concat([units_above, mark * tf.ones_like(units_above[..., :1])], axis=-1)
        share = convolution(marked[:, None], self._above, [(0, 0), (1, 1)])[:, 0] + self._bias
        begun = [block.begin_row(own) for block, own in zip(self._blocks, pixels, strict=True)]
        pixels, shares = zip(*begun, strict=True)
        return rows, pixels, (share, shares)

    def begin_pixel(
        self,
        pixels: tuple,
        of_row: tuple,
        row: tf.Tensor,
        column: tf.Tensor,
        units_before: tf.Tensor,
    ) -> _Pixel:
        share, shares = of_row
        marked = tf.pad(units_before, [[0, 0], [0, 1]], constant_values=1)
        x = share[:, column] + self._left(tf.where(column > 0, marked, 0))
        position = row * self._width + column
        places = self._places[tf.maximum(position - 1, 0)], self._places[position]
        caches = []
        for block, own, of_block in zip(self._blocks, pixels, shares, strict=True):
            x, own = block.next(x, own, of_block, row, column, units_before, places, position > 0)
            caches.append(own)
        return _Pixel(self._head, tf.nn.elu(x), tuple(caches))

    def end_row(self, pixels: tuple, row: tf.Tensor) -> tuple:
        return tuple(
            block.end_row(own, row) for block, own in zip(self._blocks, pixels, strict=True)
        )
