"""A product with a matrix at every pixel."""

import keras
import tensorflow as tf

from spn_tf.shapes import Shape


@keras.saving.register_keras_serializable("spn_tf")
class Dense(keras.layers.Dense):
    """Keras's layer as one product of two matrices, whatever the rank of the input.

    Before 3.15, which needs Python 3.11, Keras broadcasts the matrix. For images of one row the
    oneDNN of TensorFlow 2.19 to 2.21 then corrupts memory.

    Example:
        >>> Dense(5)(tf.zeros([2, 3, 4, 6])).shape
        TensorShape([2, 3, 4, 5])
    """

    def build(self, input_shape: Shape) -> None:
        if not self.built:
            super().build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """[..., D] to [..., units]."""
        outputs = tf.tensordot(inputs, self.kernel, axes=1)
        return self.activation(outputs if self.bias is None else outputs + self.bias)
