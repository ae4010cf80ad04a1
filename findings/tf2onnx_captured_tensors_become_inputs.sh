#!/usr/bin/env bash
# tf2onnx 1.17.0: a tensor that was made outside of a tf.function, and is used inside, becomes one
# more required input of the ONNX model, with a name of tf2onnx's, and its value is nowhere in the
# file. `convert.from_function` ends without an error or warning. A variable in its place becomes a
# constant. So does the tensor if the function is frozen first by TensorFlow's
# convert_variables_to_constants_v2, and converted by `from_graph_def`.
# Exits 0 while this is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet tensorflow-cpu==2.21.0 tf2onnx==1.17.0 onnx==1.23.2 \
  onnxruntime==1.32.0 2>/dev/null
cat >"$folder/run.py" <<'PY'
import numpy as np
import onnxruntime
import tensorflow as tf
import tf2onnx
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

values = np.arange(4, dtype=np.float32)
spec = [tf.TensorSpec([3], tf.float32, "x")]


def inputs(weights, frozen=False):
    function = tf.function(lambda x: x * tf.reduce_sum(weights), input_signature=spec)
    if frozen:
        made = convert_variables_to_constants_v2(function.get_concrete_function())
        graph = made.graph.as_graph_def()
        names = [tensor.name for tensor in made.inputs], [tensor.name for tensor in made.outputs]
        model, _ = tf2onnx.convert.from_graph_def(
            graph, input_names=names[0], output_names=names[1], opset=18
        )
    else:
        model, _ = tf2onnx.convert.from_function(function, input_signature=spec, opset=18)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return [tensor.name for tensor in session.get_inputs()]


counts = {}
for name, weights, frozen in (
    ("a tensor", tf.constant(values), False),
    ("a variable", tf.Variable(values), False),
    ("a tensor, frozen", tf.constant(values), True),
):
    found = inputs(weights, frozen)
    counts[name] = len(found)
    print(f"{name}: inputs {found}")
assert counts == {"a tensor": 2, "a variable": 1, "a tensor, frozen": 1}
PY
TF_CPP_MIN_LOG_LEVEL=3 "$folder/env/bin/python" "$folder/run.py" 2>/dev/null
