"""Products masked by colour as dense products, one for each colour.

The channels of a pixel are ordered by colour (masked_convolution.py), and a mask hides later
colours from earlier ones. Once the channels of a colour are known, they are multiplied by the
weights of all outputs that may see them: those of the same colour (B mask) or of the next one (A
mask) onwards. So nothing is multiplied by a masked weight, and nothing is computed twice.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from spn_tf.sampling.kernels import Kernels, Product


def colour_bounds(classes: np.ndarray, colours: int) -> np.ndarray:
    """Bounds of each colour's channels, int [C + 1]: [bounds[c] : bounds[c + 1]] are of colour c.

        >>> colour_bounds(np.array([0, 0, 1, 2, 2]), colours=3)
        array([0, 2, 3, 5])

    Args:
        classes: colour classes of the channels, ascending.
        colours: C.
    """
    return np.searchsorted(classes, np.arange(colours + 1))


class MaskedProduct(NamedTuple):
    """A masked product, split by the colours of its inputs.

    Attributes:
        products: for each colour, from its inputs to the outputs that see them: all outputs from
            the first one of that colour on.
        bias: [outputs].
        bounds: int [C + 1], bounds of the colours in the outputs.
    """

    products: list[Product]
    bias: tf.Tensor
    bounds: np.ndarray


def split_by_colour(
    kernel: tf.Tensor,
    bias: tf.Tensor,
    inputs: np.ndarray,
    outputs: np.ndarray,
    colours: int,
    kernels: Kernels,
) -> MaskedProduct:
    """The masked product x kernel + bias.

    Args:
        kernel: [inputs, outputs], masked, of the kernels' dtype.
        bias: [outputs].
        inputs, outputs: colour classes of the channels, ascending.
        colours: C.
        kernels: of the device.
    """
    a, b = colour_bounds(inputs, colours), colour_bounds(outputs, colours)
    matrices = [kernel[a[i] : a[i + 1], b[i] :] for i in range(colours)]
    return MaskedProduct([kernels.product(x) for x in matrices], bias, b)


class ColourSums:
    """Channels of a pixel, ordered by colour, as sums of terms that become known one by one.

    Args:
        first_term: [B, .] or [.], known before the first colour.
        bounds: int [C + 1], bounds of the colours.
    """

    def __init__(self, first_term: tf.Tensor, bounds: np.ndarray):
        self._bounds = bounds
        self._terms = [(0, first_term)]

    def add(self, first: int, term: tf.Tensor) -> None:
        """Adds [B, .] to all channels from the first one of colour `first` on."""
        self._terms.append((int(self._bounds[first]), term))

    def of(self, colour: int) -> tf.Tensor:
        """The channels of a colour, [B, .]; call it once all their terms are added."""
        a, b = self._bounds[colour : colour + 2]
        total, *later = (term[..., a - first : b - first] for first, term in self._terms)
        for term in later:
            total += term
        return total
