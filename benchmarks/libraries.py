#!/usr/bin/env python3
"""Times parts written by hand against those of libraries; see docs/architecture.md.

    python benchmarks/libraries.py

The contestants alternate; each line has the lower quartile of the rounds:

- Adam's update of 100 convolutions of 128 channels;
- 64 x 4096 random numbers seeded per example, with and without XLA;
- CPU time to decode a JPEG file of 500x375 in the graph, in a nested dataset that catches errors,
  and in a Python call.
"""

import functools
import io
import os
import time
from collections.abc import Callable, Mapping

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import skimage
import tensorflow as tf
from absl import app
from PIL import Image

from cascade_tf import randomness
from cascade_tf.data.image_decoding import decode_plain
from cascade_tf.optimizers import Adam

ROUNDS = 20
IMAGES = 400


class KerasAdam(Adam):
    update_step = keras.optimizers.Adam.update_step


def _compare(
    title: str, cases: Mapping[str, Callable], clock: Callable[[], float], count: int = 1
) -> None:
    took: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(ROUNDS + 1):
        for name, run in cases.items():
            began = clock()
            run()
            if number:  # the first round traces and compiles
                took[name].append((clock() - began) / count)
    figures = {name: 1000 * np.quantile(seconds, 0.25) for name, seconds in took.items()}
    print(
        f"{title}: " + ", ".join(f"{name} {ms:.2f} ms" for name, ms in figures.items()), flush=True
    )


def _update(kind: type[Adam]) -> Callable:
    variables = [keras.Variable(tf.ones([3, 3, 128, 128])) for _ in range(100)]
    gradients = [tf.random.stateless_normal(v.shape, [n, 0]) for n, v in enumerate(variables)]
    optimizer = kind(1e-3)
    optimizer.build(variables)
    return tf.function(lambda: optimizer.apply(gradients, variables), autograph=False)


def _numbers(ours: bool, xla: bool) -> Callable:
    def of_tensorflow(indices: tf.Tensor) -> tf.Tensor:
        def row(index: tf.Tensor) -> tf.Tensor:
            seed = tf.random.experimental.stateless_fold_in(tf.constant([3, 7], tf.int64), index)
            return tf.random.stateless_uniform([4096], seed)

        return tf.vectorized_map(row, indices)

    draw = functools.partial(randomness.uniform, 3, "noise", count=4096) if ours else of_tensorflow
    compiled = tf.function(lambda indices: draw(indices=indices), jit_compile=xla, autograph=False)
    return lambda: compiled(tf.range(64, dtype=tf.int64)).numpy()


def _decoding(decode: Callable) -> Callable:
    file = io.BytesIO()
    Image.fromarray(skimage.data.retina()[500:875, 500:1000]).save(file, "JPEG")
    contents = tf.data.Dataset.from_tensors(file.getvalue()).repeat(IMAGES)
    images = contents.map(decode, num_parallel_calls=tf.data.AUTOTUNE)

    def run() -> None:
        for _ in images.batch(8):
            pass

    return run


def _caught(content: tf.Tensor) -> tf.Tensor:
    one = tf.data.Dataset.from_tensors(content).map(decode_plain).ignore_errors()
    none = tf.data.Dataset.from_tensors(tf.zeros([1, 1, 3], tf.uint8))
    return one.concatenate(none).take(1).get_single_element()


def _in_python(content: tf.Tensor) -> tf.Tensor:
    image = tf.numpy_function(lambda c: decode_plain(c).numpy(), [content], tf.uint8)
    return tf.ensure_shape(image, [None, None, 3])


def main(_: list[str]) -> None:
    wall = time.perf_counter
    _compare("Adam's update", {"ours": _update(Adam), "Keras": _update(KerasAdam)}, wall)
    for xla in (True, False):
        _compare(
            "random numbers" + (", XLA" if xla else ""),
            {"Threefry": _numbers(True, xla), "stateless_uniform": _numbers(False, xla)},
            wall,
        )
    _compare(
        "a JPEG file, CPU time",
        {
            "graph": _decoding(decode_plain),
            "caught": _decoding(_caught),
            "Python": _decoding(_in_python),
        },
        time.process_time,
        IMAGES,
    )


if __name__ == "__main__":
    app.run(main)
