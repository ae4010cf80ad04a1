"""Orthogonal regularisation, without the norms of the filters (BigGAN, section 3.1, equation 3)."""

import keras
import tensorflow as tf

from wavelet_tf.biggan.spectral_norm import spectral_layers


def orthogonal_penalty(network: keras.layers.Layer) -> tf.Tensor:
    """The sum over weight matrices of |W W^T * (1 - I)|^2, with W of a row for each output.

    The generator's class embedding is left out, as in BigGAN-PyTorch, which takes half of this
    sum's gradient.

    Returns:
        float32 scalar; the paper adds 1e-4 of it to the generator's loss.
    """
    return tf.add_n([_off_diagonal(layer.matrix()) for layer in spectral_layers(network)])


def _off_diagonal(matrix: tf.Tensor) -> tf.Tensor:
    """For columns, one for each output: the sum of the squared products of two different ones."""
    # |W^T W| = |W W^T|: of the two, the smaller; one of a dense layer can be gigabytes.
    rows, columns = matrix.shape
    gram = tf.matmul(matrix, matrix, transpose_a=rows >= columns, transpose_b=rows < columns)
    lengths = tf.reduce_sum(tf.square(matrix), axis=0)
    return tf.reduce_sum(tf.square(gram)) - tf.reduce_sum(tf.square(lengths))
