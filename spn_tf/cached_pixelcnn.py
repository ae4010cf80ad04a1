"""The gated PixelCNN one pixel at a time, with nothing computed twice.

The vertical stack runs once for each row, over the rows that its filters still reach. In the
horizontal stack, the units of a colour, once known, are multiplied with all that reads them: the
later colours of the pixel, and the pixels on the right. What is summed up so waits for its turn. A
masked product comes apart into dense ones, as the units of a colour stand in one piece along the
channel axis.

Shape letters: B images, w pixels in a row, L layers, D units, F units of a convolution's output.
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
        due: what the pixels on the left give to this one and those after it, for each layer's
            horizontal convolution, [B, size // 2 * F].
    """

    due: tuple[tf.Tensor, ...]


class _Convolution:
    """A HorizontalConvolution, taken apart by the colours of its input.

    Its outputs are put in the order of their colours; a colour's are outputs[bounds[colour]] to
    [bounds[colour + 1]].

    Attributes:
        order: of the outputs, int [F].
        bias: [F], in that order.
        bounds: int [C + 1].
        first: int [C], the first output of this pixel that sees a colour.
        kernels: for each colour [its D, (F - first) + size // 2 * F]: to the outputs of this pixel
            that see it, to those of the next pixel, and so on.
    """

    def __init__(self, convolution: HorizontalConvolution, colours: int, dtype: tf.DType):
        kernel = tf.cast(convolution.kernel, dtype) * tf.constant(convolution.mask, dtype)
        self.order = np.argsort(convolution.outputs, kind="stable")
        *left, here = tf.unstack(tf.gather(kernel[0], self.order, axis=-1))
        self.bias = tf.gather(tf.cast(convolution.bias, dtype), self.order)
        outputs, all_colours = convolution.outputs[self.order], np.arange(colours + 1)
        self.bounds = np.searchsorted(outputs, all_colours)
        self.first = self.bounds[1:] if convolution.strict else self.bounds[:-1]
        inputs = np.searchsorted(convolution.inputs, all_colours)
        self.kernels = [
            tf.concat([k[a:b] for k in (here[:, first:], *reversed(left))], axis=-1)
            for a, b, first in zip(inputs[:-1], inputs[1:], self.first, strict=True)
        ]


class _Sums:
    """The outputs of a convolution at one pixel, summed up as its inputs become known.

    Args:
        convolution: of which these are the outputs.
        begun: [B, F] or [F], what is known before: bias, conditions, pixels on the left.
    """

    def __init__(self, convolution: _Convolution, begun: tf.Tensor):
        self._convolution = convolution
        self._terms = [(0, begun)]
        self.size = len(convolution.order)
        self.to_right: tf.Tensor | float = 0.0  # to the pixels on the right, [B, size // 2 * F]

    def add(self, colour: int, units: tf.Tensor) -> None:
        """Takes in the units [B, D] of a colour of the input."""
        first = int(self._convolution.first[colour])
        here = self.size - first
        made = tf.matmul(units, self._convolution.kernels[colour])
        self._terms.append((first, made[:, :here]))
        self.to_right += made[:, here:]

    def of(self, colour: int) -> tf.Tensor:
        """The outputs [B, .] of a colour, once all that they see is in."""
        a, b = self._convolution.bounds[colour : colour + 2]
        total, *later = (term[..., a - first : b - first] for first, term in self._terms)
        for term in later:
            total += term
        return total


