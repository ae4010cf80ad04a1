"""The batch that every stage receives."""

from typing import NamedTuple

import tensorflow as tf


class Examples(NamedTuple):
    """A batch of B examples.

    In training, `indices` counts examples from the start: example k of step t, both from zero,
    has index t * batch_size + k. It does not depend on the number of replicas, so a draw keyed by
    it is the same on any device. In an evaluation pass, the index is the example's place in its
    split, and -1 marks padding of the last batch and skipped images.

    >>> Examples(tf.zeros([2, 8, 8, 1], tf.uint8), tf.constant([0, 1]), tf.range(2)).labels.shape
    TensorShape([2])
    """

    images: tf.Tensor  # uint8 [B, H, W, C]
    labels: tf.Tensor  # int32 [B]; zeros where the dataset has no classes
    indices: tf.Tensor  # int64 [B]
