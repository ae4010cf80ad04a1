"""Recomputation of layers with dropout, and the layout of attention's projections.

See `cascade_tf.recomputation`.
"""

import functools
from collections.abc import Callable

import tensorflow as tf

from cascade_tf import recomputation
from cascade_tf.recomputation import Tensors, current
from cascade_tf.strategies import has_accelerators
from spn_tf.dropout import Dropout


def by_heads() -> bool:
    """Whether projections should give a tensor's heads in separate matrices.

    XLA then needs no copies to move the heads apart. On CPUs the copies cost less than products of
    many small matrices.
    """
    gradients = current()
    return gradients is not None and gradients.compiled and has_accelerators()


def recomputed(
    layer: Callable[..., Tensors], *inputs: tf.Tensor | None, dropout: Dropout
) -> Tensors:
    """layer(*inputs, dropout=dropout), recomputed under `all` with the same dropout."""
    same_dropout = dropout.copy()  # before the layer draws from it

    def again(*inputs: tf.Tensor | None) -> Tensors:
        return layer(*inputs, dropout=same_dropout.copy())

    return recomputation.recomputed(functools.partial(layer, dropout=dropout), *inputs, again=again)
