"""How the gradients of a training step get the activations that they need: kept, or recomputed.

Memory for activations grows with the batch and the depth. A part of them can be computed again in
the backward pass instead (Chen et al., 2016, "Training deep nets with sublinear memory cost"):

- `none`: all are kept.
- `attention`: attention weights, [heads, T, T] for each image, are recomputed from queries and
  keys (dot_product_attention.py).
- `all`: so is every residual branch and gated layer, from its inputs.
"""

import contextlib
import contextvars
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import tensorflow as tf

from cascade_tf.computation_order import in_order
from cascade_tf.strategies import has_accelerators
from cascade_tf.xla_choice import is_compiled
from spn_tf.dropout import Dropout


class Gradients(NamedTuple):
    """How the gradients that are being traced are computed.

    Attributes:
        recompute: "none", "attention" or "all".
        fused: whether attention is one kernel on a TPU (fused_attention.py).
    """

    recompute: str
    fused: bool = False


_current: contextvars.ContextVar[Gradients | None] = contextvars.ContextVar(
    "gradients", default=None
)


@contextlib.contextmanager
def tracing(gradients: Gradients) -> Iterator[None]:
    """Applies to the layers that are traced while it lasts; without it there is no gradient."""
    token = _current.set(gradients)
    try:
        yield
    finally:
        _current.reset(token)


def current() -> Gradients | None:
    """Of the innermost `tracing`; None if no gradient will be taken."""
    return _current.get()


def by_heads() -> bool:
    """Whether projections should give a tensor's heads in separate matrices.

    XLA then needs no copies to move the heads apart. On CPUs the copies cost less than products of
    many small matrices.
    """
    return current() is not None and is_compiled() and has_accelerators()


def recomputed(
    layer: Callable[..., tf.Tensor | tuple[tf.Tensor, ...]],
    *inputs: tf.Tensor | None,
    dropout: Dropout,
) -> tf.Tensor | tuple[tf.Tensor, ...]:
    """layer(*inputs, dropout=dropout), whose activations are recomputed under `all`.

    The results and gradients are the same.

    Args:
        layer: of tensors, to a tensor or a tuple of tensors.
        inputs: tensors, or None.
        dropout: passed on.

    >>> square = lambda x, dropout: x * x
    >>> x = tf.constant(3.0)
    >>> with tracing(Gradients("all")), tf.GradientTape() as tape:
    ...     tape.watch(x)
    ...     y = recomputed(square, x, dropout=Dropout())
    >>> float(y), float(tape.gradient(y, x))
    (9.0, 6.0)
    """
    gradients = current()
    if gradients is None or gradients.recompute != "all":
        return layer(*inputs, dropout=dropout)
    same_dropout = dropout.copy()  # before the layer draws from it
    present = [i for i, value in enumerate(inputs) if value is not None]

    def run(values: Sequence[tf.Tensor], dropout: Dropout) -> tf.Tensor | tuple[tf.Tensor, ...]:
        arguments: list[tf.Tensor | None] = [None] * len(inputs)
        for i, value in zip(present, values, strict=True):
            arguments[i] = value
        return layer(*arguments, dropout=dropout)

    @tf.custom_gradient
    def forward(*values: tf.Tensor):
        results = run(values, dropout)

        def backward(*upstream: tf.Tensor, variables: Sequence[tf.Variable] = ()):
            with tracing(gradients):
                _, again = in_order(upstream, values)
                with tf.GradientTape() as tape:
                    tape.watch(again)
                    repeated = run(again, same_dropout.copy())
                of_inputs, of_variables = tape.gradient(
                    repeated, (again, list(variables)), upstream
                )
            return of_inputs, of_variables

        return results, backward

    return forward(*(inputs[i] for i in present))
