#!/usr/bin/env python3
"""Times products of few rows with matrices that come from memory, two ways, in one run.

    python benchmarks/few_rows.py [--rows=16] [--shapes=640x640,1920x640]

For each matrix, outputs x inputs, float32, it prints the milliseconds of one product

- as it stands: rows on the left, matrix on the right;
- turned round: the matrix, transposed, on the left, as spn_tf/few_rows.py makes it;

and GB/s, at which the faster of them reads its matrix.
"""

import os
import pathlib
import sys
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import tensorflow as tf
from absl import app, flags
from timing import fastest

from spn_tf.few_rows import Product, product_with

_BYTES = 120e6  # of all matrices that are read in turn: about a pixel's weights at full width
_LOOPS = 40

flags.DEFINE_integer("rows", 16, "Of the left matrix.", lower_bound=2)
flags.DEFINE_list(
    "shapes",
    ["640x640", "1920x640", "1920x1024", "1280x427", "768x427"],
    "Outputs x inputs.",
)
FLAGS = flags.FLAGS


def milliseconds(way: Callable[[tf.Tensor], Product], shape: list[int]) -> float:
    """Of one product with a matrix of this shape, [inputs, outputs]."""
    count = max(2, round(_BYTES / (4 * shape[0] * shape[1])))
    matrices = [tf.random.normal(shape) for _ in range(count)]

    @tf.function(jit_compile=True, autograph=False)
    def run(x: tf.Tensor, matrices: list[tf.Tensor]) -> tf.Tensor:
        products = [way(matrix) for matrix in matrices]

        def body(i: tf.Tensor, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            for product in products:  # each waits for the whole of the one before
                x += 1e-9 * tf.reduce_mean(product(x))
            return i + 1, x

        return tf.while_loop(lambda i, _: i < _LOOPS, body, (0, x))[1]

    x = tf.random.normal([FLAGS.rows, shape[0]])
    run(x, matrices)
    return fastest(lambda: run(x, matrices).numpy()) * 1e3 / (count * _LOOPS)


def main(_: list[str]) -> None:
    tf.get_logger().setLevel("ERROR")  # each shape is a program of its own, and meant to be

    def as_it_stands(matrix: tf.Tensor) -> Product:
        return lambda x: tf.matmul(x, matrix)

    print("| outputs x inputs | as it stands, ms | turned round, ms | GB/s |")
    print("|---|---|---|---|")
    for text in FLAGS.shapes:
        outputs, inputs = map(int, text.split("x"))
        ways = (as_it_stands, product_with)
        times = [milliseconds(way, [inputs, outputs]) for way in ways]
        told = " | ".join(f"{time:.2f}" for time in times)
        print(f"| {text} | {told} | {4e-6 * outputs * inputs / min(times):.0f} |", flush=True)


if __name__ == "__main__":
    app.run(main)
