import keras
import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.averages import PolyakAverage


def _expected(values, decay, start, share):
    """The recursion of the class's docstring, by hand; values[0] is the initial one."""
    average = values[0]
    for step, value in enumerate(values[1:]):
        t = step - start
        keep = 0.0 if t < 0 else min(decay, (1 + t) / (1 + 1 / share + t))
        average = keep * average + (1 - keep) * value
    return average


@pytest.mark.parametrize(
    "decay,start,share", [(0.9999, 0, 1 / 9), (0.2, 0, 1 / 9), (0.9, 3, 0.5), (0.9999, 0, 0.02)]
)
def test_average_follows_its_recursion(decay, start, share):
    values = np.random.default_rng(0).normal(size=8)
    variable = keras.Variable(values[0], dtype="float32")
    average = PolyakAverage([variable], decay, start, share)
    for step, value in enumerate(values[1:]):
        variable.assign(value)
        average.update(tf.constant(step, tf.int64))
    expected = _expected(values, decay, start, share)
    np.testing.assert_allclose(average.averages[0], expected, rtol=1e-5)


def test_a_share_of_one_is_the_mean_of_all_values():
    values = np.random.default_rng(0).normal(size=50)
    variable = keras.Variable(values[0], dtype="float32")
    average = PolyakAverage([variable], decay=0.9999, share=1.0)
    for step, value in enumerate(values[1:]):
        variable.assign(value)
        average.update(tf.constant(step, tf.int64))
    np.testing.assert_allclose(average.averages[0], values.mean(), rtol=1e-4)


def test_average_equals_tensorflows():
    variable = tf.Variable([1.0, -2.0])
    average = PolyakAverage([keras.Variable([1.0, -2.0])], 0.3)
    count = tf.Variable(0, dtype=tf.int64)
    theirs = tf.train.ExponentialMovingAverage(0.3, num_updates=count)
    theirs.apply([variable])  # only creates the average
    for step in range(6):
        variable.assign_add([step, 0.1])
        average._variables[0].assign(variable)
        count.assign(step)
        theirs.apply([variable])
        average.update(count)
    np.testing.assert_allclose(average.averages[0], theirs.average(variable), rtol=1e-6)


def test_in_place_puts_live_values_back_also_after_an_error():
    variable = keras.Variable(1.0)
    average = PolyakAverage([variable], 0.5)
    variable.assign(3.0)
    with pytest.raises(RuntimeError), average.in_place():
        assert float(variable.value) == 1.0
        raise RuntimeError
    assert float(variable.value) == 3.0
    average.apply()
    assert float(variable.value) == 1.0
