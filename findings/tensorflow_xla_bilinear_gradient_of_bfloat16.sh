#!/usr/bin/env bash
# TensorFlow 2.21.0: under XLA the gradient of tf.image.resize (bilinear) of a bfloat16 image is a
# float32 array, although TensorFlow takes it for bfloat16. As the result of a compiled function its
# bytes are then read as bfloat16: every second number is noise, and half of the numbers are missing.
# Followed by another gradient, such as ReLU's, the program has a `select` of operands of two types,
# which XLA takes and StableHLO does not. With a cast to float32 before the resize it is right.
# Exits 0 while this is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet tensorflow-cpu==2.21.0 2>/dev/null
cat >"$folder/run.py" <<'PY'
import numpy as np
import tensorflow as tf


def gradient(x, cast):
    with tf.GradientTape() as tape:
        tape.watch(x)
        image = tf.cast(x, tf.float32) if cast else x
        loss = tf.reduce_sum(tf.square(tf.image.resize(image, [8, 8], "bilinear")))
    return tape.gradient(loss, x)


x = tf.cast(tf.reshape(tf.range(16), [1, 4, 4, 1]), tf.bfloat16)
plain = tf.function(gradient)(x, False)
compiled = tf.function(gradient, jit_compile=True)
program = compiled.experimental_get_compiler_ir(x, False)(stage="hlo")
(entry,) = [line for line in program.splitlines() if line.startswith("ENTRY")]


def first(values):
    return values.numpy().astype(np.float32).ravel()[:6].tolist()


print("without XLA:            ", plain.dtype.name, first(plain))
print("with XLA:               ", compiled(x, False).dtype.name, first(compiled(x, False)))
print("with XLA, after a cast: ", compiled(x, True).dtype.name, first(compiled(x, True)))
print("the program's result:   ", entry.split("-> ")[1])
assert first(compiled(x, True)) == first(plain) != first(compiled(x, False))
assert "-> f32[1,4,4,1]" in entry
PY
TF_CPP_MIN_LOG_LEVEL=3 "$folder/env/bin/python" "$folder/run.py" 2>/dev/null
