import json
import time

import pytest
import tensorflow as tf

from cascade_tf import strategies
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


def test_an_empty_tf_config_names_no_workers(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", "{}")
    assert make_strategy("auto").num_replicas_in_sync == 1


def test_a_worker_that_waits_long_names_the_others(monkeypatch, capfd):
    monkeypatch.setattr(strategies, "_LONG_WAIT", 0.0)
    cluster, task = {"chief": ["b:2"], "worker": ["a:1", "c:3"]}, {"type": "worker", "index": 1}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))
    written = ""

    def waits() -> None:
        nonlocal written
        while not written.endswith("\n"):
            written += capfd.readouterr().err
            time.sleep(0.01)

    monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", waits)
    make_strategy("auto")
    assert written == "worker c:3 waits for all workers of TF_CONFIG to be started: b:2, a:1\n"
