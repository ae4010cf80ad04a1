import pytest
import tensorflow as tf

from cascade_tf.strategies import described, make_strategy


@pytest.mark.parametrize(
    "name,replicas,kind,expected",
    [
        ("auto", 1, None, "single, on one device"),
        ("single", 1, None, "single, on one device"),
        ("mirrored", 2, tf.distribute.MirroredStrategy, "mirrored, on 2 devices"),
    ],
)
def test_strategies_on_a_machine_of_two_cpu_devices(name, replicas, kind, expected):
    strategy = make_strategy(name)
    assert strategy.num_replicas_in_sync == replicas
    assert kind is None or isinstance(strategy, kind)
    assert described(strategy) == expected
