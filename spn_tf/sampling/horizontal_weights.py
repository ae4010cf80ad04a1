"""The weights of a PixelCNN's horizontal stack, composed for one pixel, one colour at a time.

Its convolutions read the residual stream as it is, and the stream is the sum of what the gates of
the layers give to it. So what a layer's gates give to a later layer is one matrix, the product of
two; the stream, which is much wider than they are, is needed for the logits alone.

What a colour's units, or a pixel's, give to all that reads them stands in one matrix, as units are
put in the order of their colours, then of their layers.

Shape letters: L layers, G units of a gate, F of the convolution before it, R of the residual
stream, C colours, P pixels on the right whose filters see a pixel.
"""

import numpy as np
import tensorflow as tf

from spn_tf.config import PIXEL_UNITS
from spn_tf.gated_pixelcnn import GatedPixelCNN
from spn_tf.masked_convolution import HorizontalConvolution
from spn_tf.sampling.cpu_kernels.few_rows import Product, product_with
from spn_tf.sampling.masked_products import MaskedProduct, colour_bounds, take_apart


class HorizontalWeights:
    """The composed weights.

    Args:
        pixelcnn: a built network.
        dtype: of the weights.

    Attributes:
        order: int [L * F], of the outputs of all convolutions: colours, then layers.
        bounds: int [C + 1], of the colours in that order.
        within: for each colour and layer but the last, from the colour's gates in the layer to its
            outputs of the convolutions of later layers.
        onward: for each colour, from its gates in all layers and its 8 units to (outputs of later
            colours) + P * L * F: what it gives to this pixel, the next, and so on.
        bias: [L * F], of the convolutions at this pixel.
        right_bias: [P * L * F], what the biases alone of a pixel give to those on the right.
        readout: from gates to the residual stream, and, each after a ReLU, on to the logits.
    """

    def __init__(self, pixelcnn: GatedPixelCNN, dtype: str):
        layers, colours = len(pixelcnn.gated), pixelcnn.colours
        first = pixelcnn.gated[0]
        gates = np.tile(first.out.inputs, layers)
        out = tf.concat([_masked_kernel(layer.out)[0] for layer in pixelcnn.gated], axis=0)
        stream_biases = tf.cumsum([tf.convert_to_tensor(x.out.bias) for x in pixelcnn.gated])
        self.readout = _readout(pixelcnn, gates, out, stream_biases[-1], dtype)

        outputs = np.tile(first.horizontal.outputs, layers)
        self.order = np.argsort(outputs, kind="stable")
        self.bounds = colour_bounds(outputs[self.order], colours)
        inputs = np.concatenate([gates, first.horizontal.inputs])
        rows = np.argsort(inputs, kind="stable")
        kernel, bias = _composed(pixelcnn, out, stream_biases)
        kernel = tf.gather(tf.gather(kernel, rows, axis=0), self.order, axis=-1)
        *left, here = tf.unstack(tf.cast(kernel, dtype), axis=1)
        *left_bias, self.bias = tf.unstack(tf.cast(tf.gather(bias, self.order, axis=-1), dtype))
        self.right_bias = tf.concat([*reversed(left_bias), tf.zeros([0], dtype)], axis=0)

        self.within: list[list[Product]] = []
        self.onward: list[Product] = []
        rows_of = colour_bounds(inputs[rows], colours)
        for c in range(colours):
            (a, b), (begin, end) = rows_of[c : c + 2], self.bounds[c : c + 2]
            units, width = (b - a - PIXEL_UNITS) // layers, (end - begin) // layers
            later = [
                here[a + i * units : a + (i + 1) * units, begin + (i + 1) * width : end]
                for i in range(layers - 1)
            ]
            self.within.append([product_with(x, pixelcnn.compute_dtype) for x in later])
            onward = tf.concat([k[a:b] for k in (here[:, end:], *reversed(left))], axis=-1)
            self.onward.append(product_with(onward, pixelcnn.compute_dtype))


def _readout(
    pixelcnn: GatedPixelCNN, gates: np.ndarray, out: tf.Tensor, bias: tf.Tensor, dtype: str
) -> list[MaskedProduct]:
    """From the gates of all layers, of colours `gates`, to the stream, and on to the logits."""
    ascending = np.argsort(gates, kind="stable")
    colours = pixelcnn.gated[0].out.outputs
    products = [(tf.gather(out, ascending), bias, gates[ascending], colours)]
    for product in (pixelcnn.hidden, pixelcnn.logits):
        kernel = _masked_kernel(product)[0]
        products.append((kernel, product.bias, product.inputs, product.outputs))
    return [
        take_apart(
            tf.cast(kernel, dtype),
            tf.cast(bias, dtype),
            inputs,
            outputs,
            pixelcnn.colours,
            pixelcnn.compute_dtype,
        )
        for kernel, bias, inputs, outputs in products
    ]


def _composed(
    pixelcnn: GatedPixelCNN, out: tf.Tensor, stream_biases: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """From all gates of a pixel, then its 8 units of each colour, to all convolutions.

    Args:
        pixelcnn: the network.
        out: [L * G, R], from the gates of all layers to the residual stream.
        stream_biases: [L, R], what the biases of the first layers, up to each, give to it.

    Returns:
        float32 [L * G + C * 8, P + 1, L * F], of the pixel that is P to the right, ..., of itself;
        and what the biases give to them, [P + 1, L * F].
    """
    first, *later = pixelcnn.gated
    gates = len(first.out.inputs)
    left = first.horizontal.left

    def own_bias(convolution: HorizontalConvolution) -> tf.Tensor:
        return tf.pad(convolution.bias[None], [[left, 0], [0, 0]])

    pixels = tf.transpose(_masked_kernel(first.horizontal), [1, 0, 2])
    kernels = [tf.pad(pixels, [[out.shape[0], 0], [0, 0], [0, 0]])]
    biases = [own_bias(first.horizontal)]
    for i, layer in enumerate(later, start=1):
        kernel = _masked_kernel(layer.horizontal)
        composed = tf.tensordot(out[: i * gates], kernel, axes=[[1], [1]])
        unseen = out.shape[0] - i * gates + pixels.shape[0]
        kernels.append(tf.pad(composed, [[0, unseen], [0, 0], [0, 0]]))
        bias = tf.tensordot(stream_biases[i - 1], kernel, axes=[[0], [1]])
        biases.append(bias + own_bias(layer.horizontal))
    return tf.concat(kernels, axis=-1), tf.concat(biases, axis=-1)


def _masked_kernel(convolution: HorizontalConvolution) -> tf.Tensor:
    """float32 [P + 1, inputs, outputs]; the last matrix is this pixel's."""
    return (tf.convert_to_tensor(convolution.kernel) * tf.constant(convolution.mask))[0]