class Pixel:
    """The pixel being drawn, colour by colour.

    Args:
        cnn: of which this is a pixel.
        begun: what each layer's horizontal convolution is added to, [B, F].
    """

    def __init__(self, cnn: "CachedPixelCNN", begun: list[tf.Tensor]):
        self._horizontal = [_Sums(c, x) for c, x in zip(cnn.horizontal, begun, strict=True)]
        self._out = [_Sums(c, c.bias) for c in cnn.out]
        self._hidden = _Sums(cnn.hidden, cnn.hidden.bias)
        self._logits = _Sums(cnn.logits, cnn.logits.bias)

    def logits(self, colour: int) -> tf.Tensor:
        """[B, classes], once the colours before are drawn."""
        residual = None
        for horizontal, out in zip(self._horizontal, self._out, strict=True):
            if residual is not None:  # the first layer reads the intensities
                horizontal.add(colour, residual)
            out.add(colour, gate(horizontal.of(colour)))
            y = out.of(colour)
            residual = y if residual is None else residual + y
        self._hidden.add(colour, tf.nn.relu(residual))
        self._logits.add(colour, tf.nn.relu(self._hidden.of(colour)))
        return self._logits.of(colour)

    def draw(self, colour: int, units: tf.Tensor) -> None:
        """Tells the embedded intensity of a colour, [B, 8]."""
        self._horizontal[0].add(colour, units)

    def cached(self, cache: PixelCache) -> PixelCache:
        """The cache for the pixel on the right, once all colours are drawn."""
        due = []
        for sums, before in zip(self._horizontal, cache.due, strict=True):
            size = sums.size
            later = tf.concat([before[:, size:], tf.zeros_like(before[:, :size])], axis=1)
            due.append(later + sums.to_right)
        return PixelCache(tuple(due))


class CachedPixelCNN:
    """A gated PixelCNN's weights, arranged for one pixel at a time.

    Make one inside the graph that uses it, outside its loops: the arranged weights are tensors.

    Args:
        pixelcnn: a built network.
        embedding: [B, h, w, .], what is known for the whole slice: the condition of the vertical
            stack, and the last units of that of the horizontal one; or None.
    """

    def __init__(self, pixelcnn: GatedPixelCNN, embedding: tf.Tensor | None):
        dtype, colours = pixelcnn.compute_dtype, pixelcnn.colours
        self._pixelcnn = pixelcnn
        self._layers = len(pixelcnn.gated)
        self._half = pixelcnn.gated[0].vertical.size // 2
        self._vertical = [
            (tf.cast(layer.vertical.kernel, dtype), tf.cast(layer.vertical.bias, dtype))
            for layer in pixelcnn.gated
        ]
        self.horizontal = [_Convolution(c.horizontal, colours, dtype) for c in pixelcnn.gated]
        self.out = [_Convolution(layer.out, colours, dtype) for layer in pixelcnn.gated]
        self.hidden = _Convolution(pixelcnn.hidden, colours, dtype)
        self.logits = _Convolution(pixelcnn.logits, colours, dtype)

        # What all horizontal convolutions are added to is made for all layers at once.
        self._biases = tf.concat([c.bias for c in self.horizontal], axis=0)
        self._order = np.concatenate(
            [i * pixelcnn.conv_channels + c.order for i, c in enumerate(self.horizontal)]
        )
        condition = tf.cast(pixelcnn.horizontal_condition.kernel, dtype)
        self._pixel_condition = tf.gather(condition, self._order, axis=-1)
        self._vertical_condition = self._horizontal_condition = None
        if embedding is not None:
            # The embedding's share of equation 5, for all pixels and layers at once.
            self._vertical_condition = pixelcnn.vertical_condition(embedding)
            first = condition.shape[0] - embedding.shape[-1]
            matrix = self._pixel_condition[first:]
            self._horizontal_condition = tf.tensordot(embedding, matrix, axes=1)  # see Dense
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
            [B, w, L * F].
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
        whole = tf.gather(tf.concat(given, axis=-1), self._order, axis=-1) + self._biases
        if self._horizontal_condition is not None:
            whole += self._horizontal_condition[:, row]
        return RowCache(tuple(above)), whole

    def start_row(self, batch: int) -> PixelCache:
        """The cache before the first pixel of a row."""
        cnn = self._pixelcnn
        nothing = tf.zeros([batch, self._half * cnn.conv_channels], cnn.compute_dtype)
        return PixelCache((nothing,) * self._layers)

    def pixel(self, cache: PixelCache, given: tf.Tensor, condition: tf.Tensor) -> Pixel:
        """Begins a pixel.

        Args:
            cache: of the pixels on its left.
            given: what begin_row made for it, [B, L * F].
            condition: the units of the horizontal condition that come before the embedding's,
                [B, .].
        """
        begun = tf.split(given + tf.matmul(condition, self._pixel_condition), self._layers, axis=-1)
        if self._half:
            size = self._pixelcnn.conv_channels
            begun = [x + due[:, :size] for x, due in zip(begun, cache.due, strict=True)]
        return Pixel(self, begun)
