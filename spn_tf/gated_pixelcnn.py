"""The conditional gated PixelCNN (van den Oord et al., 2016c, section 2, equation 5, Figure 2).

    y = tanh(W_f * x + V_f * s) . sigmoid(W_g * x + V_g * s)

There are two stacks. The vertical one sees the rows above. The horizontal one sees the pixels on
the left and the earlier colours of the current pixel.

A vertical convolution also reads features of its own row, on the right as well. That is causal
only if no vertical feature depends on pixels of its own row. The slice embedding depends on no
pixel of the slice, so it conditions both stacks. The Transformer's output at (h, w + 1) depends
on pixel (h, w), so it conditions the horizontal stack alone.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from cascade_tf.serializable_layer import SerializableLayer
from spn_tf.autoregressive_config import PIXEL_UNITS
from spn_tf.dense import Dense
from spn_tf.dropout import Dropout, no_dropout
from spn_tf.masked_convolution import HorizontalConvolution, VerticalConvolution, colour_classes
from spn_tf.recomputation import recomputed
from spn_tf.residual_branches import small_weights
from spn_tf.shapes import Shape


def gate(x: tf.Tensor) -> tf.Tensor:
    """tanh of the first half of the units times sigmoid of the second (equation 5).

    >>> gate(tf.zeros([1, 4, 4, 6])).shape
    TensorShape([1, 4, 4, 3])
    """
    filters, gates = tf.split(x, 2, axis=-1)
    return tf.tanh(filters) * tf.sigmoid(gates)


class GatedLayer(SerializableLayer):
    """One layer of both stacks.

    Args:
        size: filter size.
        conv_channels: units before the gate, which halves them.
        inputs: colour classes of the horizontal input.
        residual: colour classes of the horizontal output.
        first: whether it reads the intensities: with an "A" mask and no residual connection.

    Example:
        >>> classes = colour_classes(6, 3)
        >>> layer = GatedLayer(3, conv_channels=8, inputs=classes, residual=classes, first=False)
        >>> vertical, horizontal = layer(tf.zeros([1, 4, 4, 4]), tf.zeros([1, 4, 4, 6]), None, None)
        >>> vertical.shape, horizontal.shape
        (TensorShape([1, 4, 4, 4]), TensorShape([1, 4, 4, 6]))
    """

    def __init__(
        self,
        size: int,
        conv_channels: int,
        inputs: np.ndarray,
        residual: np.ndarray,
        first: bool,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        dtype = self.dtype_policy
        self.size, self.first = size, first
        self.inputs, self.residual = np.asarray(inputs), np.asarray(residual)
        gated = colour_classes(conv_channels // 2, 1 + int(residual[-1]))
        halves = np.concatenate([gated, gated])  # each half of the gate keeps every unit's class
        self.conv_channels = conv_channels
        self.vertical = VerticalConvolution(conv_channels, size, dtype=dtype, name="vertical")
        self.vertical_to_horizontal = Dense(
            conv_channels, use_bias=False, dtype=dtype, name="vertical_to_horizontal"
        )
        self.horizontal = HorizontalConvolution(
            size, inputs, halves, strict=first, dtype=dtype, name="horizontal"
        )
        # Small weights in the first layer too: it starts the residual stream, at the scale of the
        # other layers' contributions.
        self.out = HorizontalConvolution(
            1, gated, residual, initializer=small_weights(), dtype=dtype, name="out"
        )

    def build(self, vertical_shape: Shape, horizontal_shape: Shape) -> None:
        if self.built:
            return
        outer = tuple(vertical_shape[:-1])
        self.vertical.build(vertical_shape)
        self.vertical_to_horizontal.build((*outer, self.conv_channels))
        self.horizontal.build(horizontal_shape)
        self.out.build((*outer, self.conv_channels // 2))
        self.built = True

    def call(
        self,
        vertical: tf.Tensor,
        horizontal: tf.Tensor,
        vertical_condition: tf.Tensor | None,
        horizontal_condition: tf.Tensor | None,
        dropout: Dropout = no_dropout,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the next vertical and horizontal features; all tensors are [B, h, w, .].

        The conditions are V * s of equation 5, already projected, or None. Dropout is of the gates.
        """
        v = self.vertical(vertical)
        if vertical_condition is not None:
            v = v + vertical_condition
        h = self.horizontal(horizontal) + self.vertical_to_horizontal(v)
        if horizontal_condition is not None:
            h = h + horizontal_condition
        residual = self.out(dropout.convolution(gate(h)))
        return gate(v), residual if self.first else horizontal + residual

    def compute_output_shape(
        self, vertical_shape: Shape, horizontal_shape: Shape
    ) -> tuple[Shape, Shape]:
        outer = tuple(vertical_shape[:-1])
        return (*outer, self.conv_channels // 2), (*outer, len(self.residual))


class GatedPixelCNN(SerializableLayer):
    """Parameters of the distribution of every intensity of a slice, such as a softmax's logits.

    They depend on the preceding intensities and the conditions.

    Args:
        layers: gated layers.
        size: filter size.
        conv_channels: units before each gate.
        residual_channels: width of the horizontal residual stream.
        colours: C, 1 or 3.
        classes: parameters for each colour; those of a softmax are its logits.
        pixel_units: inputs for each colour.

    Example:
        >>> network = GatedPixelCNN(
        ...     layers=2, size=3, conv_channels=8, residual_channels=6, colours=3, classes=4
        ... )
        >>> network(tf.zeros([2, 4, 5, 3 * PIXEL_UNITS])).shape
        TensorShape([2, 4, 5, 3, 4])
    """

    def __init__(
        self,
        layers: int,
        size: int,
        conv_channels: int,
        residual_channels: int,
        colours: int,
        classes: int,
        pixel_units: int = PIXEL_UNITS,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        dtype = self.dtype_policy
        self.layers = layers
        self.size = size
        self.colours = colours
        self.classes = classes
        self.pixel_units = pixel_units
        self.conv_channels = conv_channels
        self.residual_channels = residual_channels
        pixels = colour_classes(colours * pixel_units, colours)
        residual = colour_classes(residual_channels, colours)
        self.gated = [
            GatedLayer(
                size,
                conv_channels,
                residual if i else pixels,
                residual,
                first=i == 0,
                dtype=dtype,
                name=f"gated_{i}",
            )
            for i in range(layers)
        ]
        # V of equation 5 for all layers at once: one wide product instead of many narrow ones.
        self.vertical_condition = Dense(
            layers * conv_channels, use_bias=False, dtype=dtype, name="vertical_condition"
        )
        self.horizontal_condition = Dense(
            layers * conv_channels, use_bias=False, dtype=dtype, name="horizontal_condition"
        )
        self.hidden = HorizontalConvolution(1, residual, residual, dtype=dtype, name="hidden")
        self.logits = HorizontalConvolution(
            1, residual, colour_classes(colours * classes, colours), dtype=dtype, name="logits"
        )

    def build(
        self,
        pixels_shape: Shape,
        vertical_condition_shape: Shape | None = None,
        horizontal_condition_shape: Shape | None = None,
    ) -> None:
        if self.built:
            return
        outer = tuple(pixels_shape[:-1])
        residual = (*outer, self.residual_channels)
        vertical, horizontal = pixels_shape, pixels_shape
        for layer in self.gated:
            layer.build(vertical, horizontal)
            vertical, horizontal = (*outer, self.conv_channels // 2), residual
        if vertical_condition_shape is not None:
            self.vertical_condition.build(vertical_condition_shape)
        if horizontal_condition_shape is not None:
            self.horizontal_condition.build(horizontal_condition_shape)
        self.hidden.build(residual)
        self.logits.build(residual)
        self.built = True

    def call(
        self,
        pixels: tf.Tensor,
        vertical_condition: tf.Tensor | None = None,
        horizontal_condition: tf.Tensor | None = None,
        dropout: Dropout = no_dropout,
    ) -> tf.Tensor:
        """Parameters of the intensities' distributions, float32 [B, h, w, C, parameters].

        Args:
            pixels: embedded intensities [B, h, w, C * pixel_units].
            vertical_condition: [B, h, w, .] or None; it must not depend on pixels of the slice.
            horizontal_condition: [B, h, w, .] or None; it may depend on the pixels before each.
            dropout: of the gates.
        """
        layers = len(self.gated)
        for_vertical = for_horizontal = [None] * layers
        if vertical_condition is not None:
            for_vertical = tf.split(self.vertical_condition(vertical_condition), layers, axis=-1)
        if horizontal_condition is not None:
            for_horizontal = tf.split(
                self.horizontal_condition(horizontal_condition), layers, axis=-1
            )
        # Shift down by one row, so that the vertical stack never sees the current row.
        vertical = tf.pad(pixels[:, :-1], [[0, 0], [1, 0], [0, 0], [0, 0]])
        horizontal = pixels
        for layer, s_vertical, s_horizontal in zip(
            self.gated, for_vertical, for_horizontal, strict=True
        ):
            vertical, horizontal = recomputed(
                layer, vertical, horizontal, s_vertical, s_horizontal, dropout=dropout
            )
        logits = self.logits(tf.nn.relu(self.hidden(tf.nn.relu(horizontal))))
        _, height, width, _ = logits.shape
        logits = tf.reshape(logits, [-1, height, width, self.colours, self.classes])
        return tf.cast(logits, self.variable_dtype)

    @property
    def output_dtype(self) -> str:
        return self.variable_dtype

    def compute_output_shape(self, pixels_shape: Shape) -> Shape:
        return (*pixels_shape[:-1], self.colours, self.classes)
