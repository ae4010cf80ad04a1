import numpy as np
import tensorflow as tf

from tests.wavelet_tf.biggan.small_gans import shake
from wavelet_tf.biggan.attention import SelfAttention


def test_untrained_attention_is_the_identity():
    layer = SelfAttention(16)
    x = tf.random.stateless_normal([2, 4, 6, 16], [1, 2])
    np.testing.assert_array_equal(layer(x), x)


def test_every_position_attends_to_all_pooled_positions():
    layer = SelfAttention(16)
    layer.build()
    shake(layer)
    x = tf.random.stateless_normal([2, 4, 6, 16], [1, 2]).numpy()

    def projected(part):
        return x @ (part.kernel.numpy()[0, 0] / part.sigma().numpy())

    def pooled(y):
        return y.reshape(2, 2, 2, 3, 2, -1).max((2, 4)).reshape(2, 6, -1)

    theta = projected(layer.theta).reshape(2, 24, 2)
    scores = np.exp(theta @ pooled(projected(layer.phi)).transpose(0, 2, 1))
    read = scores / scores.sum(-1, keepdims=True) @ pooled(projected(layer.g))
    out = read @ (layer.o.kernel.numpy()[0, 0] / layer.o.sigma().numpy())
    expected = x + layer.gamma.numpy() * out.reshape(x.shape)
    np.testing.assert_allclose(layer(x), expected, atol=1e-4)
