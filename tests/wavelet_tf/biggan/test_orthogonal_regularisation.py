import numpy as np
import tensorflow as tf

from tests.wavelet_tf.biggan.small_gans import nets
from wavelet_tf.biggan.orthogonal_regularisation import orthogonal_penalty
from wavelet_tf.biggan.spectral_norm import SNDense


def test_penalty_and_gradient_by_hand():
    layer = SNDense(2, 3)
    layer.build()
    # Filters (1, 0), (2, 3) and (0, 4): products 2, 0, 12, each twice, without those of a filter
    # with itself.
    layer.kernel.assign([[1.0, 2.0, 0.0], [0.0, 3.0, 4.0]])
    with tf.GradientTape() as tape:
        penalty = orthogonal_penalty(layer)
    assert penalty == 2 * (2**2 + 0**2 + 12**2)
    # First row of 4 (W W^T * (1 - I)) W: 4 * 2 * (2, 3).
    np.testing.assert_allclose(tape.gradient(penalty, layer.kernel.value)[:, 0], [16, 24])


def test_the_class_embedding_is_left_out():
    generator, _ = nets("biggan")
    before = orthogonal_penalty(generator)
    generator.class_embedding.assign(tf.ones_like(generator.class_embedding))
    np.testing.assert_allclose(orthogonal_penalty(generator), before)
