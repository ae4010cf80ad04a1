import pytest
import tensorflow as tf

from cascade_tf.strategies import make_strategy


@pytest.mark.parametrize(
    "name,replicas,kind",
    [("auto", 1, None), ("single", 1, None), ("mirrored", 2, tf.distribute.MirroredStrategy)],
)
def test_strategies_on_a_machine_of_two_cpu_devices(name, replicas, kind):
    strategy = make_strategy(name)
    assert strategy.num_replicas_in_sync == replicas
    assert kind is None or isinstance(strategy, kind)
