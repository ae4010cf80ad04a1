import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.wavelet_tf.biggan.small_gans import shake
from wavelet_tf.biggan.batch_norm import batch_norm
from wavelet_tf.biggan.conditional_batch_norm import ConditionalBatchNorm


def test_gain_and_bias_are_those_of_the_example():
    layer = ConditionalBatchNorm(width=3, condition=4)
    layer.build()
    shake(layer)
    x = 2 + 3 * tf.random.stateless_normal([5, 4, 4, 3], [1, 2])
    y = tf.random.stateless_normal([5, 4], [3, 4])
    mean, variance = np.mean(x, (0, 1, 2)), np.var(x, (0, 1, 2))
    gain, bias = (
        (y.numpy() @ part.kernel.numpy() / part.sigma().numpy())[:, None, None]
        for part in (layer.gain, layer.bias)
    )
    expected = (x - mean) / np.sqrt(variance + 1e-5) * (1 + gain) + bias
    np.testing.assert_allclose(layer(x, y, training=True), expected, atol=1e-5)
    np.testing.assert_allclose(layer.normalisation.moving_mean, 0.1 * mean, rtol=1e-5)
    np.testing.assert_allclose(layer.normalisation.moving_variance, 0.9 + 0.1 * variance, rtol=1e-5)


@pytest.mark.parametrize("affine", [False, True])
def test_batch_normalisation_equals_that_of_keras_in_values_gradients_and_statistics(affine):
    ours = batch_norm(affine)
    keras_own = keras.layers.BatchNormalization(
        momentum=ours.momentum, epsilon=ours.epsilon, center=affine, scale=affine
    )
    x = 2 + 3 * tf.random.stateless_normal([5, 4, 3, 6], [1, 2])
    upstream = tf.random.stateless_normal(x.shape, [3, 4])
    results = []
    for layer in (ours, keras_own):
        layer.build(x.shape)
        shake(layer)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
        gradients = tape.gradient(y, [x, *layer.trainable_variables], output_gradients=upstream)
        results.append([y, *gradients, layer.moving_mean, layer.moving_variance, layer(x)])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
