"""The gated PixelCNN one pixel at a time, with nothing computed twice.

The vertical stack runs once for each row, over the rows that its filters still reach. In the
horizontal stack the convolutions read the residual stream as it is, and the stream is the sum of
what the gates of the layers give to it. So what a layer's gates give to a later layer is one
matrix, the product of two; the stream, which is much wider than they are, is needed for the logits
alone.

Once a colour is drawn, all of its units are multiplied with what reads them: the later colours of
the pixel, and the pixels on the right. What is summed up so waits for its turn. Masked products
come apart into dense ones, as units are put in the order of their colours, then of their layers.

Shape letters: B images, w pixels in a row, L layers, G units of a gate, F of the convolution before
it, P pixels on the left, or rows above, that a filter sees.
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
        above: the last rows of each vertical convolution's input, [B, P, w, .].
    """

    above: tuple[tf.Tensor, ...]


class PixelCache(NamedTuple):
    """What the horizontal stack keeps from pixel to pixel of a row.

    Attributes:
        due: what the pixels on the left give to the convolutions of this one and of those after
            it, [B, P * L * F].
    """

    due: tf.Tensor


def _masked_kernel(convolution: HorizontalConvolution) -> tf.Tensor:
    """float32 [P + 1, inputs, outputs]; the last matrix is this pixel's."""
    return (tf.convert_to_tensor(convolution.kernel) * tf.constant(convolution.mask))[0]


class _Product(NamedTuple):
    """A masked product within a pixel, taken apart by the colours of its input.

    Attributes:
        matrices: for each colour [its units, the outputs that see it]: those from its first on.
        bias: [outputs].
        bounds: int [C + 1]; a colour's outputs are [bounds[colour] : bounds[colour + 1]].
    """

    matrices: list[tf.Tensor]
    bias: tf.Tensor
    bounds: np.ndarray


class _Sums:
    """Numbers of a pixel, in the order of their colours, that are summed up as colours get known.

    Args:
        begun: [B, .] or [.], what is known before.
        bounds: as those of _Product.
    """

    def __init__(self, begun: tf.Tensor, bounds: np.ndarray):
        self._bounds = bounds
        self._terms = [(0, begun)]

    def add(self, first: int, term: tf.Tensor) -> None:
        """Adds [B, .] to the numbers from `first` on."""
        self._terms.append((first, term))

    def add_product(self, product: _Product, colour: int, units: tf.Tensor) -> None:
        """Adds what a colour's units, [B, .], give."""
        self.add(int(self._bounds[colour]), tf.matmul(units, product.matrices[colour]))

    def of(self, colour: int) -> tf.Tensor:
        """A colour's numbers, [B, .], once all that they see is in."""
        a, b = self._bounds[colour : colour + 2]
        total, *later = (term[..., a - first : b - first] for first, term in self._terms)
        for term in later:
            total += term
        return total


class Pixel:
    """The pixel being drawn, colour by colour.

    Args:
        cnn: of which this is a pixel.
        begun: what its horizontal convolutions are added to, [B, L * F].
    """

    def __init__(self, cnn: "CachedPixelCNN", begun: tf.Tensor):
        self._cnn = cnn
        self._convolutions = _Sums(begun, cnn.bounds)
        self._products = [
            (p, _Sums(p.bias, p.bounds)) for p in (cnn.stream, cnn.hidden, cnn.logits)
        ]
        self._to_right = cnn.right_bias

    def logits(self, colour: int) -> tf.Tensor:
        """[B, classes], once the colours before are drawn."""
        matrices = self._cnn.within[colour]
        gates: list[tf.Tensor] = []
        begun = tf.split(self._convolutions.of(colour), len(matrices), axis=-1)
        for x, matrix in zip(begun, matrices, strict=True):
            if gates:
                x += tf.matmul(tf.concat(gates, axis=-1), matrix)
            gates.append(gate(x))
        units = self._gates = tf.concat(gates, axis=-1)
        for product, sums in self._products:
            sums.add_product(product, colour, units)
            made = sums.of(colour)
            units = tf.nn.relu(made)
        return made

    def draw(self, colour: int, units: tf.Tensor) -> None:
        """Tells the embedded intensity of a colour, [B, 8], after its logits."""
        first = int(self._cnn.bounds[colour + 1])
        here = int(self._cnn.bounds[-1]) - first
        known = tf.concat([self._gates, units], axis=-1)
        made = tf.matmul(known, self._cnn.given[colour])
        self._convolutions.add(first, made[:, :here])
        self._to_right += made[:, here:]

    def cached(self, cache: PixelCache) -> PixelCache:
        """The cache for the pixel on the right, once all colours are drawn."""
        size = int(self._cnn.bounds[-1])
        later = tf.concat([cache.due[:, size:], tf.zeros_like(cache.due[:, :size])], axis=1)
        return PixelCache(later + self._to_right)


