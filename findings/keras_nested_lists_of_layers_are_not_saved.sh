#!/usr/bin/env bash
# Keras 3.12.0: weights of layers that an outer layer holds in a list of lists are left out of a
# .keras file without a word, and the loaded model has fresh ones. Keras 3.15.1 saves them.
# Exits 0 while this is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
cat >"$folder/nested.py" <<'PY'
import sys

import keras
import numpy as np


@keras.saving.register_keras_serializable("nested")
class Blocks(keras.layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.blocks = [[keras.layers.Dense(3)], [keras.layers.Dense(3)]]

    def build(self, shape):
        for (block,) in self.blocks:
            block.build(shape)

    def call(self, x):
        for (block,) in self.blocks:
            x = block(x)
        return x


model = keras.Sequential([keras.Input((3,)), Blocks()])
model.save(sys.argv[1])
x = np.arange(6, dtype="float32").reshape(2, 3)
same = np.allclose(model(x), keras.models.load_model(sys.argv[1])(x))
print("keras", keras.__version__, "weights of nested lists come back:", same)
raise SystemExit(not same)
PY
kept() {
  "$folder/env/bin/pip" install --quiet --disable-pip-version-check "keras==$1" \
    tensorflow-cpu==2.21.0 numpy==2.2.6
  TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1 KERAS_BACKEND=tensorflow \
    "$folder/env/bin/python" "$folder/nested.py" "$folder/$1.keras" 2>/dev/null
}
! kept 3.12.0 && kept 3.15.1
