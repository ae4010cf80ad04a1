"""The residual block of PixelSNAIL, that of PixelCNN++ (Salimans et al., 2017)."""

from typing import Any

import keras
import tensorflow as tf

from cascade_tf.serializable_layer import SerializableLayer
from spn_tf.convolution import convolution
from spn_tf.dense import Dense
from spn_tf.dropout import Dropout, no_dropout
from spn_tf.residual_branches import small_weights
from spn_tf.shapes import Shape


class CausalConvolution(SerializableLayer):
    """Convolution over a pixel and those above and on the left, [B, h, w, D] to [B, h, w, filters].

    Args:
        filters: units of the output.
        size: rows and columns, each ending at the pixel. 1 sees the pixel alone.
        initializer: of the kernel; LeCun's by default.

    Example:
        >>> CausalConvolution(filters=6, size=2)(tf.zeros([2, 4, 5, 3])).shape
        TensorShape([2, 4, 5, 6])
    """

    def __init__(
        self,
        filters: int,
        size: int,
        initializer: keras.initializers.Initializer | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.filters, self.size = filters, size
        self.initializer = keras.initializers.get(initializer) or keras.initializers.LecunNormal()

    def build(self, input_shape: Shape) -> None:
        if self.built:
            return
        self.kernel = self.add_weight(
            shape=(self.size, self.size, input_shape[-1], self.filters),
            initializer=self.initializer,
            name="kernel",
        )
        self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")
        self.built = True

    def call(self, x: tf.Tensor) -> tf.Tensor:
        before = [(self.size - 1, 0)] * 2
        return convolution(x, tf.convert_to_tensor(self.kernel), before) + self.bias

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.filters)


class GatedResidual(SerializableLayer):
    """x + a * sigmoid(b), where a and b are two convolutions of x, [B, h, w, D] to [B, h, w, D].

    [a, b] = conv(elu(conv(elu(x)) + A elu(side))) + V condition

    Args:
        width: D.
        size: of both convolutions, 1 or 2.
        has_side: whether the block has a second input.

    Example:
        >>> layer = GatedResidual(width=6, size=2, has_side=True)
        >>> layer(tf.zeros([1, 4, 4, 6]), tf.zeros([1, 4, 4, 3]), None).shape
        TensorShape([1, 4, 4, 6])
    """

    def __init__(self, width: int, size: int, has_side: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        dtype = self.dtype_policy
        self.width, self.size, self.has_side = width, size, has_side
        self.hidden = CausalConvolution(width, size, dtype=dtype, name="hidden")
        self.out = CausalConvolution(2 * width, size, small_weights(), dtype=dtype, name="out")
        if has_side:
            self.of_side = Dense(width, use_bias=False, dtype=dtype, name="of_side")

    def build(self, x_shape: Shape, side_shape: Shape | None = None) -> None:
        if self.built:
            return
        self.hidden.build(x_shape)
        self.out.build((*x_shape[:-1], self.width))
        if side_shape is not None:
            self.of_side.build(side_shape)
        self.built = True

    def call(
        self,
        x: tf.Tensor,
        side: tf.Tensor | None = None,
        condition: tf.Tensor | None = None,
        dropout: Dropout = no_dropout,
    ) -> tf.Tensor:
        """Returns [B, h, w, D].

        Args:
            x: [B, h, w, D].
            side: [B, h, w, .], for a block that has a second input.
            condition: V * condition, [B, h, w, 2 * D], or None.
            dropout: of hidden units.
        """
        hidden = self.hidden(tf.nn.elu(x))
        if side is not None:
            hidden = hidden + self.of_side(tf.nn.elu(side))
        return self.gated(x, self.out(dropout.convolution(tf.nn.elu(hidden))), condition)

    def gated(self, x: tf.Tensor, out: tf.Tensor, condition: tf.Tensor | None) -> tf.Tensor:
        """x + a * sigmoid(b) from [a, b], without the condition, [..., 2 * D]."""
        if condition is not None:
            out = out + condition
        a, b = tf.split(out, 2, axis=-1)
        return x + a * tf.sigmoid(b)

    def compute_output_shape(self, x_shape: Shape, side_shape: Shape | None = None) -> Shape:
        return x_shape
