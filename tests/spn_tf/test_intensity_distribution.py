import numpy as np
import pytest
import tensorflow as tf

from spn_tf.config import SPNConfig
from spn_tf.intensity_distribution import LogisticMixture, intensity_distribution
from spn_tf.intensity_prediction import Prediction

COMPONENTS = 3


def _mixture(levels=16, classes=16, colours=3):
    return LogisticMixture(COMPONENTS, colours, levels, classes)


def _prediction(rng, count, levels, classes):
    lowest = rng.integers(0, levels // classes, count) * classes
    intensity = lowest + rng.integers(0, classes, count)
    errors = rng.integers(-levels, levels, [count, 2])
    return Prediction(*(tf.constant(x, tf.int32) for x in (intensity, errors, lowest)))


@pytest.mark.parametrize(
    "kind",
    [
        "softmax",
        "relative_softmax",
        "anchored_softmax",
        "logistic_mixture",
        "absolute_logistic_mixture",
    ],
)
@pytest.mark.parametrize("coarse_bits", [0, 2])
def test_nats_are_those_of_the_logits(kind, coarse_bits):
    config = SPNConfig(
        bits=4, coarse_bits=coarse_bits, intensity_distribution=kind, mixture_components=COMPONENTS
    )
    distribution, classes = intensity_distribution(config), config.classes
    rng = np.random.default_rng(0)
    prediction = _prediction(rng, 50, 16, classes)
    parameters = tf.constant(rng.normal(size=[50, distribution.parameters]) * 2)
    expected = -tf.nn.log_softmax(distribution.logits(parameters, prediction)).numpy()
    for fine in range(classes):
        nats = distribution.nats(parameters, prediction, tf.fill([50], fine))
        np.testing.assert_allclose(nats, expected[:, fine], rtol=1e-9, atol=1e-12)
    assert np.ptp(expected) > 1


def test_a_relative_softmax_moves_with_the_prediction():
    distribution = intensity_distribution(
        SPNConfig(bits=3, intensity_distribution="relative_softmax")
    )
    parameters = tf.constant([[9.0, 1, 2, 3, 4, 5, 6, 7]])  # the most likely error is zero
    for predicted in range(8):
        prediction = Prediction(
            tf.constant([predicted]), tf.zeros([1, 2], tf.int32), tf.constant([0])
        )
        logits = distribution.logits(parameters, prediction)[0]
        assert int(tf.argmax(logits)) == predicted
        assert logits[(predicted + 1) % 8] == 1


def test_the_mixture_integrates_logistic_densities():
    rng = np.random.default_rng(0)
    prediction = _prediction(rng, 20, 16, 16)
    mixture = _mixture()
    parameters = rng.normal(size=[20, mixture.parameters])
    weights, offsets, scales, coefficients = np.split(parameters, [3, 6, 9], axis=1)
    scales = np.exp(scales + np.linspace(np.log(0.5), np.log(2), COMPONENTS))
    means = prediction.intensity.numpy()[:, None] + 4 * offsets
    means += (coefficients * prediction.errors.numpy()).sum(axis=1, keepdims=True)
    bounds = np.concatenate([[-np.inf], np.arange(15) + 0.5, [np.inf]])
    cdf = 1 / (1 + np.exp(-(bounds - means[..., None]) / scales[..., None]))
    weights = np.exp(weights) / np.exp(weights).sum(axis=1, keepdims=True)
    expected = (weights[..., None] * np.diff(cdf)).sum(axis=1)
    actual = tf.exp(mixture.logits(tf.constant(parameters), prediction))
    np.testing.assert_allclose(actual, expected, atol=1e-12)
    np.testing.assert_allclose(tf.reduce_sum(actual, axis=1), 1, atol=1e-12)


def test_tails_of_the_mixture_keep_their_digits():
    """A plain difference of sigmoids is zero in float32 there, and its logarithm infinite."""
    mixture = _mixture(levels=256, classes=256)
    prediction = Prediction(
        tf.constant([0, 255]), tf.constant([[0, 0], [900, -900]]), tf.constant([0, 0])
    )
    found = []
    for dtype in (tf.float32, tf.float64):
        parameters = tf.zeros([2, mixture.parameters], dtype) - 3
        with tf.GradientTape() as tape:
            tape.watch(parameters)
            nats = mixture.nats(parameters, prediction, tf.constant([255, 128]))
        found.append((nats, tape.gradient(nats, parameters)))
    (nats, gradient), (exact, exact_gradient) = found
    assert (exact.numpy() > 50).all()
    np.testing.assert_allclose(nats, exact, rtol=1e-5)
    np.testing.assert_allclose(gradient, exact_gradient, rtol=1e-4, atol=1e-5)


def test_the_mixture_starts_at_the_prediction():
    mixture = _mixture(levels=256, classes=256)
    parameters = tf.zeros([1, mixture.parameters])
    prediction = Prediction(tf.constant([100]), tf.constant([[7, -3]]), tf.constant([0]))
    logits = mixture.logits(parameters, prediction)[0].numpy()
    assert logits.argmax() == 100
    np.testing.assert_allclose(logits[:100][::-1][:90], logits[101:191], atol=1e-5)
