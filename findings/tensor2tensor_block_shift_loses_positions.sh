#!/usr/bin/env bash
# tensor2tensor 1.15.7: the shift before its local attention in two dimensions (right_shift_blockwise)
# starts every block with a zero, so the last position of each block is the input of no position: a
# model of images in 2x2 blocks never sees a quarter of the pixels. And its masked_local_attention_2d
# takes a key of zeros in the memory around a block for padding, so a real position with such a key
# is hidden from the block below.
# Exits 0 while this is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check tensorflow-cpu==2.21.0 numpy==2.2.6 \
  six==1.17.0 tensorflow-probability==0.25.0 tf-keras==2.21.0 absl-py==2.3.1
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --no-deps tensor2tensor==1.15.7
cat >"$folder/blocks.py" <<'PY'
import importlib.metadata
import sys
import types

sys.modules["tensorflow_addons"] = types.ModuleType("tensorflow_addons")  # not used here
sys.modules["tf_slim"] = types.ModuleType("tf_slim")
import numpy as np
import tensorflow as tf
from tensor2tensor.layers import common_attention

plane = tf.reshape(tf.range(1.0, 17.0), [1, 4, 4, 1])
inputs = common_attention.right_shift_blockwise(plane, (2, 2)).numpy()
lost = sorted(set(range(1, 17)) - set(inputs.astype(int).reshape(-1).tolist()))
print("tensor2tensor", importlib.metadata.version("tensor2tensor"))
print("inputs after the shift:", inputs.astype(int).reshape(4, 4).tolist())
print("positions that are no input:", lost)

rng = np.random.default_rng(0)
q, k, v = (rng.normal(size=[1, 1, 4, 4, 3]) for _ in range(3))


def read(keys, values):
    return common_attention.masked_local_attention_2d(
        *map(tf.constant, (q, keys, values)), query_shape=(2, 2), memory_flange=(2, 2)
    ).numpy()[0, 0]


zero = k.copy()
zero[0, 0, 1, 0] = 0
other = v.copy()
other[0, 0, 1, 0] += 100
changed = np.abs(read(zero, other) - read(zero, v)).max(axis=-1) > 1e-9
print("rows of positions that see (1, 0), whose key is zero:", changed.any(axis=1).tolist())
hidden = changed[:2].any() and not changed[2:].any()
seen = (np.abs(read(k, other) - read(k, v)).max(axis=-1) > 1e-9)[2:].any()
raise SystemExit(not (lost == [6, 8, 14, 16] and hidden and seen))
PY
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1 "$folder/env/bin/python" "$folder/blocks.py" 2>/dev/null
