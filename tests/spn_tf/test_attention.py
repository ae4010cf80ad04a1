import keras
import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.strategies import accelerators_assumed
from cascade_tf.xla_choice import compiled_by_xla
from spn_tf.attention import (
    DenseFeedForward,
    ParameterAttention,
    PositionEmbedding,
    SelfAttention,
    Transformer,
)
from spn_tf.dropout import Dropout
from spn_tf.recomputation import Gradients, by_heads, tracing

RNG = np.random.default_rng(0)


def _softmax(x):
    x = np.exp(x - x.max(-1, keepdims=True))
    return x / x.sum(-1, keepdims=True)


def _random_weights(layer):
    for weight in layer.weights:
        weight.assign(RNG.normal(size=weight.shape))


@pytest.mark.parametrize("heads", [1, 2, 5])
def test_parameter_attention_against_its_definition(heads):
    width, channels, rows = 10, 3, 7
    layer = ParameterAttention(width, heads, channels, rows, dtype="float64")
    layer.build((None, 5, width))
    _random_weights(layer)
    x = RNG.normal(size=(4, 5, width))

    query, out = layer.query.kernel.numpy(), layer.out.kernel.numpy()
    keys, values = layer.keys.numpy() * heads**0.5, layer.values.numpy() * width**0.5
    expected = np.zeros((4, 5, width))
    for head in range(heads):
        units = slice(head * channels, (head + 1) * channels)
        weights = _softmax(x @ query[:, units] @ keys[head].T)  # no scaling, no mask
        expected += weights @ values[head] @ out[units]
    np.testing.assert_allclose(layer(x), expected, rtol=1e-10)


def test_parameter_attention_has_the_papers_number_of_parameters():
    width, heads, channels, rows = 10, 2, 3, 7
    layer = ParameterAttention(width, heads, channels, rows)
    layer.build((None, 5, width))
    keys = heads * channels
    assert layer.count_params() == width * keys + rows * (keys + keys) + keys * width


@pytest.mark.parametrize("causal", [False, True])
def test_self_attention_against_its_definition(causal):
    width, heads, channels, length = 8, 2, 3, 5
    layer = SelfAttention(width, heads, channels, causal, dtype="float64")
    layer.build((None, length, width))
    _random_weights(layer)
    x = RNG.normal(size=(2, length, width))

    q, k, v = np.split(x @ layer.qkv.kernel.numpy(), 3, axis=-1)
    out = layer.out.kernel.numpy()
    mask = np.tril(np.ones((length, length))) if causal else np.ones((length, length))
    expected = 0
    for head in range(heads):
        u = slice(head * channels, (head + 1) * channels)
        scores = q[..., u] @ k[..., u].transpose(0, 2, 1) / np.sqrt(channels)
        expected += _softmax(np.where(mask, scores, -np.inf)) @ v[..., u] @ out[u]
    np.testing.assert_allclose(layer(x), expected, rtol=1e-10)


def test_dense_feed_forward_against_its_definition():
    layer = DenseFeedForward(4, 9, dtype="float64")
    layer.build((None, 3, 4))
    _random_weights(layer)
    w1, b1, w2, b2 = [w.numpy() for w in (*layer.inner.weights, *layer.out.weights)]
    x = RNG.normal(size=(2, 3, 4))
    np.testing.assert_allclose(layer(x), np.maximum(x @ w1 + b1, 0) @ w2 + b2, rtol=1e-10)


@pytest.mark.parametrize("ffn", ["parameter_attention", "dense"])
def test_transformer_is_pre_norm_with_a_last_norm(ffn):
    stack = Transformer(2, 8, 2, 4, causal=True, ffn=ffn, ffn_size=6, dtype="float64")
    stack.build((None, 5, 8))
    x = RNG.normal(size=(2, 5, 8))
    expected = tf.constant(x)
    norm = keras.layers.LayerNormalization(epsilon=1e-6, dtype="float64")
    for branch in stack.branches:
        expected = expected + branch(norm(expected))
    np.testing.assert_allclose(stack(x), norm(expected), rtol=1e-8)


@pytest.mark.parametrize(
    "layer", [SelfAttention(8, 3, 4, True, dtype="float64"), ParameterAttention(8, 3, 4, 6)]
)
def test_on_an_accelerator_the_heads_are_apart_from_the_start_with_the_same_result(layer):
    layer.build((None, 5, 8))
    _random_weights(layer)
    x = tf.constant(RNG.normal(size=(2, 5, 8)), layer.dtype)
    expected = layer(x)
    heads_apart = []

    def call(x):
        heads_apart.append(by_heads())
        return layer(x)

    with accelerators_assumed("TPU"), tracing(Gradients("none")):
        actual = compiled_by_xla(call)(x)
    assert heads_apart == [True]
    np.testing.assert_allclose(actual, expected, rtol=1e-4)


def test_transformer_applies_dropout_to_each_residual_branch():
    stack = Transformer(2, 8, 2, 4, causal=True, ffn="dense", ffn_size=6)
    stack.build((None, 5, 8))
    calls = []

    class All(Dropout):
        def attention(self, x):
            calls.append(x.shape)
            return tf.zeros_like(x)

    x = tf.constant(RNG.normal(size=(2, 5, 8)), tf.float32)
    out = stack(x, dropout=All())
    assert calls == [(2, 5, 8)] * 4
    np.testing.assert_allclose(out, stack.norms[-1](x))  # all branches dropped


def test_position_embedding_adds_row_and_column_vectors():
    layer = PositionEmbedding()
    layer.build((None, 3, 4, 5))
    out = layer(tf.zeros([2, 3, 4, 5])).numpy()
    np.testing.assert_allclose(out[1, 2, 3], layer.rows.numpy()[2, 0] + layer.columns.numpy()[0, 3])
