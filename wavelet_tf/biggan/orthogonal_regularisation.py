"""Orthogonal regularisation, without the norms of the filters (BigGAN, section 3.1, equation 3)."""

import keras
import tensorflow as tf

from wavelet_tf.biggan.spectral_norm import spectral_layers


def orthogonal_penalty(network: keras.layers.Layer) -> tf.Tensor:
    """Sum over weight matrices of |W W^T * (1 - I)|^2, where W has a row for each output.

    The generator's class embedding is left out, as in BigGAN-PyTorch. BigGAN-PyTorch uses half of
    this sum's gradient.

    Returns:
        float32 scalar; the paper adds 1e-4 times this to the generator's loss.
    """
    return tf.add_n([_off_diagonal(layer.matrix()) for layer in spectral_layers(network)])


def _off_diagonal(matrix: tf.Tensor) -> tf.Tensor:
    """Sum of squared dot products over ordered pairs of different columns, one for each output."""
    # |W^T W| = |W W^T|: compute the smaller one, as the other can take gigabytes in a dense layer.
    rows, columns = matrix.shape
    gram = tf.matmul(matrix, matrix, transpose_a=rows >= columns, transpose_b=rows < columns)
    lengths = tf.reduce_sum(tf.square(matrix), axis=0)
    return tf.reduce_sum(tf.square(gram)) - tf.reduce_sum(tf.square(lengths))
