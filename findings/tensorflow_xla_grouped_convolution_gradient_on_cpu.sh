#!/usr/bin/env bash
# tensorflow-cpu 2.21.0: with XLA on a CPU, the gradient of a grouped convolution by its kernel takes
# hundreds of times as long as without, and far longer than that of the dense convolution with 12 times the
# arithmetic. Without XLA the grouped one is the faster, as it should be.
# Exits 0 while XLA takes at least ten times as long, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check tensorflow-cpu==2.21.0
cat >"$folder/gradient.py" <<'PY'
import time

import tensorflow as tf

UNITS, GROUP = 192, 16
x = tf.random.stateless_normal([8, 16, 16, UNITS], [1, 2])
print("tensorflow", tf.__version__)


def seconds(function):
    function()  # traces and compiles
    times = []
    for _ in range(3):
        start = time.perf_counter()
        function()[0].numpy()
        times.append(time.perf_counter() - start)
    return min(times)


ratios = {}
for name, inputs in (("dense", UNITS), ("grouped", GROUP)):
    kernel = tf.random.stateless_normal([3, 3, inputs, UNITS], [3, 4])
    for part in ("kernel", "input"):

        def gradient(kernel=kernel, part=part):
            with tf.GradientTape() as tape:
                tape.watch([x, kernel])
                y = tf.reduce_sum(tf.nn.conv2d(x, kernel, 1, "SAME") ** 2)
            return [tape.gradient(y, kernel if part == "kernel" else x)]

        plain, xla = (
            seconds(tf.function(gradient, jit_compile=compiled)) for compiled in (False, True)
        )
        ratios[name, part] = xla / plain
        print(f"{name}, gradient by {part}: {plain:.4f} s, with XLA {xla:.4f} s")
print({f"{name} {part}": round(ratio, 1) for (name, part), ratio in ratios.items()})
raise SystemExit(not ratios["grouped", "kernel"] > 10)
PY
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1 "$folder/env/bin/python" "$folder/gradient.py" 2>/dev/null
