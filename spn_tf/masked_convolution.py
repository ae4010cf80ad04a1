"""Convolutions masked to earlier pixels, and to earlier colours of the current pixel.

Every unit of a feature map belongs to one colour class. Units of classes R, G and B follow each
other along the channel axis, and each class feeds the logits of its colour alone.

At the current pixel, a "B" mask lets a class see itself and earlier classes. An "A" mask lets it
see earlier classes only; it is for the first layer, which reads the intensities. Units of earlier
pixels are seen by every class (van den Oord et al., 2016b, section 3.4).
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from cascade_tf.serializable_layer import SerializableLayer
from spn_tf.convolution import convolution
from spn_tf.shapes import Shape


def colour_classes(units: int, colours: int) -> np.ndarray:
    """The colour class of each of `units` units, int [units], ascending.

    Classes are as equal in size as possible: a width need not be divisible by three.

    Example:
        >>> colour_classes(units=5, colours=3).tolist()
        [0, 0, 1, 1, 2]
    """
    return np.arange(units) * colours // units


def colour_mask(inputs: np.ndarray, outputs: np.ndarray, strict: bool) -> np.ndarray:
    """float32 [len(inputs), len(outputs)]: 1 where an output unit may see an input unit.

    Args:
        inputs: classes of the input units.
        outputs: classes of the output units.
        strict: "A" mask, by which a colour does not see itself; else "B".

    Example:
        >>> colour_mask(np.arange(3), np.arange(3), strict=True).tolist()
        [[0.0, 1.0, 1.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]
    """
    allowed = np.less if strict else np.less_equal
    return allowed(inputs[:, None], outputs[None, :]).astype(np.float32)


class VerticalConvolution(SerializableLayer):
    """Convolution over the current row and those above it, [B, h, w, D] to [B, h, w, filters].

    Of a filter of k x k, the rows below the centre are left out, in place of a mask.

    Args:
        filters: units of the output.
        size: filter size k, odd.

    Example:
        >>> VerticalConvolution(filters=6, size=3)(tf.zeros([2, 4, 5, 3])).shape
        TensorShape([2, 4, 5, 6])
    """

    def __init__(self, filters: int, size: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.filters = filters
        self.size = size

    def build(self, input_shape: Shape) -> None:
        if self.built:
            return
        rows = (self.size + 1) // 2
        self.kernel = self.add_weight(
            shape=(rows, self.size, input_shape[-1], self.filters),
            initializer=keras.initializers.LecunNormal(),
            name="kernel",
        )
        self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        half = self.size // 2
        padding = [(half, 0), (half, half)]
        return convolution(x, tf.convert_to_tensor(self.kernel), padding) + self.bias

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.filters)


class HorizontalConvolution(SerializableLayer):
    """Convolution over the current pixel, masked by colour, and the pixels on its left.

    [B, h, w, D] to [B, h, w, len(outputs)]. With size 1 it is a masked 1x1 convolution.

    Args:
        size: filter size k, odd; it covers the current pixel and (k - 1) / 2 on its left.
        inputs, outputs: colour classes of the units.
        strict: "A" mask at the current pixel (first layer), else "B".
        initializer: of the kernel; LeCun's by default.

    Example:
        >>> intensities, units = colour_classes(3, 3), colour_classes(6, 3)
        >>> layer = HorizontalConvolution(3, intensities, units, strict=True)
        >>> layer(tf.zeros([2, 4, 5, 3])).shape
        TensorShape([2, 4, 5, 6])
    """

    def __init__(
        self,
        size: int,
        inputs: np.ndarray,
        outputs: np.ndarray,
        strict: bool = False,
        initializer: keras.initializers.Initializer | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.size, self.strict = size, strict
        self.inputs, self.outputs = np.asarray(inputs), np.asarray(outputs)
        self.filters = len(self.outputs)
        self.left = size // 2
        self.initializer = keras.initializers.get(initializer) or keras.initializers.LecunNormal()

    def build(self, input_shape: Shape) -> None:
        if self.built:
            return
        self.kernel = self.add_weight(
            shape=(1, self.left + 1, len(self.inputs), self.filters),
            initializer=self.initializer,
            name="kernel",
        )
        self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")
        # A function takes tensors that were made outside of it as arguments. As constants they
        # would be folded to a whole mask in each layer, 1.6 MB at the paper's width.
        with tf.init_scope():
            self._classes = tf.constant(self.inputs), tf.constant(self.outputs)
        self.built = True

    def masked_kernel(self) -> tf.Tensor:
        """The kernel, [1, taps, inputs, outputs], zero where an output may not see an input."""
        kernel = tf.convert_to_tensor(self.kernel)
        inputs, outputs = self._classes[0][:, None], self._classes[1]
        seen = inputs < outputs if self.strict else inputs <= outputs
        is_current = (tf.range(self.left + 1) == self.left)[:, None, None]
        masked = tf.where(seen | ~is_current, kernel, tf.zeros_like(kernel))
        return tf.reshape(masked, kernel.shape)  # for converters, which lose the shape in loops

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return convolution(x, self.masked_kernel(), [(0, 0), (self.left, 0)]) + self.bias

    @property
    def mask(self) -> np.ndarray:
        """1 where an output unit may see an input unit, float32 of the kernel's shape."""
        mask = np.ones((1, self.left + 1, len(self.inputs), self.filters), np.float32)
        mask[0, -1] = colour_mask(self.inputs, self.outputs, self.strict)
        return mask

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.filters)
