"""The gated PixelCNN one pixel at a time, with nothing computed twice.

The vertical stack runs once for each row, over the rows that its filters still reach. Of the
horizontal stack, what a pixel takes from its row, the conditions and the pixels on its left is
computed once for the pixel, and what the colours of the pixel itself add, once for each colour, on
that colour's units alone: those stand in one piece along the channel axis, so a masked product
comes apart into dense ones.

Shape letters: B images, w pixels in a row, L layers, D units.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from spn_tf.config import PIXEL_UNITS
from spn_tf.gated_pixelcnn import GatedPixelCNN, gate
from spn_tf.masked_convolution import HorizontalConvolution


class RowCache(NamedTuple):
    """What the vertical stack keeps from row to row.

    Attributes:
        above: the last rows of each vertical convolution's input, [B, size // 2, w, D].
    """

    above: tuple[tf.Tensor, ...]


class PixelCache(NamedTuple):
    """What the horizontal stack keeps from pixel to pixel of a row.

    Attributes:
        left: the last pixels of each horizontal convolution's input, [B, size // 2, D].
    """

    left: tuple[tf.Tensor, ...]


class Pixel:
    """The pixel being drawn, colour by colour.

    Args:
        pixelcnn: of which this is a pixel.
        base: what each layer's horizontal convolution is added to, [B, conv channels].
    """

    def __init__(self, pixelcnn: "CachedPixelCNN", base: list[tf.Tensor]):
        self._pixelcnn = pixelcnn
        self._base = base
        layers = len(base)
        self._pixels: list[tf.Tensor] = []  # units of the colours drawn
        self._residual: list[list[tf.Tensor]] = [[] for _ in range(layers)]  # after each layer
        self._gated: list[list[tf.Tensor]] = [[] for _ in range(layers)]
        self._hidden: list[tf.Tensor] = []

    def logits(self, colour: int) -> tf.Tensor:
        """[B, classes], once the colours before are drawn."""
        cnn = self._pixelcnn
        inputs = self._pixels
        for i, base in enumerate(self._base):
            x = cnn.current[i](colour, inputs) + cnn.current[i].made(colour, base)
            self._gated[i].append(gate(x))
            y = cnn.out[i](colour, self._gated[i])
            self._residual[i].append(inputs[colour] + y if i else y)
            inputs = self._residual[i]
        self._hidden.append(tf.nn.relu(cnn.hidden(colour, [tf.nn.relu(part) for part in inputs])))
        return cnn.logits(colour, self._hidden)

    def draw(self, units: tf.Tensor) -> None:
        """Tells the embedded intensity of the next colour, [B, 8]."""
        self._pixels.append(units)

    def cached(self, cache: PixelCache) -> PixelCache:
        """The cache for the pixel on the right, once all colours are drawn."""
        inputs = [self._pixels, *self._residual[:-1]]
        return PixelCache(
            tuple(
                tf.concat([left, tf.concat(parts, axis=-1)[:, None]], axis=1)[:, 1:]
                for left, parts in zip(cache.left, inputs, strict=True)
            )
        )


class CachedPixelCNN:
    """A gated PixelCNN's weights, arranged for one pixel at a time.

    Make one inside the graph that uses it, outside its loops: the arranged weights are tensors.

    Args:
        pixelcnn: a built network.
        embedding: [B, h, w, .], what is known for the whole slice: the condition of the vertical
            stack, and the last units of that of the horizontal one; or None.
    """

    def __init__(self, pixelcnn: GatedPixelCNN, embedding: tf.Tensor | None):
        dtype = pixelcnn.compute_dtype
        self._pixelcnn = pixelcnn
        self._layers = len(pixelcnn.gated)
        self._half = pixelcnn.gated[0].vertical.size // 2
        self._vertical = [
            (tf.cast(layer.vertical.kernel, dtype), tf.cast(layer.vertical.bias, dtype))
            for layer in pixelcnn.gated
        ]
        self.current = [
            _Masked(layer.horizontal, pixelcnn.colours, dtype) for layer in pixelcnn.gated
        ]
        self.out = [_Masked(layer.out, pixelcnn.colours, dtype) for layer in pixelcnn.gated]
        self.hidden = _Masked(pixelcnn.hidden, pixelcnn.colours, dtype)
        self.logits = _Masked(pixelcnn.logits, pixelcnn.colours, dtype)

        self._pixel_condition = tf.cast(pixelcnn.horizontal_condition.kernel, dtype)
        self._vertical_condition = self._horizontal_condition = None
        if embedding is not None:
            # The embedding's share of equation 5, for all pixels and layers at once.
            self._vertical_condition = pixelcnn.vertical_condition(embedding)
            first = self._pixel_condition.shape[0] - embedding.shape[-1]
            self._horizontal_condition = tf.matmul(embedding, self._pixel_condition[first:])
            self._pixel_condition = self._pixel_condition[:first]

    def start(self, batch: int, width: int) -> RowCache:
        """The cache before the first row."""
        cnn = self._pixelcnn
        units = [cnn.colours * PIXEL_UNITS] + [cnn.conv_channels // 2] * (self._layers - 1)
        return RowCache(
            tuple(tf.zeros([batch, self._half, width, d], cnn.compute_dtype) for d in units)
        )

    def begin_row(
        self, cache: RowCache, row: tf.Tensor, units_above: tf.Tensor
    ) -> tuple[RowCache, tf.Tensor]:
        """Runs the vertical stack for a row.

        Args:
            row: int32 scalar.
            units_above: embedded intensities of the row above, [B, w, C * 8]; zeros for row 0.

        Returns:
            The cache for the row below, and what the layers give to the row's pixels,
            [B, w, L * conv channels].
        """
        conditions = None
        if self._vertical_condition is not None:
            conditions = tf.split(self._vertical_condition[:, row], self._layers, axis=-1)
        padding = [[0, 0], [0, 0], [self._half, self._half], [0, 0]]
        above, given = [], []
        x = units_above[:, None]
        for i, layer in enumerate(self._pixelcnn.gated):
            seen = tf.concat([cache.above[i], x], axis=1)
            above.append(seen[:, 1:])
            kernel, bias = self._vertical[i]
            v = tf.nn.conv2d(seen, kernel, 1, padding) + bias
            if conditions is not None:
                v += conditions[i][:, None]
            given.append(layer.vertical_to_horizontal(v)[:, 0])
            x = gate(v)
        whole = tf.concat(given, axis=-1)
        if self._horizontal_condition is not None:
            whole += self._horizontal_condition[:, row]
        return RowCache(tuple(above)), whole

    def start_row(self, batch: int) -> PixelCache:
        """The cache before the first pixel of a row."""
        cnn = self._pixelcnn
        units = [cnn.colours * PIXEL_UNITS] + [cnn.residual_channels] * (self._layers - 1)
        return PixelCache(tuple(tf.zeros([batch, self._half, d], cnn.compute_dtype) for d in units))

    def pixel(self, cache: PixelCache, given: tf.Tensor, condition: tf.Tensor) -> Pixel:
        """Begins a pixel.

        Args:
            cache: of the pixels on its left.
            given: what begin_row made for it, [B, L * conv channels].
            condition: the units of the horizontal condition that come before the embedding's,
                [B, .].
        """
        given += tf.matmul(condition, self._pixel_condition)
        base = [
            part if left.shape[1] == 0 else part + tf.matmul(_flat(left), masked.left)
            for part, left, masked in zip(
                tf.split(given, self._layers, axis=-1), cache.left, self.current, strict=True
            )
        ]
        return Pixel(self, base)


class _Masked:
    """A HorizontalConvolution in parts: of the pixels on the left, and of the current one.

    Attributes:
        left: [size // 2 * D, filters], of the pixels on the left.
    """

    def __init__(self, convolution: HorizontalConvolution, colours: int, dtype: tf.DType):
        kernel = tf.cast(convolution.kernel, dtype) * tf.constant(convolution.mask, dtype)
        kernel = kernel[0]
        bias = tf.cast(convolution.bias, dtype)
        self.left = tf.reshape(kernel[:-1], [-1, convolution.filters])
        # A colour may have no units, where there are fewer units than colours.
        self._made = [np.flatnonzero(convolution.outputs == colour) for colour in range(colours)]
        allowed = np.less if convolution.strict else np.less_equal
        # Inputs ascend, so what a colour may see are the first units.
        self._kernels = [
            tf.gather(kernel[-1, : int(allowed(convolution.inputs, colour).sum())], made, axis=1)
            for colour, made in enumerate(self._made)
        ]
        self._biases = [tf.gather(bias, made) for made in self._made]

    def __call__(self, colour: int, seen: list[tf.Tensor]) -> tf.Tensor:
        """The colour's units [B, .], made of those of the colours that it may see."""
        if not seen:
            return self._biases[colour]
        return tf.matmul(tf.concat(seen, axis=-1), self._kernels[colour]) + self._biases[colour]

    def made(self, colour: int, x: tf.Tensor) -> tf.Tensor:
        """Of units [B, filters], the colour's."""
        return tf.gather(x, self._made[colour], axis=-1)


def _flat(x: tf.Tensor) -> tf.Tensor:
    """[B, n, D] to [B, n * D]."""
    return tf.concat(tf.unstack(x, axis=1), axis=-1)
