import keras
import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.muon import Muon
from cascade_tf.optimizers import (
    SGD,
    Adam,
    RMSprop,
    apply_gradients,
    learning_rate_schedule,
    set_used,
)


@pytest.mark.parametrize(
    "optimizer", [keras.optimizers.Adam(), keras.optimizers.RMSprop(momentum=1)]
)
def test_keras_has_the_private_parts_that_ours_use(optimizer):
    """If one is gone, optimizers.py has to follow that release of Keras."""
    variable = keras.Variable([1.0])
    optimizer.build([variable])
    place = optimizer._get_variable_index(variable)
    for slots in (optimizer._momentums, optimizer._velocities):
        assert isinstance(slots[place], keras.Variable) and slots[place].shape == variable.shape
    assert callable(optimizer._all_reduce_sum_gradients)


def _weights():
    return [keras.Variable([1.0, 1.0]), keras.Variable([[1.0, 2.0], [3.0, 5.0]], name="kernel")]


@pytest.mark.parametrize(
    "optimizer",
    [SGD(0.1), Adam(0.1), RMSprop(0.1, momentum=0.9), Muon(0.1), Muon(0.1, weight_decay=0.1)],
)
def test_gradients_are_summed_over_replicas_once(optimizer):
    """Also if Keras sums them in another function than the one that our optimizers override."""
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        mirrored = _weights()
        of_two = type(optimizer).from_config(optimizer.get_config())
        of_two.build(mirrored)
    single = _weights()
    optimizer.build(single)

    def gradients(scale):
        return [scale * tf.constant([0.5, 0.1]), scale * tf.constant([[0.5, -0.1], [0.0, 0.3]])]

    @tf.function(autograph=False)
    def step():
        strategy.run(lambda: apply_gradients(of_two, gradients(1.0), mirrored))

    for _ in range(2):
        step()
        apply_gradients(optimizer, gradients(2.0), single)
    for one, other in zip(mirrored + of_two.variables, single + optimizer.variables, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-5)


@pytest.mark.parametrize("beta_1", [0.9, 0.0])
def test_adam_equals_keras(beta_1):
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=5), rng.normal(size=(6, 5))
    ours, theirs = keras.Variable(start), keras.Variable(start)
    settings = {"learning_rate": 0.1, "beta_1": beta_1, "beta_2": 0.99, "epsilon": 1e-6}
    optimizer, reference = Adam(**settings), keras.optimizers.Adam(**settings)
    optimizer.build([ours])
    for gradient in gradients:
        apply_gradients(optimizer, [tf.constant(gradient, tf.float32)], [ours])
        reference.apply([tf.constant(gradient, tf.float32)], [theirs])
    np.testing.assert_allclose(ours.value, theirs.value, rtol=1e-5)


@pytest.mark.parametrize("momentum", [0.9, 0.0])
def test_rmsprop_equals_tensorflow_1(momentum):
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=5), rng.normal(size=(6, 5))
    variable = keras.Variable(start)
    optimizer = RMSprop(0.1, rho=0.95, momentum=momentum, epsilon=1e-8)
    optimizer.build([variable])
    for gradient in gradients:
        apply_gradients(optimizer, [tf.constant(gradient, tf.float32)], [variable])

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        reference = tf.compat.v1.get_variable("v", initializer=start.astype(np.float32))
        feed = tf.compat.v1.placeholder(tf.float32, [5])
        step = tf.compat.v1.train.RMSPropOptimizer(
            0.1, decay=0.95, momentum=momentum, epsilon=1e-8
        ).apply_gradients([(feed, reference)])
        session.run(tf.compat.v1.global_variables_initializer())
        for gradient in gradients:
            session.run(step, {feed: gradient})
        expected = session.run(reference)
    np.testing.assert_allclose(variable.value, expected, rtol=1e-5)


def test_schedule_changes_at_its_boundaries():
    schedule = learning_rate_schedule([1e-4, 3e-5, 1e-5], [50_000, 100_000])
    expected = {0: 1e-4, 49_999: 1e-4, 50_000: 3e-5, 99_999: 3e-5, 100_000: 1e-5}
    for step, rate in expected.items():
        assert float(schedule(step)) == pytest.approx(rate), step
    assert learning_rate_schedule([5e-5], []) == 5e-5


