import numpy as np
import pytest
import tensorflow as tf

from spn_tf import few_rows
from spn_tf.dense import Dense
from spn_tf.few_rows import dense, product_with


def _matrix(inputs: int, outputs: int) -> tf.Tensor:
    return tf.constant(np.random.default_rng(0).normal(size=[inputs, outputs]), tf.float32)


def _rows(rows: int, inputs: int) -> tf.Tensor:
    return tf.constant(np.random.default_rng(1).normal(size=[rows, inputs]), tf.float32)


@pytest.mark.parametrize("large", [0, 100])
@pytest.mark.parametrize("rows", [1, 5])
def test_the_product_is_that_of_the_matrices(rows, large, monkeypatch):
    monkeypatch.setattr(few_rows, "_LARGE", large)
    matrix, x = _matrix(4, 6), _rows(rows, 4)
    made = tf.function(lambda x: product_with(matrix)(x), jit_compile=True)(x)
    np.testing.assert_allclose(made, x @ matrix, atol=1e-5)


@pytest.mark.parametrize("inputs", [128, 70])
@pytest.mark.parametrize("rows", [1, 5])
def test_one_row_meets_the_large_matrices_of_a_bfloat16_network_as_it_has_them(
    inputs, rows, monkeypatch
):
    monkeypatch.setattr(few_rows, "_LARGE", inputs * 6)
    matrix, x = _matrix(inputs, 6), _rows(rows, inputs)
    made = tf.function(lambda x: product_with(matrix, "bfloat16")(x), jit_compile=True)(x)
    rounded = tf.cast(tf.cast(matrix, tf.bfloat16), tf.float32)
    expected = x @ (rounded if rows == 1 else matrix)
    np.testing.assert_allclose(made, expected, atol=1e-4)
    assert np.abs(x @ rounded - x @ matrix).max() > 1e-3  # so that it matters


def test_the_number_of_rows_may_be_unknown_to_the_graph(monkeypatch):
    monkeypatch.setattr(few_rows, "_LARGE", 0)
    matrix = _matrix(4, 6)
    spec = tf.TensorSpec([None, 4], tf.float32)
    product = tf.function(
        lambda x: product_with(matrix)(x), input_signature=[spec], jit_compile=True
    )
    for rows in (1, 3):
        x = _rows(rows, 4)
        np.testing.assert_allclose(product(x), x @ matrix, atol=1e-5)


def test_dense_adds_the_bias_and_applies_the_activation():
    layer = Dense(3, activation="relu", bias_initializer="ones")
    layer.build([None, 4])
    layer.kernel.assign(_matrix(4, 3))
    x = _rows(5, 4)
    expected = layer(x)
    made = tf.function(lambda x: dense(layer, "float32")(x), jit_compile=True)(x)
    np.testing.assert_allclose(made, expected, atol=1e-5)
    assert np.any(expected > 0) and np.any(expected == 0)
