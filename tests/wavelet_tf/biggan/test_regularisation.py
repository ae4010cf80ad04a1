import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tests.wavelet_tf.small_priors import built, digits
from wavelet_tf.biggan.augmentation import augment
from wavelet_tf.biggan.regularisation import gradient_penalty


def test_a_gradient_penalty_is_that_of_a_known_function():
    """The gradient of the sum of w x^3 is 3 w x^2. The penalty has a gradient by w itself."""
    x, w = np.random.default_rng(0).standard_normal([3, 2, 4, 1]), tf.Variable(2.0, dtype="double")
    with tf.GradientTape() as tape:
        penalty = gradient_penalty(lambda x: tf.reduce_sum(w * x**3, (1, 2, 3)), tf.constant(x))
    np.testing.assert_allclose(penalty, 36 * (x**4).sum(axis=(1, 2, 3)))
    np.testing.assert_allclose(tape.gradient(penalty, w), 36 * (x**4).sum())


def _changed(network, direction, size):
    for weight, change in zip(network.trainable_variables, direction, strict=True):
        weight.assign_add(size * change)


def _assert_gradient(network, function):
    """The derivative of the sum of a function's figures along its gradient, by differences."""
    _, gradients = function()
    length = tf.linalg.global_norm(gradients)
    direction = [gradient / length for gradient in gradients]
    size = 1e-3 * sum(figures_of_loss(function()[0]).values()) / length
    totals = []
    for step in (size, -2 * size):
        _changed(network, direction, step)
        totals.append(sum(figures_of_loss(function()[0]).values()))
    _changed(network, direction, size)
    np.testing.assert_allclose((totals[0] - totals[1]) / (2 * size), length, rtol=0.02)


def figures_of_loss(figures):
    return {
        name: float(value)
        for name, value in figures.items()
        if name.endswith(("_loss", "consistency")) or name.startswith("lecam")
    }


@pytest.mark.parametrize(
    "options",
    [
        {},
        dict(loss="relativistic"),
        dict(augmentation=("colour", "translation", "cutout", "flip")),
        dict(lecam=2.0, loss="relativistic"),
        dict(consistency=5.0),
    ],
    ids=str,
)
def test_gradients_are_those_of_all_terms(options):
    stage = built(**options)
    stage._averages.move(tf.constant(40.0), tf.constant(-30.0))
    for network in (stage.generator, stage.discriminator):
        for number, weight in enumerate(network.trainable_variables):
            weight.assign_add(tf.random.stateless_normal(weight.shape, [number, 1], stddev=0.05))
    examples = digits(4)
    figures, _ = stage._discriminator_gradients(examples)
    plain = {"discriminator_loss", "D_real", "D_fake", "moments"}
    names = {"consistency"} & options.keys()
    names |= {"lecam_real", "lecam_fake"} if "lecam" in options else set()
    assert figures.keys() - plain == names
    assert all(float(figures[name]) > 1e-3 for name in names)
    _assert_gradient(stage.discriminator, lambda: stage._discriminator_gradients(examples))
    if options.keys() <= {"loss", "augmentation"}:
        _assert_gradient(stage.generator, lambda: stage._generator_gradients(examples))


def test_lecam_and_consistency_are_those_of_their_equations():
    stage, examples = built(lecam=2.0, consistency=5.0), digits(4)
    stage._averages.move(tf.constant(40.0), tf.constant(-30.0))
    average_real, average_fake = (float(a) for a in (stage._averages.real, stage._averages.fake))
    real = stage._real(examples)
    fake, drawn = stage._generate_for("discriminator", examples)
    seed, stream = stage.training.seed, "prior/consistency"
    changed = augment(real, ("flip", "translation"), seed, stream, examples.indices)
    of_real, of_fake, of_changed = (
        stage.discriminator(images, labels).numpy()
        for images, labels in ((real, examples.labels), (fake, drawn), (changed, examples.labels))
    )
    figures, _ = stage._discriminator_gradients(examples)
    expected = {
        "lecam_real": 2 * np.mean((of_real - average_fake) ** 2),
        "lecam_fake": 2 * np.mean((of_fake - average_real) ** 2),
        "consistency": 5 * np.mean((of_real - of_changed) ** 2),
    }
    for name, value in expected.items():
        np.testing.assert_allclose(figures[name], value, rtol=1e-4, err_msg=name)


@pytest.mark.parametrize("kind", ["real", "fake"])
def test_penalties_of_gradients_are_added_to_the_loss(kind):
    """In a network of ReLUs they are not continuous: differences would not show their gradient."""
    name = "r1" if kind == "real" else "r2"
    stage, examples = built(augmentation=("colour",), **{name: 3.0}), digits(4)
    images, labels = stage._real(examples), examples.labels
    if kind == "fake":
        images, labels = stage._generate_for("discriminator", examples)
    variables = stage.discriminator.trainable_variables
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            inner.watch(images)
            seen = augment(images, ["colour"], 0, f"prior/augmentation/{kind}", examples.indices)
            logits = stage.discriminator(seen, labels)
        squares = tf.square(inner.gradient(logits, images))
        penalty = 3 / 2 * tf.reduce_sum(squares) / 4
    expected = outer.gradient(penalty, variables)
    figures, whole = stage._discriminator_gradients(examples)
    stage.training = dataclasses.replace(stage.training, **{name: 0.0})
    figures_without, without = stage._discriminator_gradients(examples)
    np.testing.assert_allclose(figures[name], penalty, rtol=1e-5)
    assert figures["discriminator_loss"] == figures_without["discriminator_loss"]
    scale = tf.linalg.global_norm(whole)
    for own, other, gradient in zip(whole, without, expected, strict=True):
        gradient = tf.zeros_like(own) if gradient is None else gradient  # of the last biases
        np.testing.assert_allclose(own - other, gradient, atol=1e-5 * scale)


def test_penalties_of_gradients_are_lazy():
    stage = built(r1=3.0, penalty_every=2)
    iterations = stage._discriminating.optimizer.iterations
    values = []
    for number in range(3):
        iterations.assign(number)
        values.append(float(stage._discriminator_gradients(digits(4))[0]["r1"]))
    every = built(r1=3.0)
    for weight, value in zip(every.discriminator.weights, stage.discriminator.weights, strict=True):
        weight.assign(value)
    assert values[0] == values[2] > 0 == values[1]
    expected = every._discriminator_gradients(digits(4))[0]["r1"]
    assert values[0] == pytest.approx(2 * float(expected), rel=1e-5)


def test_averages_of_logits_move_towards_those_of_a_step():
    stage = built(lecam=1.0)
    figures = tf.distribute.get_strategy().run(stage._discriminator_step, [digits(4)])
    np.testing.assert_allclose(stage._averages.real, 0.01 * figures["D_real"], rtol=1e-5)
    np.testing.assert_allclose(stage._averages.fake, 0.01 * figures["D_fake"], rtol=1e-5)
    assert stage.networks()["logit_averages"] is stage._averages
