"""Programs of XLA, compiled for a TPU and a GPU that are not there."""

import importlib.util
import pathlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.errors import UserError
from cascade_tf.hardware.compilation import compile_for, require_compiler
from cascade_tf.hardware.lowering import Function, lowered
from cascade_tf.hardware.targets import TARGETS

needs_compilers = pytest.mark.skipif(
    importlib.util.find_spec("jax_plugins") is None, reason="no wheels of jax 0.10 for this Python"
)
_SIZE = 256


def _step(rows):
    """weight += x^T (x @ weight), for x of `rows` rows, and a table of numbers."""
    weight = tf.Variable(tf.ones([_SIZE, _SIZE]))
    table = np.random.default_rng(0).random(512, np.float32)  # 2,048 bytes

    def step(x):
        weight.assign_add(tf.matmul(x, tf.matmul(x, weight), transpose_a=True))
        return tf.gather(table, tf.cast(x[:1, 0], tf.int32))

    return lowered(Function(step, [tf.TensorSpec([rows, _SIZE], tf.float32)]))


@needs_compilers
def test_figures_are_those_of_the_program_and_two_compilers_run_at_once():
    targets, lock = ("tpu-v5e", "gpu-h100"), pathlib.Path("/tmp/libtpu_lockfile")
    locked_by_others = lock.exists()
    with ThreadPoolExecutor() as pool:
        figures = list(pool.map(lambda target: compile_for(target, _step(1024)), targets))
    variable, batch = 4 * _SIZE**2, 4 * 1024 * _SIZE
    for each in figures:
        assert each.fits
        # The variable's new value takes the place of the old one.
        assert variable + batch <= each.arguments <= variable + batch + 4096
        assert each.results <= 4096
        assert each.operations == pytest.approx(4 * 1024 * _SIZE**2, rel=0.02)
        assert each.bytes >= variable + batch
        assert each.largest_constant == 2048
    assert lock.exists() == locked_by_others


@needs_compilers
def test_a_program_that_does_not_fit_says_what_it_needs():
    rows = 60_000

    def sums(x):
        return tf.reduce_sum(tf.sort(tf.matmul(x, x, transpose_b=True), axis=0))

    program = lowered(Function(sums, [tf.TensorSpec([rows, 8], tf.float32)]))
    figures = compile_for("tpu-v5e", program)
    assert not figures.fits and figures.temporaries >= 4 * rows**2
    assert figures.arguments == 4 * rows * 8


def test_a_missing_compiler_is_one_line(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "libtpu" else 1)
    require_compiler("gpu-a100")
    with pytest.raises(UserError, match=r"needs the package libtpu.*cascade-tf\[compile\]"):
        require_compiler("tpu-v3")


def test_the_descriptions_of_gpus_are_complete():
    for name, target in TARGETS.items():
        assert target.memory > 15e9 and target.bandwidth > 4e11 and min(target.peak.values()) > 1e13
        if name.startswith("gpu"):
            assert f"device_memory_size: {target.memory:.0f}" in target.topology
