"""The machine's best arithmetic rate, the reference for measured rates."""

import itertools
from collections.abc import Callable

import tensorflow as tf
from timing import fastest


def best_rate(precision: str) -> float:
    """Operations per second of the fastest large product or convolution, with or without XLA."""
    dtype = tf.as_dtype(precision)
    a, b = (tf.cast(tf.random.normal([2048, 2048]), dtype) for _ in range(2))
    images = tf.cast(tf.random.normal([4, 32, 32, 256]), dtype)
    kernel = tf.cast(tf.random.normal([3, 3, 256, 256]), dtype)
    product = 2 * 2048**3
    convolution = 2 * 4 * 256 * 256 * (3 * 32 - 2) ** 2  # taps inside the image
    works: list[tuple[float, Callable[[], tf.Tensor]]] = [
        (product, lambda: tf.matmul(a, b)),
        (convolution, lambda: tf.nn.conv2d(images, kernel, 1, "SAME")),
    ]

    def rate(work: float, function: Callable[[], tf.Tensor], jit_compile: bool) -> float:
        compiled = tf.function(function, jit_compile=jit_compile)
        compiled()
        return work / fastest(lambda: compiled().numpy(), 5)

    cases = itertools.product(works, (False, True))
    return max(rate(work, function, jit_compile) for (work, function), jit_compile in cases)
