"""Weights of a PixelCNN's horizontal stack, composed for one pixel and one colour at a time.

Only the gates of the stack are nonlinear. Its residual stream is the sum of the contributions of
all layers' gates so far, and the next convolution reads that sum. So the path from one layer's
gates to a later layer's convolution is linear: one matrix, the product of two, computed once for
each slice.
The stream is much wider than the gates of a layer (1280 and 64 in CelebA-HQ's network). With
composed matrices it is needed for the logits only.

All layers' channels are ordered by colour, then by layer. So everything that a colour's channels,
or a whole pixel's, contribute to later ones is one product with one matrix.

Shape letters: L layers, G channels of a gate, F channels of the convolution before it, R of the
residual stream, C colours, P pixels on the right whose filters see a pixel.
"""

import numpy as np
import tensorflow as tf

from spn_tf.gated_pixelcnn import GatedPixelCNN
from spn_tf.masked_convolution import HorizontalConvolution
from spn_tf.sampling.kernels import Kernels, Product
from spn_tf.sampling.masked_products import MaskedProduct, colour_bounds, split_by_colour


class HorizontalWeights:
    """The composed weights.

    Args:
        pixelcnn: a built network.
        kernels: of the device.

    Attributes:
        order: int [L * F]. Gathering the convolutions' outputs, layer after layer, by it orders
            them by colour, then by layer.
        bounds: int [C + 1], bounds of the colours in that order.
        within: for each colour and each layer but the last, the product from the colour's gates in
            that layer to its channels of the convolutions of all later layers.
        onward: for each colour, the product from its gates in all layers and its embedding
            channels to the channels of later colours at this pixel, then P * L * F channels: those
            of the next pixel on the right, of the one after it, and so on.
        bias: [L * F], of the convolutions at this pixel.
        right_bias: [P * L * F], contribution of a pixel's biases to the pixels on its right.
        readout: from gates to the residual stream, to `hidden`, to the logits; a ReLU follows each
            but the last.
    """

    def __init__(self, pixelcnn: GatedPixelCNN, kernels: Kernels):
        dtype = kernels.dtype
        layers, colours = len(pixelcnn.gated), pixelcnn.colours
        first = pixelcnn.gated[0]
        gates = np.tile(first.out.inputs, layers)
        out = tf.concat([_masked_kernel(layer.out)[0] for layer in pixelcnn.gated], axis=0)
        stream_biases = tf.cumsum([tf.convert_to_tensor(x.out.bias) for x in pixelcnn.gated])
        self.readout = _readout(pixelcnn, gates, out, stream_biases[-1], kernels)

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
            units, width = (b - a - pixelcnn.pixel_units) // layers, (end - begin) // layers
            later = [
                here[a + i * units : a + (i + 1) * units, begin + (i + 1) * width : end]
                for i in range(layers - 1)
            ]
            self.within.append([kernels.product(x) for x in later])
            onward = tf.concat([k[a:b] for k in (here[:, end:], *reversed(left))], axis=-1)
            self.onward.append(kernels.product(onward))


def _readout(
    pixelcnn: GatedPixelCNN,
    gates: np.ndarray,
    out: tf.Tensor,
    bias: tf.Tensor,
    kernels: Kernels,
) -> list[MaskedProduct]:
    """The products from the gates of all layers to the residual stream, and on to the logits.

    Args:
        pixelcnn: the network.
        gates: colour classes of the gates, [L * G].
        out: [L * G, R], from the gates to the stream.
        bias: [R], of the stream.
        kernels: of the device.
    """
    ascending = np.argsort(gates, kind="stable")
    colours = pixelcnn.gated[0].out.outputs
    products = [(tf.gather(out, ascending), bias, gates[ascending], colours)]
    for product in (pixelcnn.hidden, pixelcnn.logits):
        kernel = _masked_kernel(product)[0]
        products.append((kernel, product.bias, product.inputs, product.outputs))
    return [
        split_by_colour(
            tf.cast(kernel, kernels.dtype),
            tf.cast(bias, kernels.dtype),
            inputs,
            outputs,
            pixelcnn.colours,
            kernels,
        )
        for kernel, bias, inputs, outputs in products
    ]


def _composed(
    pixelcnn: GatedPixelCNN, out: tf.Tensor, stream_biases: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """The kernel and bias from all that a pixel computes to all convolutions that see it.

    The inputs are the pixel's gates of all layers, then its embedding channels of each colour.

    Args:
        pixelcnn: the network.
        out: [L * G, R], from the gates of all layers to the residual stream.
        stream_biases: [L, R], sums of the biases of the first layers up to each.

    Returns:
        The kernel, float32 [L * G + C * pixel_units, P + 1, L * F]: to the pixel P to the right,
        ..., to the next one, to the pixel itself; and the biases' contribution to the same,
        [P + 1, L * F].
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
    """The masked kernel, float32 [P + 1, inputs, outputs]; the last matrix is of the own pixel."""
    return convolution.masked_kernel()[0]
