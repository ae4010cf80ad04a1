"""A discriminator of patches: whether the details of each neighbourhood look real."""

from typing import Any

import keras
import tensorflow as tf

from cascade_tf.serializable_layer import SerializableLayer

_SLOPE = 0.2  # of the leaky ReLU
_HALVINGS = 2
_SCALE = 10  # high bands of photographs have a root mean square of about a tenth


class PatchDiscriminator(SerializableLayer):
    """Details and the coarse representation that they belong to, to a logit for each patch.

    Convolutions of 3x3, each but the last with a leaky ReLU; the first two are followed by average
    pooling. A logit sees 26x26 coefficients (Isola et al., 2017, have 70x70 pixels).

    Args:
        inputs: channels of both together.
        width: units after the first convolution; then two and four times as many.

    Example:
        >>> discriminator = PatchDiscriminator(inputs=12, width=4)
        >>> discriminator(tf.zeros([2, 16, 16, 3]), tf.zeros([2, 16, 16, 9])).shape
        TensorShape([2, 4, 4])
    """

    def __init__(self, inputs: int, width: int, **kwargs: Any):
        super().__init__(autocast=False, **kwargs)  # coefficients stay float32
        self.inputs, self.width = inputs, width
        self.convolutions = [
            keras.layers.Conv2D(
                units,
                3,
                padding="same",
                data_format="channels_last",
                kernel_initializer="he_normal",
                dtype=self.dtype_policy,
            )
            for units in (width, 2 * width, 4 * width, 1)
        ]

    def build(self, *input_shapes: Any) -> None:
        if self.built:
            return
        units = self.inputs
        for convolution in self.convolutions:
            convolution.build((None, None, None, units))
            units = convolution.filters
        self.built = True

    def call(self, coarse: tf.Tensor, details: tf.Tensor) -> tf.Tensor:
        """Logits, float32 [B, h/4, w/4], larger where details look real.

        Args:
            coarse: float32 [B, h, w, C].
            details: float32 [B, h, w, D].
        """
        x = tf.concat([coarse, _SCALE * details], axis=-1)
        *hidden, last = self.convolutions
        for number, convolution in enumerate(hidden):
            x = tf.nn.leaky_relu(convolution(x), _SLOPE)
            if number < _HALVINGS:
                x = tf.nn.avg_pool2d(x, 2, 2, "SAME")
        return tf.cast(last(x), tf.float32)[..., 0]

    @property
    def output_dtype(self) -> str:
        return "float32"

    def compute_output_shape(self, coarse_shape: Any, details_shape: Any = None) -> Any:
        batch, height, width, _ = coarse_shape
        return batch, *(None if side is None else -(-side // 4) for side in (height, width))
