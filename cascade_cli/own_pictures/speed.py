"""Speed of this machine, from a product of matrices."""

import time

import numpy as np
import tensorflow as tf

_SIDE = 1024
_SECONDS = 1.0
_AT_LEAST = 5  # products


def seconds_of_a_product() -> float:
    """Median time of a product of two float32 matrices of 1024x1024, measured for a second.

    TensorFlow chooses the device, so a GPU is measured if there is one.

    >>> 0 < seconds_of_a_product() < 60
    True
    """
    matrix = tf.random.stateless_uniform([_SIDE, _SIDE], [0, 0])

    def once() -> float:
        began = time.perf_counter()
        tf.matmul(matrix, matrix)[0, 0].numpy()  # waits for the device
        return time.perf_counter() - began

    once()  # starts the device
    took = [once() for _ in range(_AT_LEAST)]
    end = time.perf_counter() + _SECONDS
    while time.perf_counter() < end:
        took.append(once())
    return float(np.median(took))
