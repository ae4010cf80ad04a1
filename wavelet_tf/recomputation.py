"""Recomputation of blocks with batch normalisation; see `cascade_tf.recomputation`."""

import contextlib
from collections.abc import Iterator, Sequence

import keras
import tensorflow as tf

from cascade_tf import recomputation


def recomputed(
    blocks: Sequence[keras.Layer], x: tf.Tensor, *others: tf.Tensor, training: bool
) -> tf.Tensor:
    """Blocks after each other, recomputed under `all`: x = block(x, *others) for each of them.

    In the backward pass their moving statistics stay as they are: they have moved already.
    """

    def call(x: tf.Tensor, *others: tf.Tensor) -> tf.Tensor:
        for block in blocks:
            x = block(x, *others, training=training)
        return x

    def again(*inputs: tf.Tensor) -> tf.Tensor:
        with _unmoved_statistics(blocks):
            return call(*inputs)

    return recomputation.recomputed(call, x, *others, again=again)


@contextlib.contextmanager
def _unmoved_statistics(blocks: Sequence[keras.Layer]) -> Iterator[None]:
    """Traces batch normalisations with a momentum of one, so that their averages keep all."""
    layers = [layer for block in blocks for layer in block._flatten_layers()]
    norms = [layer for layer in layers if isinstance(layer, keras.layers.BatchNormalization)]
    momenta = [norm.momentum for norm in norms]
    try:
        for norm in norms:
            norm.momentum = 1.0
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
