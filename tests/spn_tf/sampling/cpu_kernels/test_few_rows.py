import numpy as np
import pytest
import tensorflow as tf

from spn_tf.sampling.cpu_kernels import few_rows
from spn_tf.sampling.cpu_kernels.few_rows import product_with


def _numbers(*shape: int, seed: int = 0) -> tf.Tensor:
    return tf.constant(np.random.default_rng(seed).normal(size=shape), tf.float32)


def _rounded(x: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.cast(x, tf.bfloat16), tf.float32)


@pytest.mark.parametrize("shape", [(4, 6), (20, 70), (20, 64), (3, 20, 130)])
@pytest.mark.parametrize("large", [0, 1_000_000])
@pytest.mark.parametrize("rows", [1, 5, 20])
def test_the_product_equals_matmul(rows, large, shape, monkeypatch):
    monkeypatch.setattr(few_rows, "_LARGE", large)
    matrix, x = _numbers(*shape), _numbers(*shape[:-2], rows, shape[-2], seed=1)
    actual = tf.function(lambda x: product_with(matrix, "float32")(x), jit_compile=True)(x)
    np.testing.assert_allclose(actual, x @ matrix, atol=1e-5)


@pytest.mark.parametrize("shape", [(128, 6), (70, 130), (3, 70, 130)])
@pytest.mark.parametrize("large", [0, 1_000_000])
def test_a_bfloat16_network_rounds_rows_and_matrices_but_not_sums(large, shape, monkeypatch):
    monkeypatch.setattr(few_rows, "_LARGE", large)
    matrix, x = _numbers(*shape), _numbers(*shape[:-2], 5, shape[-2], seed=1)
    actual = tf.function(lambda x: product_with(matrix, "bfloat16")(x), jit_compile=True)(x)
    np.testing.assert_allclose(actual, _rounded(x) @ _rounded(matrix), atol=1e-4)
    assert np.abs(actual - x @ matrix).max() > 1e-2  # the test can tell rounded from exact


@pytest.mark.parametrize("inputs", [128, 70])
def test_a_single_row_is_not_rounded_before_large_bfloat16_matrices(inputs, monkeypatch):
    monkeypatch.setattr(few_rows, "_LARGE", inputs * 48)
    matrix, x = _numbers(inputs, 48), _numbers(1, inputs, seed=1)
    actual = tf.function(lambda x: product_with(matrix, "bfloat16")(x), jit_compile=True)(x)
    np.testing.assert_allclose(actual, x @ _rounded(matrix), atol=1e-4)
    assert np.abs(actual - x @ matrix).max() > 1e-3


@pytest.mark.parametrize("large", [0, 1_000_000])
@pytest.mark.parametrize("rows", [2, 3, 16])
def test_xla_runs_bfloat16_products_next_to_transposes_and_slices(rows, large, monkeypatch):
    """XLA fails at run time if it fuses a transpose into a product whose kernel is chosen."""
    monkeypatch.setattr(few_rows, "_LARGE", large)
    square, wide, heads = (_numbers(*s) / 3 for s in [(9, 9), (9, 70), (2, 9, 9)])

    def run(x: tf.Tensor, way) -> tf.Tensor:
        with_square, with_wide, with_heads = map(way, (square, wide, heads))

        def body(i: tf.Tensor, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            x = with_square(with_square(x))
            x = tf.transpose(with_square(tf.transpose(tf.transpose(x))))  # [9, rows]
            x = with_square(tf.transpose(x))
            x = with_wide(x)[:, 3:21]
            x = tf.transpose(tf.reshape(x, [rows, 2, 9]), [1, 0, 2])
            x = tf.transpose(with_heads(with_heads(x)), [1, 0, 2])
            return i + 1, x[:, 0] + with_square(x[:, 1])

        return tf.while_loop(lambda i, _: i < 2, body, (0, x))[1]

    x = _numbers(rows, 9, seed=1)
    actual = tf.function(lambda x: run(x, lambda m: product_with(m, "bfloat16")), jit_compile=True)(
        x
    )
    expected = run(x, lambda m: lambda x: _rounded(x) @ _rounded(m))
    # Sums in another order sometimes round to a neighbouring bfloat16 number.
    np.testing.assert_allclose(actual, expected, atol=0.01 * np.abs(expected).max())


def test_the_number_of_rows_may_be_unknown_to_the_graph(monkeypatch):
    monkeypatch.setattr(few_rows, "_LARGE", 0)
    matrix = _numbers(20, 6)
    for compute_dtype in ("float32", "bfloat16"):
        spec = tf.TensorSpec([None, 20], tf.float32)
        product = tf.function(
            lambda x, d=compute_dtype: product_with(matrix, d)(x),
            input_signature=[spec],
            jit_compile=True,
        )
        for rows in (1, 3):
            x = _numbers(rows, 20, seed=1)
            np.testing.assert_allclose(product(x), x @ matrix, atol=1e-5)
