"""Speed of this machine, from a product of matrices."""

import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf

_SIDE = 1024
_SECONDS = 1.0
_AT_LEAST = 5  # products


def product_of_matrices() -> Callable[[], float]:
    """A function that multiplies two float32 matrices of 1024x1024 and returns the seconds.

    TensorFlow chooses the device, so a GPU is measured if there is one.
    """
    matrix = tf.random.stateless_uniform([_SIDE, _SIDE], [0, 0])

    def product() -> float:
        began = time.perf_counter()
        tf.matmul(matrix, matrix)[0, 0].numpy()  # waits for the device
        return time.perf_counter() - began

    product()  # starts the device
    return product


def seconds_of_a_product() -> float:
    """Time of `product_of_matrices`, measured for a second: the fastest quarter's.

    >>> 0 < seconds_of_a_product() < 60
    True
    """
    product = product_of_matrices()
    took = [product() for _ in range(_AT_LEAST)]
    end = time.perf_counter() + _SECONDS
    while time.perf_counter() < end:
        took.append(product())
    return float(np.quantile(took, 0.25))
