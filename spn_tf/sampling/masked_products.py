"""Products within a pixel that are masked by colour, as dense ones of a colour after the other.

Units stand in the order of their colours (masked_convolution.py). A colour's are multiplied, as
soon as they are known, with what reads them: outputs of that colour, or the next, and all later.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from spn_tf.sampling.cpu_kernels.few_rows import Product, product_with


def colour_bounds(classes: np.ndarray, colours: int) -> np.ndarray:
    """int [C + 1]: units [bounds[c] : bounds[c + 1]] are of colour c, if `classes` ascend."""
    return np.searchsorted(classes, np.arange(colours + 1))


class MaskedProduct(NamedTuple):
    """A masked product taken apart by the colours of its inputs.

    Attributes:
        products: for each colour from its inputs to the outputs that see them: those from its first
            on.
        bias: [outputs].
        bounds: int [C + 1], of the colours in the outputs.
    """

    products: list[Product]
    bias: tf.Tensor
    bounds: np.ndarray


def take_apart(
    kernel: tf.Tensor,
    bias: tf.Tensor,
    inputs: np.ndarray,
    outputs: np.ndarray,
    colours: int,
    network_dtype: str,
) -> MaskedProduct:
    """The masked product x kernel + bias.

    Args:
        kernel: [inputs, outputs].
        bias: [outputs].
        inputs, outputs: colour classes of the units, ascending.
        colours: C.
        network_dtype: as product_with's.
    """
    a, b = colour_bounds(inputs, colours), colour_bounds(outputs, colours)
    matrices = [kernel[a[i] : a[i + 1], b[i] :] for i in range(colours)]
    return MaskedProduct([product_with(x, network_dtype) for x in matrices], bias, b)


class ColourSums:
    """Numbers of a pixel, in the order of their colours, that are summed up as colours get known.

    Args:
        begun: [B, .] or [.], what is known before.
        bounds: int [C + 1], of the colours.
    """

    def __init__(self, begun: tf.Tensor, bounds: np.ndarray):
        self._bounds = bounds
        self._terms = [(0, begun)]

    def add(self, first: int, term: tf.Tensor) -> None:
        """Adds [B, .] to the numbers from the first of colour `first` on."""
        self._terms.append((int(self._bounds[first]), term))

    def of(self, colour: int) -> tf.Tensor:
        """A colour's numbers, [B, .], once all that they see is in."""
        a, b = self._bounds[colour : colour + 2]
        total, *later = (term[..., a - first : b - first] for first, term in self._terms)
        for term in later:
            total += term
        return total
