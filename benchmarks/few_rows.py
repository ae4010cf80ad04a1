#!/usr/bin/env python3
"""Times products of few rows with matrices read from memory, by several methods, in one run.

    python benchmarks/few_rows.py [--rows=8] [--shapes=640x640,1920x640]

The load is that of sampling: each core multiplies its part of the batch with the same matrices.
For each matrix, outputs x inputs, it prints the milliseconds per product on each core

- as it stands: rows on the left, matrix on the right;
- transposed: the transposed matrix on the left;
- in panels, the layout of large matrices in spn_tf/sampling/cpu_kernels/few_rows.py;
- in bfloat16 panels.
"""

import os
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
from absl import app, flags
from timing import fastest

from spn_tf.sampling.cpu_kernels.few_rows import in_panels, transposed
from spn_tf.sampling.kernels import Product

# Total size of the float32 matrices read in turn: about what one pixel reads at full width.
_BYTES = 120e6
_LOOPS = 20

flags.DEFINE_integer("rows", 8, "Rows of the left matrix.", lower_bound=2)
flags.DEFINE_list(
    "shapes",
    ["640x640", "1920x640", "1280x330", "1280x427", "2550x323"],
    "Matrices, outputs x inputs.",
)
FLAGS = flags.FLAGS

WAYS: dict[str, Callable[[tf.Tensor], Product]] = {
    "as it stands": lambda matrix: lambda x: tf.matmul(x, matrix),
    "transposed": transposed,
    "in panels": in_panels,
    "bfloat16 in panels": lambda matrix: in_panels(tf.cast(matrix, tf.bfloat16)),
}


def milliseconds(way: Callable[[tf.Tensor], Product], shape: list[int]) -> float:
    """Milliseconds per product on each core with a matrix of this shape, [inputs, outputs]."""
    count = max(2, round(_BYTES / (4 * shape[0] * shape[1])))
    matrices = [tf.random.normal(shape) for _ in range(count)]

    @tf.function(jit_compile=True, autograph=False)
    def products(x: tf.Tensor, matrices: list[tf.Tensor], loops: tf.Tensor) -> tf.Tensor:
        with_each = [way(matrix) for matrix in matrices]

        def body(i: tf.Tensor, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            for product in with_each:  # the sum makes each product depend on the one before
                x += 1e-9 * tf.reduce_mean(product(x))
            return i + 1, x

        return tf.while_loop(lambda i, _: i < loops, body, (0, x))[1]

    @tf.function(autograph=False)
    def on_all_cores(loops: tf.Tensor) -> list[tf.Tensor]:
        return [products(x, matrices, loops) for x in rows]

    rows = [tf.random.normal([FLAGS.rows, shape[0]]) for _ in range(os.cpu_count() or 1)]
    # A run of no loops takes the time of arranging the matrices, which is subtracted.
    none, all_loops = tf.constant(0), tf.constant(_LOOPS)
    on_all_cores(none)
    arranging = fastest(lambda: on_all_cores(none)[-1].numpy())
    whole = fastest(lambda: on_all_cores(all_loops)[-1].numpy())
    return (whole - arranging) * 1e3 / (count * _LOOPS)


def main(_: list[str]) -> None:
    tf.get_logger().setLevel("ERROR")  # no warnings of retracing: every shape needs it
    print(f"| outputs x inputs | {' | '.join(WAYS)} |")
    print("|---" * (len(WAYS) + 1) + "|")
    for text in FLAGS.shapes:
        outputs, inputs = map(int, text.split("x"))
        times = (milliseconds(way, [inputs, outputs]) for way in WAYS.values())
        print(f"| {text} | {' | '.join(f'{time:.3f}' for time in times)} |", flush=True)


if __name__ == "__main__":
    app.run(main)
