import numpy as np
import pytest
import tensorflow as tf

from tests.wavelet_tf.biggan.small_gans import ARCHITECTURES, batch, nets
from wavelet_tf.biggan.spectral_norm import (
    SNConv2D,
    SNDense,
    SNEmbedding,
    spectral_layers,
    spectral_norms,
    update_spectral_norms,
)

LAYERS = {
    "convolution": (lambda: SNConv2D(4, 5), (2, 6, 6, 4)),
    "dense": (lambda: SNDense(7, 5), (2, 7)),
    "embedding": (lambda: SNEmbedding(6, 4), (3,)),
}


def _layer(kind):
    make, shape = LAYERS[kind]
    layer = make()
    layer.build()
    layer.kernel.assign(tf.random.stateless_normal(layer.kernel.shape, [1, 2]))
    x = tf.range(3) if kind == "embedding" else tf.random.stateless_normal(shape, [3, 4])
    return layer, x


def _largest(layer):
    return np.linalg.svd(layer.matrix().numpy(), compute_uv=False)[0]


@pytest.mark.parametrize("kind", LAYERS)
def test_sigma_becomes_the_largest_singular_value(kind):
    layer, _ = _layer(kind)
    assert 0 < layer.sigma() < _largest(layer)
    for _ in range(200):
        layer.power_iteration()
    np.testing.assert_allclose(layer.sigma(), _largest(layer), rtol=1e-5)
    layer.kernel.assign(layer.normalized_kernel())
    np.testing.assert_allclose(_largest(layer), 1, rtol=1e-5)


def test_the_matrix_of_a_convolution_has_a_column_for_each_filter():
    layer, _ = _layer("convolution")
    assert layer.matrix().shape == (3 * 3 * 4, 5)
    np.testing.assert_array_equal(layer.matrix()[:, 2], tf.reshape(layer.kernel[..., 2], [-1]))


@pytest.mark.parametrize("kind", LAYERS)
def test_the_gradient_goes_through_sigma(kind):
    """It equals finite differences, and is orthogonal to W, as W / sigma ignores W's scale."""
    layer, x = _layer(kind)
    layer.power_iteration()
    weights = tf.random.stateless_normal(layer(x).shape, [5, 6])

    def loss():
        return tf.reduce_sum(weights * layer(x))

    with tf.GradientTape() as tape:
        value = loss()
    gradient = tape.gradient(value, layer.kernel.value)
    kernel = tf.identity(layer.kernel)
    np.testing.assert_allclose(tf.reduce_sum(gradient * kernel), 0, atol=1e-4)
    for seed in range(3):
        direction = tf.random.stateless_normal(kernel.shape, [seed, 7])
        ends = []
        for step in (-1e-2, 1e-2):
            layer.kernel.assign(kernel + step * direction)
            ends.append(float(loss()))
        layer.kernel.assign(kernel)
        expected = (ends[1] - ends[0]) / 2e-2
        actual = float(tf.reduce_sum(gradient * direction))
        assert actual == pytest.approx(expected, rel=2e-3, abs=2e-3)


@pytest.mark.parametrize("kind", LAYERS)
def test_only_power_iterations_change_u(kind):
    layer, x = _layer(kind)
    before = layer.u.numpy()
    layer(x)
    np.testing.assert_array_equal(layer.u, before)
    layer.power_iteration()
    matrix = layer.matrix().numpy()
    expected = matrix.T @ matrix @ before
    np.testing.assert_allclose(layer.u, expected / np.linalg.norm(expected), atol=1e-5)


@pytest.mark.parametrize("kind", LAYERS)
def test_a_kernel_of_zeros_gives_finite_outputs(kind):
    layer, x = _layer(kind)
    layer.kernel.assign(tf.zeros_like(layer.kernel))
    layer.power_iteration()
    with tf.GradientTape() as tape:
        y = layer(x)
    gradient = tape.gradient(y, layer.kernel.value)
    assert np.all(y == 0) and np.all(np.isfinite(gradient)) and np.any(layer.u)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_matrix_but_the_class_embedding_is_normalised(architecture):
    left = []
    for network in nets(architecture):
        kernels = {layer.kernel.path for layer in spectral_layers(network)}
        matrices = {w.path for w in network.trainable_weights if len(w.shape) > 1}
        left += matrices - kernels
    assert left == ["generator/class_embedding"]


def test_a_step_updates_every_vector_of_a_network_once():
    _, network = nets("biggan")
    layers = spectral_layers(network)
    expected = []
    for layer in layers:
        matrix = layer.matrix().numpy()
        moved = matrix.T @ matrix @ layer.u.numpy()
        expected.append(moved / np.linalg.norm(moved))
    images, _, labels = batch(network.config)
    tf.function(lambda: update_spectral_norms(network), jit_compile=True, autograph=False)()
    network(images, labels, training=True)
    for layer, u in zip(layers, expected, strict=True):
        np.testing.assert_allclose(layer.u, u, atol=1e-5, err_msg=layer.path)
    sigmas = spectral_norms(network)
    assert len(sigmas) == len(layers) and "discriminator/stage_0/convolution_1" in sigmas
    assert {sigma.shape for sigma in sigmas.values()} == {()}
