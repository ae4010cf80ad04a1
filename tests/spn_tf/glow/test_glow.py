"""The whole flow: inverse, log density, samples, classes, and compilation."""

import numpy as np
import pytest
import tensorflow as tf

from spn_tf.glow.glow import Glow
from tests.spn_tf.glow.random_flows import (
    RNG,
    images_of,
    log_abs_determinant,
    random_glow,
    tiny_config,
)

both_couplings = pytest.mark.parametrize("coupling", ["affine", "additive"])
both_depths = pytest.mark.parametrize("levels", [1, 2])


def _noise(network, count, dtype="float32"):
    return [tf.constant(RNG.normal(size=(count, *s)), dtype) for s in network.noise_shapes]


@both_couplings
@both_depths
def test_the_inverse_of_the_noise_is_the_image(levels, coupling):
    network = random_glow(height=8, glow_levels=levels, glow_coupling=coupling)
    x = images_of(network.config, 3)
    noise, _ = network(x)
    assert [each.shape[1:] for each in noise] == network.noise_shapes
    np.testing.assert_allclose(network.inverse(noise), x, atol=1e-5)


@both_couplings
@both_depths
def test_the_log_density_is_that_of_noise_and_jacobian(levels, coupling):
    network = random_glow("float64", glow_levels=levels, glow_coupling=coupling)
    x = images_of(network.config, 1, "float64")
    noise, log_density = network(x)
    log_normal = -0.5 * sum(np.sum(each**2 + np.log(2 * np.pi)) for each in noise)
    jacobian = log_abs_determinant(lambda x: network(x)[0], x)
    np.testing.assert_allclose(log_density, [log_normal + jacobian], rtol=1e-10)
    np.testing.assert_array_equal(network.log_density(x), log_density)


def test_the_density_integrates_to_one():
    """Of 2x2 grey pixels, by importance sampling with a wider normal distribution."""
    network = random_glow(height=2, width=2, channels=1, glow_levels=1)
    samples = network.inverse(_noise(network, 20_000)).numpy().reshape(-1, 4)
    mean, covariance = samples.mean(0), 1.5 * np.cov(samples.T)
    proposals = RNG.multivariate_normal(mean, covariance, 100_000)
    centred = proposals - mean
    log_proposal = -0.5 * (
        np.sum(centred @ np.linalg.inv(covariance) * centred, axis=1)
        + np.linalg.slogdet(2 * np.pi * covariance).logabsdet
    )
    log_density = network.log_density(tf.constant(proposals.reshape(-1, 2, 2, 1), tf.float32))
    weights = np.exp(log_density - log_proposal)
    error = weights.std() / np.sqrt(len(weights))
    assert error < 0.01
    np.testing.assert_allclose(weights.mean(), 1, atol=4 * error)


def test_initialisation_gives_every_actnorm_mean_0_and_variance_1():
    network = random_glow()  # other weights are random: each actnorm sees what the one before left
    x = images_of(network.config, 64)
    network.initialise(x)
    steps = iter(network.steps)
    for level in range(2):
        x = tf.nn.space_to_depth(x, 2)
        for _ in range(2):
            step = next(steps)
            normalised, _ = step.actnorm(x)
            np.testing.assert_allclose(np.mean(normalised, axis=(0, 1, 2)), 0, atol=1e-4)
            np.testing.assert_allclose(np.var(normalised, axis=(0, 1, 2)), 1, atol=1e-4)
            x, _ = step(x)
        if level == 0:
            x, _, _ = network.splits[0](x)


def test_samples_at_temperature_0_are_the_same_whatever_the_noise():
    network = random_glow()
    samples = [network.inverse(_noise(network, 2), temperature=0.0).numpy() for _ in range(2)]
    assert np.isfinite(samples[0]).all()
    np.testing.assert_array_equal(*samples)
    np.testing.assert_array_equal(samples[0][0], samples[0][1])
    assert np.abs(samples[0] - network.inverse(_noise(network, 2))).max() > 0.1


def test_classes_have_densities_of_their_own():
    network = random_glow(num_classes=3)
    x = tf.repeat(images_of(network.config, 1), 3, axis=0)
    labels = tf.constant([0, 1, 2])
    noise, log_density = network(x, labels)
    assert len(np.unique(log_density.numpy().round(3))) == 3
    np.testing.assert_allclose(network.inverse(noise, labels), x, atol=1e-5)
    with pytest.raises(ValueError, match=r"labels: there are none; .* 0 to 2"):
        network.log_density(x)


def test_an_unconditional_flow_ignores_labels():
    network = random_glow()
    x = images_of(network.config, 2)
    labels = tf.constant([0, 5])
    np.testing.assert_array_equal(network.log_density(x, labels), network.log_density(x))


@pytest.mark.parametrize("jit_compile", [False, True])
def test_compiled_densities_gradients_and_samples_are_the_eager_ones(jit_compile):
    network = random_glow(glow_depth=1, num_classes=2)
    x, labels = images_of(network.config, 2), tf.constant([1, 0])

    def step(x, labels):
        with tf.GradientTape() as tape:
            noise, log_density = network(x, labels)
            loss = -tf.reduce_mean(log_density)
        gradients = tape.gradient(loss, network.trainable_variables)
        dense = [tf.convert_to_tensor(each) for each in gradients]
        return log_density, dense, network.inverse(noise, labels, temperature=0.7)

    eager = step(x, labels)
    compiled = tf.function(step, jit_compile=jit_compile)(x, labels)
    for a, b in zip(tf.nest.flatten(eager), tf.nest.flatten(compiled), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3)
    assert all(np.abs(each).max() > 0 for each in eager[1])


def test_every_trained_weight_has_a_gradient_at_the_start():
    network = Glow(tiny_config())
    x = images_of(network.config, 4)
    network.initialise(x)
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(network.log_density(x))
    names = [w.path for w in network.trainable_weights]
    for name, gradient in zip(names, tape.gradient(loss, network.trainable_variables), strict=True):
        assert gradient is not None and np.isfinite(tf.convert_to_tensor(gradient)).all(), name


def test_mixed_precision_is_of_the_couplings_alone():
    network = random_glow("mixed_bfloat16")
    same = random_glow("float32")
    same.set_weights(network.get_weights())
    x = images_of(network.config, 2)
    log_density = network.log_density(x)
    assert log_density.dtype == tf.float32
    np.testing.assert_allclose(log_density, same.log_density(x), rtol=0.02)
    assert np.abs(log_density - same.log_density(x)).max() > 0
    assert network.steps[0].convolution.compute_dtype == "float32"
    assert network.steps[0].coupled.last.compute_dtype == "bfloat16"
