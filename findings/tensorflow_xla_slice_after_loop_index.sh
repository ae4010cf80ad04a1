#!/usr/bin/env bash
# TensorFlow 2.21 with XLA on a CPU: in a while loop, x[:, i, 2:4] with the loop's counter i returns
# x[:, i, 0:2]. There is no error; without XLA the result is right, and so is x[:, i][:, 2:4].
# Exits 0 while this is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check tensorflow-cpu==2.21.0 numpy==2.2.6
cat >"$folder/slices.py" <<'PY'
import numpy as np
import tensorflow as tf

numbers = tf.reshape(tf.range(48, dtype=tf.float32), [2, 4, 6])


def slices(one_step, compiled):
    def collect(x):
        def body(i, parts):
            part = x[:, i, 2:4] if one_step else x[:, i][:, 2:4]
            return i + 1, tf.tensor_scatter_nd_update(parts, [[i]], [part])

        return tf.while_loop(lambda i, _: i < 4, body, (0, tf.zeros([4, 2, 2])))[1]

    return tf.function(collect, jit_compile=compiled, autograph=False)(numbers).numpy()


def equal(parts, start):
    return np.array_equal(parts, numbers.numpy()[:, :, start : start + 2].transpose(1, 0, 2))


print("tensorflow", tf.__version__)
seen = {
    "graph: x[:, i, 2:4] is numpy's x[:, i, 2:4]": equal(slices(True, False), 2),
    "XLA: x[:, i][:, 2:4] is numpy's x[:, i, 2:4]": equal(slices(False, True), 2),
    "XLA: x[:, i, 2:4] is numpy's x[:, i, 2:4]": equal(slices(True, True), 2),
    "XLA: x[:, i, 2:4] is numpy's x[:, i, 0:2]": equal(slices(True, True), 0),
}
for claim, holds in seen.items():
    print(f"{claim}: {holds}")
raise SystemExit(list(seen.values()) != [True, True, False, True])
PY
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1 "$folder/env/bin/python" "$folder/slices.py" 2>/dev/null
