import keras
import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.optimizers import SGD, RMSprop, apply_gradients, learning_rate_schedule


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
