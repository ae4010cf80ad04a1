import pathlib
import re
import sys

import numpy as np
import pytest
import tensorflow as tf

import cascade_tf
from cascade_tf import xla_ops
from cascade_tf.xla_ops import (
    dynamic_update_slice,
    matmul_with_float32_sums,
    optimization_barrier,
)

_MODULES = ("tensorflow.compiler.tf2xla.python.xla", "tensorflow.compiler.xla.xla_data_pb2")


@pytest.fixture(params=["nothing", *_MODULES, "dot_general"])
def lacking(request, monkeypatch):
    """Name of the module or function that TensorFlow lacks during the test, or "nothing"."""
    if request.param in _MODULES:
        monkeypatch.setitem(sys.modules, request.param, None)
    elif request.param != "nothing":
        monkeypatch.delattr(sys.modules[_MODULES[0]], request.param)
    return request.param


def test_two_files_import_private_modules():
    root = pathlib.Path(cascade_tf.__file__).parents[1]
    private = re.compile(r"tensorflow\.(compiler|python|core)\b")
    packages = ("cascade_cli", "cascade_tf", "spn_tf", "wavelet_tf")
    sources = [path for package in packages for path in (root / package).rglob("*.py")]
    files = {path.name for path in sources if private.search(path.read_text())}
    assert files == {"xla_ops.py", "runtime_models.py"}  # the second one freezes graphs


def test_missing_operations_are_listed(lacking):
    missing = {
        "nothing": [],
        _MODULES[0]: ["dynamic_update_slice", "optimization_barrier", "dot_general"],
        _MODULES[1]: ["DotDimensionNumbers"],
        "dot_general": ["dot_general"],
    }
    assert xla_ops.missing_ops() == missing[lacking]


@pytest.mark.parametrize("dtype", [np.float32, np.uint32])
@pytest.mark.parametrize("start", [(0, 0, 0), (0, 3, 1)])
def test_an_update_replaces_a_part(start, dtype, lacking):
    x = np.random.default_rng(0).integers(0, 100, [2, 5, 4]).astype(dtype)
    update = np.random.default_rng(1).integers(0, 100, [2, 2, 3]).astype(dtype)
    expected = x.copy()
    expected[:, start[1] : start[1] + 2, start[2] : start[2] + 3] = update
    compiled = tf.function(dynamic_update_slice, jit_compile=True, autograph=False)
    np.testing.assert_array_equal(compiled(x, update, tf.constant(start)), expected)


def test_a_barrier_returns_its_tensors(lacking):
    x, y = tf.constant([1.0, 2.0]), tf.constant([3])
    compiled = tf.function(optimization_barrier, jit_compile=True, autograph=False)
    for tensor, after in zip((x, y), compiled(x, y), strict=True):
        np.testing.assert_array_equal(tensor, after)


def test_products_of_bfloat16_numbers_are_summed_in_float32(lacking):
    rng = np.random.default_rng(0)
    a, b = (tf.cast(rng.normal(size=s), tf.bfloat16) for s in ([2, 5, 300], [2, 300, 7]))
    compiled = tf.function(matmul_with_float32_sums, jit_compile=True, autograph=False)
    exact = tf.cast(a, tf.float64) @ tf.cast(b, tf.float64)
    result = compiled(a, b)
    assert result.dtype == tf.float32
    np.testing.assert_allclose(result, exact, atol=1e-4)