def test_a_schedule_over_shares_of_the_budget_follows_what_is_used():
    optimizer = RMSprop(learning_rate_schedule([1e-3, 1e-4, 1e-5], [0.5, 0.9]))
    expected = {0.0: 1e-3, 0.499: 1e-3, 0.5: 1e-4, 0.89: 1e-4, 0.9: 1e-5, 1.2: 1e-5}
    for share, rate in expected.items():
        set_used([optimizer, SGD(0.1)], share)
        assert float(optimizer.learning_rate) == pytest.approx(rate), share


@pytest.mark.parametrize(
    "decay,warmup,expected",
    [
        ("constant", 0, [1, 1, 0.1, 0.1, 0.1]),
        ("linear", 0, [1, 0.75, 0.05, 0.025, 0]),
        ("cosine", 0, [1, (1 + 0.5**0.5) / 2, 0.05, (1 - 0.5**0.5) / 20, 0]),
        ("constant", 200, [0.005, 0.505, 0.1, 0.1, 0.1]),  # rises at each of the steps 0 to 199
        ("linear", 0.75, [0, 0.25, 1 / 30, 0.025, 0]),
    ],
)
@pytest.mark.parametrize("boundary", [0.5, 200])
def test_rates_decay_and_rise_over_the_budget(decay, warmup, expected, boundary):
    """Budget of 400 steps; the rate has changed at half of it, too."""
    optimizer = SGD(learning_rate_schedule([1.0, 0.1], [boundary], decay, warmup))
    for share, rate in zip((0, 0.25, 0.5, 0.75, 1), expected, strict=True):
        set_used([optimizer], share)
        optimizer.iterations.assign(int(400 * share))
        assert float(optimizer.learning_rate) == pytest.approx(rate), share


def test_steps_of_a_schedule_may_have_several_updates():
    optimizer = SGD(learning_rate_schedule([1.0, 0.1], [3], warmup=2, updates=4))
    rates = []
    for update in range(16):
        optimizer.iterations.assign(update)
        rates.append(float(optimizer.learning_rate))
    assert rates == pytest.approx([0.5] * 4 + [1] * 8 + [0.1] * 4)


@pytest.mark.parametrize(
    "optimizer", [RMSprop(0.1, 0, momentum=0.9), Muon(0.1, ["head"], momentum=0.8)]
)
def test_a_config_makes_the_same_optimizer_again(optimizer):
    config = optimizer.get_config()
    again = type(optimizer).from_config(config).get_config()
    assert again == config and {*config} & {"start", "exclude_layers"}


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_rmsprop_from_zero_takes_its_full_length_at_once(momentum):
    """In the limit of small epsilon, the first step's length is the rate, by Adam's correction."""
    moved = {}
    for start in (1.0, 0.0):
        variable = keras.Variable([0.0])
        optimizer = RMSprop(0.1, start, rho=0.95, momentum=momentum, epsilon=1e-12)
        apply_gradients(optimizer, [tf.constant([1e-3])], [variable])
        moved[start] = -float(variable.value[0])
    assert moved[0.0] == pytest.approx(0.1, rel=1e-4)
    assert moved[1.0] == pytest.approx(0.1 * 1e-3 / 0.95**0.5, rel=1e-4)


@pytest.mark.parametrize("clip_norm,length", [(0.0, 5.0), (10.0, 5.0), (1.0, 1.0)])
def test_clipping_shortens_the_whole_gradient_and_reports_its_norm(clip_norm, length):
    variables = [keras.Variable([0.0]), keras.Variable([0.0])]
    optimizer = SGD(1.0)
    optimizer.build(variables)
    norm = apply_gradients(
        optimizer, [tf.constant([3.0]), tf.constant([4.0])], variables, clip_norm
    )
    assert float(norm) == pytest.approx(5.0)
    moved = [float(v.value[0]) for v in variables]
    np.testing.assert_allclose(moved, [-0.6 * length, -0.8 * length], rtol=1e-5)
