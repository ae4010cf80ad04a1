#!/usr/bin/env bash
# TensorFlow 2.21 with XLA on a CPU: the last bits of a convolution with a 3x3 kernel depend on the
# number of threads (TF_NUM_INTRAOP_THREADS): 1 and 4 differ. Those of the same convolution as a
# product of patches do not. XLA_FLAGS=--xla_cpu_multi_thread_eigen=false does not change this.
# Exits 0 while this is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check tensorflow-cpu==2.21.0 numpy==2.2.6
cat >"$folder/convolution.py" <<'PY'
import hashlib
import sys

import numpy as np
import tensorflow as tf


@tf.function(jit_compile=True)
def convolution(x, kernel):
    return tf.nn.conv2d(x, kernel, 1, "SAME")


@tf.function(jit_compile=True)
def product(x, kernel):
    padded = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]])
    patches = [padded[:, i : i + 4, j : j + 4] for i in range(3) for j in range(3)]
    return tf.tensordot(tf.concat(patches, -1), tf.reshape(kernel, [-1, kernel.shape[-1]]), 1)


rng = np.random.default_rng(0)
x = tf.constant(rng.normal(size=[4, 4, 4, 48]).astype(np.float32))
kernel = tf.constant(rng.normal(size=[3, 3, 48, 64]).astype(np.float32))
function = {"convolution": convolution, "product": product}[sys.argv[1]]
result = function(x, kernel).numpy()
assert np.allclose(result, tf.nn.conv2d(x, kernel, 1, "SAME"), atol=1e-3)
print(hashlib.sha256(result.tobytes()).hexdigest()[:8])
PY
bits() { # function, threads, flags of XLA
  XLA_FLAGS="$3" TF_NUM_INTRAOP_THREADS="$2" TF_CPP_MIN_LOG_LEVEL=3 \
    "$folder/env/bin/python" "$folder/convolution.py" "$1" 2>/dev/null
}
alone="--xla_cpu_multi_thread_eigen=false"
convolutions="$(bits convolution 1 "") $(bits convolution 4 "")"
alones="$(bits convolution 1 $alone) $(bits convolution 4 $alone)"
products="$(bits product 1 "") $(bits product 4 "")"
echo "tensorflow 2.21.0, SHA-256 of the result with 1 and 4 threads"
echo "convolution: $convolutions; with $alone: $alones"
echo "product of patches: $products"
differ() { [ "${1% *}" != "${1#* }" ]; }
differ "$convolutions" && differ "$alones" && ! differ "$products"
