import numpy as np
import tensorflow as tf

from tests.wavelet_tf.biggan.small_gans import shake
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
