"""A dense layer over the last axis, for every pixel."""

import keras
import tensorflow as tf

from spn_tf.shapes import Shape


@keras.saving.register_keras_serializable("spn_tf")
class Dense(keras.layers.Dense):
    """Keras's Dense layer as one product of two matrices, whatever the rank of the input.

    Keras before 3.15 broadcasts the kernel instead, and 3.15 needs Python 3.11. With such a
    kernel and images of one row, oneDNN in TensorFlow 2.19 to 2.21 corrupts memory.

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
