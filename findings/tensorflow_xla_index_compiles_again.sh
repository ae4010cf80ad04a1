#!/usr/bin/env bash
# TensorFlow 2.21: a function with jit_compile=True that computes x[i], i an argument, is compiled
# again by XLA for each value of i: the index is a constant of the program. tf.gather(x, i) is
# compiled once. tf.function's count of traces tells neither.
# Exits 0 while this is so, 1 once it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check tensorflow-cpu==2.21.0
cat >"$folder/index.py" <<'PY'
import time

import tensorflow as tf

numbers = tf.range(1000.0)


@tf.function(jit_compile=True)
def by_index(x, i):
    return x[i] * 2


@tf.function(jit_compile=True)
def by_gather(x, i):
    return tf.gather(x, i) * 2


def program(function, i):
    return function.experimental_get_compiler_ir(numbers, tf.constant(i))(stage="hlo")


def seconds(function):
    started = time.perf_counter()
    for i in range(1, 51):
        function(numbers, tf.constant(i))
    return time.perf_counter() - started


print("tensorflow", tf.__version__)
seen = {}
for function in (by_index, by_gather):
    name = function.python_function.__name__
    function(numbers, tf.constant(0))
    new, known = seconds(function), seconds(function)
    traces = function.experimental_get_tracing_count()
    print(f"{name}: 50 new indices {new:.2f} s, the same again {known:.2f} s, {traces} trace")
    seen[name] = program(function, 3) == program(function, 4), traces
expected = {"by_index": (False, 1), "by_gather": (True, 1)}
print("one program for two indices, traces:", seen)
raise SystemExit(0 if seen == expected else 1)
PY
TF_CPP_MIN_LOG_LEVEL=3 "$folder/env/bin/python" "$folder/index.py" 2>/dev/null
