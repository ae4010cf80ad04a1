"""Parameters of each colour's distribution, from features and the earlier colours of the pixel."""

from typing import Any

import tensorflow as tf

from cascade_tf.serializable_layer import SerializableLayer
from spn_tf.dense import Dense
from spn_tf.masked_convolution import HorizontalConvolution, colour_classes
from spn_tf.shapes import Shape


class ColourHead(SerializableLayer):
    """Features [B, h, w, D] to parameters of distributions, float32 [B, h, w, C, parameters].

    The earlier colours of a pixel enter a hidden layer with colour masks, so that green depends on
    red, and blue on both. Grey images need no hidden layer.

    Args:
        colours: C.
        parameters: of a distribution.
        hidden: units of the hidden layer.
        pixel_units: of each embedded intensity.

    Example:
        >>> head = ColourHead(colours=3, parameters=4, hidden=6, pixel_units=8)
        >>> head(tf.zeros([2, 4, 5, 7]), tf.zeros([2, 4, 5, 24])).shape
        TensorShape([2, 4, 5, 3, 4])
    """

    def __init__(self, colours: int, parameters: int, hidden: int, pixel_units: int, **kwargs: Any):
        super().__init__(**kwargs)
        dtype = self.dtype_policy
        self.colours, self.parameters, self.hidden = colours, parameters, hidden
        self.pixel_units, self.sees_colours = pixel_units, colours > 1
        if not self.sees_colours:
            self.logits = Dense(parameters, dtype=dtype, name="logits")
            return
        classes = colour_classes(hidden, colours)
        self.of_features = Dense(hidden, use_bias=False, dtype=dtype, name="of_features")
        self.of_colours = HorizontalConvolution(
            1,
            colour_classes(colours * pixel_units, colours),
            classes,
            strict=True,
            dtype=dtype,
            name="of_colours",
        )
        self.logits = HorizontalConvolution(
            1, classes, colour_classes(colours * parameters, colours), dtype=dtype, name="logits"
        )

    def build(self, features_shape: Shape, units_shape: Shape | None = None) -> None:
        if self.built:
            return
        outer = tuple(features_shape[:-1])
        if self.sees_colours:
            self.of_features.build(features_shape)
            self.of_colours.build((*outer, self.colours * self.pixel_units))
            self.logits.build((*outer, self.hidden))
        else:
            self.logits.build(features_shape)
        self.built = True

    def call(self, features: tf.Tensor, units: tf.Tensor | None = None) -> tf.Tensor:
        """The parameters.

        Args:
            features: [B, h, w, D], of the pixels before each.
            units: embedded intensities of each pixel, [B, h, w, C * pixel_units]; not needed for
                grey images.
        """
        if self.sees_colours:
            features = tf.nn.relu(self.of_features(features) + self.of_colours(units))
        parameters = self.logits(features)
        _, height, width, _ = parameters.shape
        shape = [-1, height, width, self.colours, self.parameters]
        return tf.cast(tf.reshape(parameters, shape), self.variable_dtype)

    @property
    def output_dtype(self) -> str:
        return self.variable_dtype

    def compute_output_shape(
        self, features_shape: Shape, units_shape: Shape | None = None
    ) -> Shape:
        return (*features_shape[:-1], self.colours, self.parameters)
