"""The gradient of attention against TensorFlow's own of its definition."""

import re

import numpy as np
import pytest
import tensorflow as tf

from cascade_tf.xla_choice import compiled_by_xla
from spn_tf.dot_product_attention import dot_product_attention
from spn_tf.recomputation import Gradients, tracing


def _value_and_gradients(how, causal, shapes, compiled=False, dtype=tf.float64):
    q, k, v, upstream = (
        tf.cast(tf.random.stateless_normal(shape, [i, 0]), dtype) for i, shape in enumerate(shapes)
    )

    def run(q, k, v):
        with tf.GradientTape() as tape:
            tape.watch((q, k, v))
            if how is None:
                read = dot_product_attention(q, k, v, 0.3, causal)
            else:
                with tracing(how):
                    read = dot_product_attention(q, k, v, 0.3, causal)
        return read, *tape.gradient(read, (q, k, v), upstream)

    run = compiled_by_xla(run) if compiled else tf.function(run, autograph=False)
    return [x.numpy() for x in run(q, k, v)]


_SQUARE = [(2, 3, 5, 4)] * 4
_LONG = [(1, 1, 601, 2)] * 4  # two blocks of queries, of different sizes
_ROWS = [(2, 9, 4), (2, 6, 4), (2, 6, 4), (2, 9, 4)]


@pytest.mark.parametrize("recompute", ["none", "attention"])
@pytest.mark.parametrize(
    ("shapes", "causal"), [(_SQUARE, False), (_SQUARE, True), (_LONG, True), (_ROWS, False)]
)
@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_are_those_of_the_definition(recompute, shapes, causal, compiled):
    actual = _value_and_gradients(Gradients(recompute), causal, shapes, compiled)
    for x, y in zip(actual, _value_and_gradients(None, causal, shapes), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-12)


def test_recomputed_weights_give_the_same_bits():
    kept, recomputed = (
        _value_and_gradients(Gradients(name), True, _LONG, dtype=tf.float32)
        for name in ("none", "attention")
    )
    for x, y in zip(kept, recomputed, strict=True):
        np.testing.assert_array_equal(x, y)


def test_a_program_stores_no_mask():
    x = tf.zeros(_LONG[0])

    def run(x):
        with tracing(Gradients("none")):
            return dot_product_attention(x, x, x, 0.3, True)

    program = compiled_by_xla(run).experimental_get_compiler_ir(x)(stage="optimized_hlo")
    constants = re.findall(r"\w+\[([\d,]*)\]\S* constant\(", program)
    sizes = [np.prod([int(n) for n in shape.split(",") if n]) for shape in constants]
    assert sizes and max(sizes) <= 601
