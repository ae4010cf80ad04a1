"""The gated PixelCNN one pixel at a time, with nothing computed twice.

The vertical stack runs once for each row, over the rows above that its filters still reach. Of the
horizontal stack only the gates are computed one after another, from composed weights
(horizontal_weights.py). Once a colour is drawn, its channels are multiplied at once by the weights
of everything that sees them: the later colours of the pixel, and the pixels on the right. Those
contributions wait, as sums, for the pixel that they belong to.

Shape letters: B images, w pixels in a row, L layers, F channels of the convolution before a gate,
P pixels on the left, or rows above, that a filter sees.
"""

import tensorflow as tf

from spn_tf.convolution import convolution
from spn_tf.gated_pixelcnn import GatedPixelCNN, gate
from spn_tf.sampling.horizontal_weights import HorizontalWeights
from spn_tf.sampling.kernels import Kernels, Product
from spn_tf.sampling.masked_products import ColourSums

# The last rows of each vertical convolution's input, [B, P, w, .].
RowCache = tuple[tf.Tensor, ...]


class Pixel:
    """The pixel being drawn, colour by colour: `readout(0)`, `draw(0, .)`, `readout(1)`, ...

    Args:
        weights: of the horizontal stack.
        convolutions: [B, L * F], the convolutions' outputs as far as they depend on earlier pixels
            and on conditions.
    """

    def __init__(self, weights: HorizontalWeights, convolutions: tf.Tensor):
        self._weights = weights
        self._convolutions = ColourSums(convolutions, weights.bounds)
        self._readout = [(p, ColourSums(p.bias, p.bounds)) for p in weights.readout]
        self._to_right = weights.right_bias

    def readout(self, colour: int) -> tf.Tensor:
        """Parameters of a colour's distribution, such as logits, [B, .].

        Call it once the colours before are drawn.
        """
        later = self._weights.within[colour]
        remaining = self._convolutions.of(colour)  # of all layers; then of those still to come
        width = remaining.shape[-1] // (len(later) + 1)
        gates = [gate(remaining[:, :width])]
        for product in later:
            remaining = remaining[:, width:] + product(gates[-1])
            gates.append(gate(remaining[:, :width]))
        units = self._gates = tf.concat(gates, axis=-1)
        for masked, sums in self._readout:
            sums.add(colour, masked.products[colour](units))
            read = sums.of(colour)
            units = tf.nn.relu(read)
        return read

    def draw(self, colour: int, units: tf.Tensor) -> None:
        """Passes on the embedded intensity of a colour, [B, pixel_units].

        Call it after `readout`.
        """
        bounds = self._weights.bounds
        here = int(bounds[-1] - bounds[colour + 1])
        known = tf.concat([self._gates, units], axis=-1)
        onward = self._weights.onward[colour](known)
        self._convolutions.add(colour + 1, onward[:, :here])
        self._to_right += onward[:, here:]

    def pending_after(self, pending: tf.Tensor) -> tf.Tensor:
        """The sums that wait for the pixels on the right, once all colours are drawn.

        Args:
            pending: those that waited for this pixel and the ones after it, [B, P * L * F].
        """
        size = int(self._weights.bounds[-1])
        later = tf.concat([pending[:, size:], tf.zeros_like(pending[:, :size])], axis=1)
        return later + self._to_right


class CachedPixelCNN:
    """A gated PixelCNN for one pixel at a time.

    The constructor casts and arranges the weights. So construct it inside the graph that uses it,
    but outside the graph's loops.

    Args:
        pixelcnn: a built network.
        embedding: the slice embedding [B, h, w, .], or None. It is known for the whole slice. It is
            the condition of the vertical stack, and the last channels of the horizontal one's.
        kernels: of the device.
    """

    def __init__(self, pixelcnn: GatedPixelCNN, embedding: tf.Tensor | None, kernels: Kernels):
        dtype = self._dtype = kernels.dtype
        self._pixelcnn = pixelcnn
        self._layers = len(pixelcnn.gated)
        self._half = pixelcnn.gated[0].vertical.size // 2
        self._vertical = [
            (tf.cast(layer.vertical.kernel, dtype), tf.cast(layer.vertical.bias, dtype))
            for layer in pixelcnn.gated
        ]
        self._horizontal = HorizontalWeights(pixelcnn, kernels)
        self._vertical_condition = self._horizontal_condition = None
        self._pixel_condition: Product | None = None
        if not pixelcnn.horizontal_condition.built:
            return
        condition = tf.cast(pixelcnn.horizontal_condition.kernel, dtype)
        condition = tf.gather(condition, self._horizontal.order, axis=-1)
        if embedding is not None:
            # The embedding's share of equation 5, for all pixels and layers at once.
            self._vertical_condition = tf.cast(pixelcnn.vertical_condition(embedding), dtype)
            before = condition.shape[0] - embedding.shape[-1]
            condition, of_embedding = condition[:before], condition[before:]
            # One product of two matrices, see Dense.
            self._horizontal_condition = tf.tensordot(embedding, of_embedding, axes=1)
        if condition.shape[0]:
            self._pixel_condition = kernels.product(condition)

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
            cache: of the rows above.
            row: int32 scalar.
            units_above: embedded intensities of the row above, [B, w, C * pixel_units]; zeros for
                row 0.

        Returns:
            The cache for the row below; and the row's contribution to the horizontal convolutions,
            [B, w, L * F], with their biases and the embedding's share of their conditions.
        """
        conditions = None
        if self._vertical_condition is not None:
            conditions = tf.split(self._vertical_condition[:, row], self._layers, axis=-1)
        padding = [(0, 0), (self._half, self._half)]
        above, to_horizontal = [], []
        x = units_above[:, None]
        for i, layer in enumerate(self._pixelcnn.gated):
            rows = tf.concat([cache[i], x], axis=1)
            above.append(rows[:, 1:])
            kernel, bias = self._vertical[i]
            v = convolution(rows, kernel, padding) + bias
            if conditions is not None:
                v += conditions[i][:, None]
            to_horizontal.append(tf.cast(layer.vertical_to_horizontal(v)[:, 0], self._dtype))
            x = gate(v)
        weights = self._horizontal
        contribution = tf.gather(tf.concat(to_horizontal, axis=-1), weights.order, axis=-1)
        contribution += weights.bias
        if self._horizontal_condition is not None:
            contribution += self._horizontal_condition[:, row]
        return tuple(above), contribution

    def start_row(self, batch: int) -> tf.Tensor:
        """Zeros, [B, P * L * F]: the sums that wait for the first pixel of a row and the next ones.

        They are the contributions of the pixels on the left to the horizontal convolutions of the
        next pixel, then of the one after it, and so on.
        """
        size = self._half * self._layers * self._pixelcnn.conv_channels
        return tf.zeros([batch, size], self._dtype)

    def pixel(self, pending: tf.Tensor, row_share: tf.Tensor, condition: tf.Tensor | None) -> Pixel:
        """Begins a pixel.

        Args:
            pending: the sums that wait for it, see start_row.
            row_share: the row's contribution at this pixel, see begin_row, [B, L * F].
            condition: [B, .], the channels of the horizontal condition before the embedding's, if
                there are any.
        """
        convolutions = row_share
        if self._pixel_condition is not None and condition is not None:
            convolutions += self._pixel_condition(condition)
        if self._half:
            convolutions += pending[:, : convolutions.shape[-1]]
        return Pixel(self._horizontal, convolutions)
