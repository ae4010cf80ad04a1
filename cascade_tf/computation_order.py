"""The order of computations that do not depend on each other.

TensorFlow and XLA start what can start. Two passes through a network that could follow each other
then run at once, and keep the activations of both.
"""

from collections.abc import Sequence

import tensorflow as tf

from cascade_tf.xla_choice import is_compiled
from cascade_tf.xla_ops import optimization_barrier


def in_order(
    first: Sequence[tf.Tensor], then: Sequence[tf.Tensor]
) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    """The same tensors, where `then` is available once all of `first` are computed.

    XLA does not take the returned tensors for the given ones. So it neither folds constants across
    this point, nor reuses what it computed from `then` before. Use the returned tensors of `first`,
    too: XLA may ignore those that are not used.

    Args:
        first, then: of any shapes and dtypes.

    Returns:
        The tensors of `first`, and those of `then`.

    >>> first, then = in_order([tf.constant(1.0)], [tf.constant(2.0), tf.constant(3.0)])
    >>> len(first), [float(x) for x in then]
    (1, [2.0, 3.0])
    """
    if is_compiled():
        tensors = optimization_barrier(*then, *first)
        return tensors[len(then) :], tensors[: len(then)]
    with tf.control_dependencies(first):
        return list(first), [tf.identity(x) for x in then]
