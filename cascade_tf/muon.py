"""Muon, an optimizer that orthogonalises the updates of matrices."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from cascade_tf.optimizers import Adam


class Muon(Adam):
    """Muon (Jordan et al. 2024) for kernels, Adam for all other weights.

    The momentum of a kernel's gradients is orthogonalised: its singular values become about one.
    A convolution's kernel counts as the matrix [height * width * inputs, outputs]. Updates are
    scaled to a root mean square of 0.2, about that of Adam, so that one learning rate fits both
    (Liu et al. 2025, section 2.2).

    Keras's Muon (3.15) leaves convolutions to its Adam, and in 3.12 does not scale.

    Args:
        learning_rate: a rate or a schedule.
        exclude_layers: names of layers whose kernels Adam updates; its authors advise it for the
            last one.
        momentum: of the kernels.
        settings: of Adam.

    >>> from cascade_tf.optimizers import apply_gradients
    >>> kernel = keras.Variable([[0.0, 0.0], [0.0, 0.0]], name="kernel")
    >>> _ = apply_gradients(Muon(0.1), [tf.constant([[0.0, -4.0], [1.0, 0.0]])], [kernel])
    >>> kernel.numpy().round(2)  # 0.1 * 0.2 * sqrt(2) times about one
    array([[ 0.  ,  0.02],
           [-0.02,  0.  ]], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule = 1e-3,
        exclude_layers: Sequence[str] = (),
        momentum: float = 0.95,
        **settings: Any,
    ) -> None:
        super().__init__(learning_rate, **settings)
        self._excluded, self._momentum = set(exclude_layers), momentum

    def get_config(self) -> dict[str, Any]:
        own = {"exclude_layers": sorted(self._excluded), "momentum": self._momentum}
        return super().get_config() | own

    def build(self, var_list: Sequence[keras.Variable]) -> None:
        if self.built:
            return
        keras.optimizers.Optimizer.build(self, var_list)  # Adam's creates velocities for kernels
        self._momentums = self.add_optimizer_variables(var_list, "momentum")
        self._velocities = [
            None if self._orthogonalises(v) else self.add_variable_from_reference(v, "velocity")
            for v in var_list
        ]

    def _orthogonalises(self, variable: keras.Variable) -> bool:
        return is_kernel(variable) and self._excluded.isdisjoint(variable.path.split("/"))

    def update_step(
        self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor
    ) -> None:
        index = self._get_variable_index(variable)
        if self._velocities[index] is not None:
            super().update_step(gradient, variable, learning_rate)
            return
        gradient = tf.cast(gradient, variable.dtype)
        momentum = self._momentums[index].value
        momentum.assign(self._momentum * momentum + gradient)
        ahead = self._momentum * momentum + gradient  # Nesterov's
        matrix = tf.reshape(ahead, [-1, variable.shape[-1]])
        scale = 0.2 * max(matrix.shape) ** 0.5
        # Entries of a kernel that a layer masks move, too. Nothing reads them.
        update = tf.reshape(scale * orthogonalised(matrix), variable.shape)
        variable.assign_sub(tf.cast(learning_rate, variable.dtype) * update)


def is_kernel(variable: keras.Variable) -> bool:
    """Whether a weight is a kernel, of a dense layer or of a convolution.

    >>> is_kernel(keras.Variable([[1.0]], name="kernel"))
    True
    """
    return variable.name == "kernel" or variable.name.endswith("_kernel")


def orthogonalised(matrix: tf.Tensor) -> tf.Tensor:
    """The matrix with the same singular vectors, and singular values of about one, 0.7 to 1.2.

    Five Newton-Schulz iterations with the coefficients of Jordan et al. (2024). Singular values
    below a five-hundredth of the Frobenius norm stay smaller.

    Args:
        matrix: [rows, columns].

    >>> orthogonalised(tf.constant([[0.0, -4.0], [1.0, 0.0]])).numpy().round(2)
    array([[ 0.  , -0.74],
           [ 0.74,  0.  ]], dtype=float32)
    """
    if matrix.shape[0] > matrix.shape[1]:  # products of the smaller size
        return tf.transpose(orthogonalised(tf.transpose(matrix)))
    x = matrix / (tf.norm(matrix) + 1e-7)
    for _ in range(5):
        square = tf.matmul(x, x, transpose_b=True)
        x = 3.4445 * x + tf.matmul(2.0315 * tf.matmul(square, square) - 4.775 * square, x)
    return x