class CachedPixelCNN:
    """A gated PixelCNN's weights, arranged for one pixel at a time.

    Make one inside the graph that uses it, outside its loops: the arranged weights are tensors.

    Args:
        pixelcnn: a built network.
        embedding: [B, h, w, .], what is known for the whole slice: the condition of the vertical
            stack, and the last units of that of the horizontal one; or None.

    Attributes:
        bounds: int [C + 1], of the colours in the outputs of all horizontal convolutions.
        within: for each colour and layer, [the colour's gates in the layers before, its outputs of
            the layer's convolution]; the first layer's is empty.
        given: for each colour, [its gates in all layers and its 8 units, (outputs of later colours)
            + P * L * F]: what it gives to this pixel, the next, and so on.
        right_bias: [P * L * F], what the biases alone of a pixel give to those on the right.
        stream, hidden, logits: from the gates of a colour to the residual stream, and on.
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
        outputs = np.tile(pixelcnn.gated[0].horizontal.outputs, self._layers)
        self._order = np.argsort(outputs, kind="stable")
        self.bounds = np.searchsorted(outputs[self._order], np.arange(colours + 1))
        self._arrange_horizontal()
        self.hidden = self._product(pixelcnn.hidden)
        self.logits = self._product(pixelcnn.logits)

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

    def _arrange_horizontal(self) -> None:
        cnn, layers, dtype = self._pixelcnn, self._layers, self._pixelcnn.compute_dtype
        colours = np.arange(cnn.colours + 1)
        first_layer, *later_layers = cnn.gated
        gate_units = len(first_layer.out.inputs)
        out = tf.concat([_masked_kernel(layer.out)[0] for layer in cnn.gated], axis=0)
        out_biases = tf.cumsum([tf.convert_to_tensor(layer.out.bias) for layer in cnn.gated])

        # From all gates, then the pixel's 8 units of each colour, to this pixel's convolutions and
        # those of the P pixels on the right, [L * G + C * 8, P + 1, L * F].
        pixels = tf.transpose(_masked_kernel(first_layer.horizontal), [1, 0, 2])
        columns = [tf.pad(pixels, [[layers * gate_units, 0], [0, 0], [0, 0]])]
        biases = [tf.pad(first_layer.horizontal.bias[None], [[self._half, 0], [0, 0]])]
        for i, layer in enumerate(later_layers, start=1):
            kernel, before = _masked_kernel(layer.horizontal), i * gate_units
            made = tf.tensordot(out[:before], kernel, axes=[[1], [1]])
            rest = (layers - i) * gate_units + pixels.shape[0]
            columns.append(tf.pad(made, [[0, rest], [0, 0], [0, 0]]))
            bias = tf.tensordot(out_biases[i - 1], kernel, axes=[[0], [1]])
            biases.append(bias + tf.pad(layer.horizontal.bias[None], [[self._half, 0], [0, 0]]))
        gates = np.tile(first_layer.out.inputs, layers)
        inputs = np.concatenate([gates, first_layer.horizontal.inputs])
        rows = np.argsort(inputs, kind="stable")
        whole = tf.gather(tf.concat(columns, axis=-1), rows, axis=0)
        *left, here = tf.unstack(tf.gather(whole, self._order, axis=-1), axis=1)
        *left_bias, self._bias = tf.unstack(
            tf.cast(tf.gather(tf.concat(biases, axis=-1), self._order, axis=-1), dtype)
        )
        self.right_bias = tf.concat([*reversed(left_bias), tf.zeros([0], dtype)], axis=0)

        self.within, self.given = [], []
        of_colours = np.searchsorted(inputs[rows], colours)
        for a, b, c, d in zip(
            of_colours[:-1], of_colours[1:], self.bounds[:-1], self.bounds[1:], strict=True
        ):
            units, width = (b - a - PIXEL_UNITS) // layers, (d - c) // layers
            self.within.append(
                [
                    tf.cast(here[a : a + i * units, c + i * width : c + (i + 1) * width], dtype)
                    for i in range(layers)
                ]
            )
            given = tf.concat([k[a:b] for k in (here[:, d:], *reversed(left))], axis=-1)
            self.given.append(tf.cast(given, dtype))
        self.stream = self._taken_apart(
            tf.gather(out, np.argsort(gates, kind="stable"), axis=0),
            out_biases[-1],
            np.sort(gates),
            first_layer.out.outputs,
        )

    def _product(self, convolution: HorizontalConvolution) -> _Product:
        return self._taken_apart(
            _masked_kernel(convolution)[0],
            convolution.bias,
            convolution.inputs,
            convolution.outputs,
        )

    def _taken_apart(
        self, kernel: tf.Tensor, bias: tf.Tensor, inputs: np.ndarray, outputs: np.ndarray
    ) -> _Product:
        dtype, colours = self._pixelcnn.compute_dtype, np.arange(self._pixelcnn.colours + 1)
        a, b = np.searchsorted(inputs, colours), np.searchsorted(outputs, colours)
        matrices = [
            tf.cast(kernel[a[i] : a[i + 1], b[i] :], dtype) for i in range(self._pixelcnn.colours)
        ]
        return _Product(matrices, tf.cast(bias, dtype), b)

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
        whole = tf.gather(tf.concat(given, axis=-1), self._order, axis=-1) + self._bias
        if self._horizontal_condition is not None:
            whole += self._horizontal_condition[:, row]
        return RowCache(tuple(above)), whole

    def start_row(self, batch: int) -> PixelCache:
        """The cache before the first pixel of a row."""
        size = self._half * self._layers * self._pixelcnn.conv_channels
        return PixelCache(tf.zeros([batch, size], self._pixelcnn.compute_dtype))

    def pixel(self, cache: PixelCache, given: tf.Tensor, condition: tf.Tensor) -> Pixel:
        """Begins a pixel.

        Args:
            cache: of the pixels on its left.
            given: what begin_row made for it, [B, L * F].
            condition: the units of the horizontal condition that come before the embedding's,
                [B, .].
        """
        begun = given + tf.matmul(condition, self._pixel_condition)
        if self._half:
            begun += cache.due[:, : begun.shape[-1]]
        return Pixel(self, begun)
