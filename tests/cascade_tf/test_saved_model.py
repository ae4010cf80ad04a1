import keras
import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.errors import UserError
from cascade_tf.saved_model import export


def _export(directory, factor):
    layer = keras.layers.Dense(
        1, use_bias=False, kernel_initializer=keras.initializers.Constant(factor)
    )
    layer.build([None, 2])
    spec = [tf.TensorSpec([None, 2], tf.float32, "x")]
    endpoints = {
        "times": (lambda x: {"y": layer(x)}, spec),
        "plus": (lambda x: {"y": layer(x) + 1}, spec),
    }
    export(directory, [layer], endpoints)


def _times(directory, x):
    loaded = tf.saved_model.load(str(directory))
    return loaded.times(x=tf.constant(x))["y"].numpy()


def test_endpoints_are_callable_and_signatures(tmp_path):
    _export(tmp_path / "model", 2.0)
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    x = tf.constant([[1.0, 2.0]])
    np.testing.assert_allclose(loaded.times(x)["y"], [[6.0]])
    np.testing.assert_allclose(loaded.plus(x)["y"], [[7.0]])
    assert {"times", "plus"} <= set(loaded.signatures)
    np.testing.assert_allclose(loaded.signatures["plus"](x=x)["y"], [[7.0]])


def test_a_saved_model_or_an_empty_directory_is_replaced(tmp_path):
    (tmp_path / "model").mkdir()
    for factor in (2.0, 3.0):
        _export(tmp_path / "model", factor)
        np.testing.assert_allclose(_times(tmp_path / "model", [[1.0, 1.0]]), [[2 * factor]])
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_something_else_is_not_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "thesis.tex").write_text("all of it")
    (tmp_path / "file").write_text("some of it")
    for name in ("folder", "file"):
        with pytest.raises(UserError, match=f"{name} exists and is no SavedModel"):
            _export(tmp_path / name, 2.0)
    assert (tmp_path / "folder" / "thesis.tex").read_text() == "all of it"
    assert (tmp_path / "file").read_text() == "some of it"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_failed_export_keeps_the_old_model(tmp_path):
    _export(tmp_path / "model", 2.0)

    def broken(x):
        raise ValueError("cannot be traced")

    layer = keras.layers.Dense(1)
    layer.build([None, 2])
    spec = [tf.TensorSpec([None, 2], tf.float32, "x")]
    with pytest.raises(ValueError, match="cannot be traced"):
        export(tmp_path / "model", [layer], {"broken": (broken, spec)})
    np.testing.assert_allclose(_times(tmp_path / "model", [[1.0, 1.0]]), [[4.0]])
