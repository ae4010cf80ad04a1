"""Each layer of the flow: its inverse, its log-determinant, its initial weights."""

import numpy as np
import pytest
import tensorflow as tf

from spn_tf.glow.actnorm import ActNorm
from spn_tf.glow.coupling import Coupling
from spn_tf.glow.invertible_convolution import InvertibleConvolution
from spn_tf.glow.prior import Prior
from spn_tf.glow.split import Split
from spn_tf.glow.step import Step
from tests.spn_tf.glow.random_flows import RNG, log_abs_determinant, randomize

LAYERS = {
    "actnorm": lambda dtype: ActNorm(dtype=dtype),
    "invertible convolution": lambda dtype: InvertibleConvolution(dtype=dtype),
    "affine coupling": lambda dtype: Coupling(5, "affine", dtype=dtype),
    "additive coupling": lambda dtype: Coupling(5, "additive", dtype=dtype),
    "step": lambda dtype: Step(5, "affine", dtype=dtype),
}
every_layer = pytest.mark.parametrize("name", LAYERS)


def _random(layer, channels=3):
    layer.build((None, 4, 4, channels))
    randomize(layer, deviation=0.2)
    return layer


def _features(batch, channels=3, dtype="float32"):
    return tf.constant(RNG.normal(size=(batch, 4, 4, channels)), dtype)


@every_layer
@pytest.mark.parametrize("channels", [3, 4])
def test_the_inverse_of_a_layer_undoes_it(name, channels):
    layer = _random(LAYERS[name]("float32"), channels)
    x = _features(5, channels)
    y, _ = layer(x)
    assert np.abs(y - x).max() > 0.1
    np.testing.assert_allclose(layer.inverse(y), x, atol=1e-5)


@every_layer
def test_the_log_determinant_of_a_layer_is_that_of_its_jacobian(name):
    layer = _random(LAYERS[name]("float64"))
    x = _features(1, dtype="float64")
    log_determinant = layer(x)[1].numpy()
    np.testing.assert_allclose(
        log_determinant, [log_abs_determinant(lambda x: layer(x)[0], x)], rtol=1e-10, atol=1e-10
    )
    assert (log_determinant == 0) == (name == "additive coupling")


@pytest.mark.parametrize(
    "make", [lambda: Split(dtype="float64"), lambda: Prior(1, dtype="float64")]
)
def test_the_density_of_latents_is_that_of_their_noise(make):
    layer = _random(make(), 4)
    z = _features(1, 4, "float64")
    *outputs, log_density = layer(z)
    noise = outputs[-1].numpy()
    log_normal = -0.5 * np.sum(noise**2 + np.log(2 * np.pi))
    jacobian = log_abs_determinant(lambda z: layer(z)[:-1], z)
    np.testing.assert_allclose(log_density, [log_normal + jacobian], rtol=1e-10)
    np.testing.assert_allclose(layer.inverse(*outputs), z, atol=1e-12)


def test_actnorm_starts_with_mean_0_and_variance_1_of_each_channel():
    x = _features(6) * [0.01, 3, 100] + [5, -0.2, 1000]
    layer = ActNorm()
    y = layer.initialise(x)
    np.testing.assert_array_equal(y, layer(x)[0])
    np.testing.assert_allclose(np.mean(y, axis=(0, 1, 2)), 0, atol=1e-3)
    np.testing.assert_allclose(np.var(y, axis=(0, 1, 2)), 1, atol=1e-3)


def test_actnorm_of_a_constant_channel_is_finite():
    layer = ActNorm()
    np.testing.assert_allclose(layer.initialise(tf.fill([2, 4, 4, 1], -0.3)), 0, atol=0.1)
    assert np.isfinite(layer(tf.zeros([2, 4, 4, 1]))[0]).all()


def test_the_invertible_convolution_starts_as_a_random_rotation():
    one, other = InvertibleConvolution(dtype="float64"), InvertibleConvolution(dtype="float64")
    for layer in (one, other):
        layer.build((None, 4, 4, 12))
        np.testing.assert_allclose(
            layer.matrix() @ tf.transpose(layer.matrix()), np.eye(12), atol=1e-12
        )
        np.testing.assert_allclose(np.sum(layer.log_s), 0, atol=1e-12)
    assert np.abs(one.matrix() - other.matrix()).max() > 0.1


def test_the_matrix_has_a_fixed_permutation_and_fixed_signs():
    layer = _random(InvertibleConvolution(), 6)
    assert [w.name for w in layer.trainable_weights] == ["lower", "upper", "log_s"]
    permutation = layer.permutation.numpy()
    assert set(permutation.ravel()) == {0, 1}
    np.testing.assert_array_equal(permutation @ permutation.T, np.eye(6))
    sign, _ = np.linalg.slogdet(layer.matrix())
    assert sign == np.prod(layer.sign) * np.linalg.det(permutation).round()


def test_triangles_of_the_matrix_ignore_the_other_triangle():
    layer = _random(InvertibleConvolution(), 6)
    before = layer.matrix().numpy()
    layer.lower.assign(layer.lower + np.triu(np.ones((6, 6))))
    layer.upper.assign(layer.upper + np.tril(np.ones((6, 6))))
    np.testing.assert_array_equal(layer.matrix(), before)


def test_a_coupling_starts_as_a_constant_scale():
    x = _features(2, 4)
    y, log_determinant = Coupling(5, "affine")(x)
    scale = 1 / (1 + np.exp(-2))
    np.testing.assert_allclose(y, x * [1, 1, scale, scale], rtol=1e-6)
    np.testing.assert_allclose(log_determinant, np.full(2, 32 * np.log(scale)), rtol=1e-6)
    np.testing.assert_array_equal(Coupling(5, "additive")(x)[0], x)


def test_the_density_of_a_step_of_two_channels_integrates_to_one():
    """The density of a pixel of two channels, on a grid of the plane."""
    layer = Step(5, "affine", dtype="float64")
    layer.build((None, 1, 1, 2))
    randomize(layer, deviation=0.3)
    axis = np.linspace(-12, 12, 241)
    plane = tf.constant(np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 1, 1, 2))
    y, log_determinant = layer(plane)
    log_normal = -0.5 * np.sum(y**2 + np.log(2 * np.pi), axis=(1, 2, 3))
    density = np.exp(log_normal + log_determinant)
    np.testing.assert_allclose(np.sum(density) * 0.1**2, 1, atol=1e-3)
