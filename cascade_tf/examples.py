"""The batch that every stage receives."""

from typing import NamedTuple

import tensorflow as tf


class Examples(NamedTuple):
    """A batch of B examples.

    In a training stream `indices` counts examples from the start of training: example k of
    step t, counted from zero, has index t * batch_size + k whatever the number of replicas,
    so a draw keyed by it is the same wherever the example is computed. In an evaluation pass
    it is the example's place in its split, and -1 marks rows that only fill the last batch.
    """

    images: tf.Tensor  # uint8 [B, H, W, C]
    labels: tf.Tensor  # int32 [B]; zeros where the dataset has no classes
    indices: tf.Tensor  # int64 [B]
