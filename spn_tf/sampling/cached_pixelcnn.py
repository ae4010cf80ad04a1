"""The gated PixelCNN one pixel at a time, with nothing computed twice.

The vertical stack runs once for each row, over the rows that its filters still reach. Of the
horizontal stack (horizontal_weights.py) only the gates are computed one after another. Once a
colour is drawn, all of its units are multiplied with what reads them: the later colours of the
pixel, and the pixels on the right. What is summed up so waits for its turn.

Shape letters: B images, w pixels in a row, L layers, F units of the convolution before a gate,
P pixels on the left, or rows above, that a filter sees.
"""

import tensorflow as tf

from spn_tf.gated_pixelcnn import GatedPixelCNN, gate
from spn_tf.sampling.cpu_kernels.few_rows import product_with
from spn_tf.sampling.horizontal_weights import HorizontalWeights
from spn_tf.sampling.masked_products import ColourSums

# The last rows of each vertical convolution's input, [B, P, w, .].
RowCache = tuple[tf.Tensor, ...]


class Pixel:
    """The pixel being drawn, colour by colour.

    Args:
        weights: of the horizontal stack.
        begun: what its convolutions are added to, [B, L * F].
    """

    def __init__(self, weights: HorizontalWeights, begun: tf.Tensor):
        self._weights = weights
        self._convolutions = ColourSums(begun, weights.bounds)
        self._readout = [(p, ColourSums(p.bias, p.bounds)) for p in weights.readout]
        self._to_right = weights.right_bias

    def logits(self, colour: int) -> tf.Tensor:
        """[B, classes], once the colours before are drawn."""
        later = self._weights.within[colour]
        begun = self._convolutions.of(colour)
        width = begun.shape[-1] // (len(later) + 1)
        gates = [gate(begun[:, :width])]
        for product in later:
            begun = begun[:, width:] + product(gates[-1])
            gates.append(gate(begun[:, :width]))
        units = self._gates = tf.concat(gates, axis=-1)
        for masked, sums in self._readout:
            sums.add(colour, masked.products[colour](units))
            made = sums.of(colour)
            units = tf.nn.relu(made)
        return made

    def draw(self, colour: int, units: tf.Tensor) -> None:
        """Tells the embedded intensity of a colour, [B, 8], after its logits."""
        bounds = self._weights.bounds
        here = int(bounds[-1] - bounds[colour + 1])
        known = tf.concat([self._gates, units], axis=-1)
        made = self._weights.onward[colour](known)
        self._convolutions.add(colour + 1, made[:, :here])
        self._to_right += made[:, here:]

    def due_after(self, due: tf.Tensor) -> tf.Tensor:
        """Due at the pixel on the right, from that at this one, once all colours are drawn."""
        size = int(self._weights.bounds[-1])
        later = tf.concat([due[:, size:], tf.zeros_like(due[:, :size])], axis=1)
        return later + self._to_right


class CachedPixelCNN:
    """A gated PixelCNN's weights, arranged for one pixel at a time.

    Make one inside the graph that uses it, outside its loops: the arranged weights are tensors.

    Args:
        pixelcnn: a built network.
        embedding: [B, h, w, .], what is known for the whole slice: the condition of the vertical
            stack, and the last units of that of the horizontal one; or None.
        dtype: of the arithmetic.
    """

    def __init__(self, pixelcnn: GatedPixelCNN, embedding: tf.Tensor | None, dtype: str):
        self._dtype = dtype
        self._pixelcnn = pixelcnn
        self._layers = len(pixelcnn.gated)
        self._half = pixelcnn.gated[0].vertical.size // 2
        self._vertical = [
            (tf.cast(layer.vertical.kernel, dtype), tf.cast(layer.vertical.bias, dtype))
            for layer in pixelcnn.gated
        ]
        self._horizontal = HorizontalWeights(pixelcnn, dtype)
        condition = tf.cast(pixelcnn.horizontal_condition.kernel, dtype)
        condition = tf.gather(condition, self._horizontal.order, axis=-1)
        self._vertical_condition = self._horizontal_condition = None
        if embedding is not None:
            # The embedding's share of equation 5, for all pixels and layers at once.
            self._vertical_condition = tf.cast(pixelcnn.vertical_condition(embedding), dtype)
            condition, whole = tf.split(condition, [-1, embedding.shape[-1]])
            self._horizontal_condition = tf.tensordot(embedding, whole, axes=1)  # see Dense
        self._pixel_condition = product_with(condition, pixelcnn.compute_dtype)

    def start(self, batch: int, width: int) -> RowCache:
        """The cache before the first row."""
        cnn = self._pixelcnn
        inputs = [layer.vertical.kernel.shape[2] for layer in cnn.gated]
        return tuple(tf.zeros([batch, self._half, width, d], self._dtype) for d in inputs)

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
            seen = tf.concat([cache[i], x], axis=1)
            above.append(seen[:, 1:])
            kernel, bias = self._vertical[i]
            v = tf.nn.conv2d(seen, kernel, 1, padding) + bias
            if conditions is not None:
                v += conditions[i][:, None]
            given.append(tf.cast(layer.vertical_to_horizontal(v)[:, 0], self._dtype))
            x = gate(v)
        weights = self._horizontal
        whole = tf.gather(tf.concat(given, axis=-1), weights.order, axis=-1) + weights.bias
        if self._horizontal_condition is not None:
            whole += self._horizontal_condition[:, row]
        return tuple(above), whole

    def start_row(self, batch: int) -> tf.Tensor:
        """What is due before the first pixel of a row, [B, P * L * F].

        That is what the pixels on the left give to the convolutions of a pixel, then to those of
        the pixels after it.
        """
        size = self._half * self._layers * self._pixelcnn.conv_channels
        return tf.zeros([batch, size], self._dtype)

    def pixel(self, due: tf.Tensor, given: tf.Tensor, condition: tf.Tensor) -> Pixel:
        """Begins a pixel.

        Args:
            due: at it, as start_row's.
            given: what begin_row made for it, [B, L * F].
            condition: the units of the horizontal condition that come before the embedding's,
                [B, .].
        """
        begun = given + self._pixel_condition(condition)
        if self._half:
            begun += due[:, : begun.shape[-1]]
        return Pixel(self._horizontal, begun)
