"""Speed of this machine, from a product of matrices."""

import os
import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from cascade_cli.own_pictures.networks import Machine

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


def measured_machine(parts: int = 1) -> Machine:
    """The speed of this machine, measured for a second; the fastest quarter counts.

    Args:
        parts: of a batch, one for each core. The cores then have as many products at a time.

    >>> 0 < measured_machine().product < 60
    True
    """
    product = product_of_matrices()
    took = [product() for _ in range(_AT_LEAST)]
    end = time.perf_counter() + _SECONDS
    while time.perf_counter() < end:
        took.append(product())
    return Machine(float(np.quantile(took, 0.25)) / parts, os.cpu_count() or 1, parts)
