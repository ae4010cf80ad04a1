import keras
import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.muon import Muon, orthogonalised
from cascade_tf.optimizers import Adam, apply_gradients


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 4)])
def test_orthogonalised_keeps_the_singular_vectors(shape):
    """Newton-Schulz iterations apply their polynomial to each singular value."""
    matrix = np.random.default_rng(0).normal(size=shape)
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    values /= np.linalg.norm(values)
    for _ in range(5):
        values = 3.4445 * values - 4.775 * values**3 + 2.0315 * values**5
    assert values.min() > 0.6 and values.max() < 1.3
    actual = orthogonalised(tf.constant(matrix, tf.float32))
    np.testing.assert_allclose(actual, left * values @ right, atol=1e-5)


@pytest.mark.parametrize("shape", [(4, 6), (2, 3, 2, 5)])
def test_muon_by_hand(shape):
    """Momentum and Nesterov's step as in Keras's Muon, on the matrix of a kernel."""
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=shape), rng.normal(size=(3, *shape))
    kernel = keras.Variable(start, name="kernel")
    optimizer = Muon(0.1, momentum=0.9)
    expected, momentum = start, np.zeros(shape)
    for gradient in gradients:
        apply_gradients(optimizer, [tf.constant(gradient, tf.float32)], [kernel])
        momentum = 0.9 * momentum + gradient
        matrix = (0.9 * momentum + gradient).reshape(-1, shape[-1])
        update = orthogonalised(tf.constant(matrix, tf.float32)).numpy()
        expected = expected - 0.1 * 0.2 * max(matrix.shape) ** 0.5 * update.reshape(shape)
    np.testing.assert_allclose(kernel.value, expected, rtol=1e-4, atol=1e-5)


def test_muon_is_adam_for_weights_that_are_no_kernels_or_excluded():
    head = keras.layers.Dense(2, name="head")
    head.build([None, 3])
    weights = [*head.trainable_variables, keras.Variable(np.ones([2, 3]), name="table")]
    copies = [keras.Variable(weight.numpy()) for weight in weights]
    optimizer, adam = Muon(0.1, exclude_layers=["head"]), Adam(0.1)
    for scale in (1.0, 0.1):
        gradients = [scale * tf.random.normal(weight.shape, seed=1) for weight in weights]
        apply_gradients(optimizer, gradients, weights)
        apply_gradients(adam, gradients, copies)
    for weight, copy in zip(weights, copies, strict=True):
        np.testing.assert_allclose(weight.value, copy.value, rtol=1e-6)
