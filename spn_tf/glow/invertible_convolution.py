"""The invertible 1x1 convolution, in its LU decomposition (section 3.2, equations 10 and 11)."""

import keras
import numpy as np
import tensorflow as tf

from spn_tf.glow.flow_layer import FlowLayer, for_each_image
from spn_tf.shapes import Shape


class InvertibleConvolution(FlowLayer):
    """y = W x at every pixel, with W = P L (U + diag(s)); [B, H, W, C] to the same.

    P is a permutation, L a lower triangular matrix with ones on its diagonal, U an upper
    triangular one with zeros on it. P and the signs of s are fixed; L, U and log|s| are trained.
    W starts as a random rotation or reflection, whose log-determinant is 0.

    Example:
        >>> layer = InvertibleConvolution()
        >>> x = tf.random.normal([2, 4, 4, 3], seed=0)
        >>> y, log_determinant = layer(x)
        >>> bool(tf.reduce_all(tf.abs(log_determinant) < 1e-4))
        True
        >>> bool(tf.reduce_all(tf.abs(layer.inverse(y) - x) < 1e-4))
        True
    """

    def build(self, x_shape: Shape) -> None:
        if self.built:
            return
        permutation, lower, upper = _decomposed_rotation(x_shape[-1])
        s = np.diag(upper)
        self.permutation = self._weight(permutation, "permutation", trainable=False)
        self.sign = self._weight(np.sign(s), "sign", trainable=False)
        # Whole matrices, of which one triangle is used: they are as small as they are simple.
        self.lower = self._weight(np.tril(lower, -1), "lower")
        self.upper = self._weight(np.triu(upper, 1), "upper")
        self.log_s = self._weight(np.log(np.abs(s)), "log_s")
        self.built = True

    def _weight(self, value: np.ndarray, name: str, trainable: bool = True) -> keras.Variable:
        return self.add_weight(
            shape=value.shape,
            initializer=keras.initializers.Constant(value),
            trainable=trainable,
            name=name,
        )

    def _factors(self) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """P, L and U + diag(s), each [C, C]."""
        lower, upper = tf.convert_to_tensor(self.lower), tf.convert_to_tensor(self.upper)
        ones = tf.ones_like(tf.convert_to_tensor(self.log_s))
        strictly_lower = lower - tf.linalg.band_part(lower, 0, -1)
        strictly_upper = upper - tf.linalg.band_part(upper, -1, 0)
        return (
            tf.convert_to_tensor(self.permutation),
            tf.linalg.set_diag(strictly_lower, ones),
            tf.linalg.set_diag(strictly_upper, self.sign * tf.exp(self.log_s)),
        )

    def matrix(self) -> tf.Tensor:
        """W = P L (U + diag(s)), [C, C]."""
        permutation, lower, upper = self._factors()
        return permutation @ lower @ upper

    def inverse_matrix(self) -> tf.Tensor:
        """The inverse of W, [C, C], by triangular solves."""
        permutation, lower, upper = self._factors()
        of_lower = tf.linalg.triangular_solve(lower, tf.transpose(permutation), lower=True)
        return tf.linalg.triangular_solve(upper, of_lower, lower=False)

    def call(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        pixels = x.shape[1] * x.shape[2]
        log_determinant = for_each_image(x, pixels * tf.reduce_sum(self.log_s))
        return _at_each_pixel(self.matrix(), x), log_determinant

    def inverse(self, y: tf.Tensor) -> tf.Tensor:
        """x of y, [B, H, W, C]."""
        return _at_each_pixel(self.inverse_matrix(), y)

    def compute_output_shape(self, x_shape: Shape) -> tuple[Shape, Shape]:
        return x_shape, (x_shape[0],)


def _at_each_pixel(matrix: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    return tf.tensordot(x, matrix, axes=[[3], [1]])


def _decomposed_rotation(channels: int | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """P, L and U of a random orthogonal matrix, float64 [channels, channels] each."""
    with tf.init_scope():  # numbers, even while a function is traced
        rotation = keras.initializers.Orthogonal()((channels, channels), dtype="float64")
        packed, rows = (part.numpy() for part in tf.linalg.lu(rotation))
    identity = np.eye(len(rows))
    # Row rows[i] of the matrix is row i of L U.
    return identity[:, rows], np.tril(packed, -1) + identity, np.triu(packed)
