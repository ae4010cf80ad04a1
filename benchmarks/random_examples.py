"""Batches of random pixels for measurements of time and memory."""

import numpy as np
import tensorflow as tf

from cascade_tf.examples import Examples


def random_examples(count: int, size: int, channels: int = 3) -> Examples:
    """Returns the same batch at every call: class 0, images uint8 [count, size, size, channels]."""
    shape = [count, size, size, channels]
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    labels, indices = tf.zeros([count], tf.int32), tf.range(count, dtype=tf.int64)
    return Examples(tf.constant(pixels), labels, indices)
