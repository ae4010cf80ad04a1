"""An order between computations that do not depend on each other."""

import pytest
import tensorflow as tf

from cascade_tf.computation_order import in_order
from cascade_tf.xla_choice import compiled_by_xla


def _sum(x):
    [first], [other] = in_order([tf.sin(x)], [tf.cos(x)])
    return first + other


@pytest.mark.parametrize("kind", [compiled_by_xla, tf.function])
def test_the_order_changes_no_result(kind):
    x = tf.constant([1.0, 2.0])
    tf.debugging.assert_near(kind(_sum)(x), tf.sin(x) + tf.cos(x))


def test_xla_gets_the_order_as_a_barrier():
    program = compiled_by_xla(_sum).experimental_get_compiler_ir(tf.zeros([2]))(stage="hlo")
    [line] = [line for line in program.split("\n") if "opt-barrier(" in line]
    assert line.split("opt-barrier")[0].count("f32[2]") == 2


def test_tensorflow_gets_the_order_as_control_dependencies():
    graph = tf.function(_sum).get_concrete_function(tf.zeros([2])).graph
    [identity] = [
        x for x in graph.get_operations() if x.control_inputs and x.inputs[0].op.type == "Cos"
    ]
    assert [x.type for x in identity.control_inputs] == ["Sin"]
