"""Batches of random pixels, where only time and memory count."""

import numpy as np
import tensorflow as tf

from cascade_tf.examples import Examples


def random_examples(count: int, size: int, channels: int = 3) -> Examples:
    """A batch of class 0, the same at each call; images are uint8 [count, size, size, channels]."""
    shape = [count, size, size, channels]
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    labels, indices = tf.zeros([count], tf.int32), tf.range(count, dtype=tf.int64)
    return Examples(tf.constant(pixels), labels, indices)
