"""Operations of XLA that TensorFlow has in private modules only, and public substitutes.

With `runtime_models.py`, which freezes graphs, it alone imports TensorFlow's private modules. From
`tensorflow.compiler.tf2xla.python.xla` it takes

- `dynamic_update_slice`: XLA writes the new numbers in place. Public operations that update a
  part of a tensor copy the whole tensor, or compile to a scatter.
- `optimization_barrier`: XLA does not fuse or move operations across it. It keeps XLA from
  undoing the layouts of `cpu_kernels/`.
- `dot_general`, with `DotDimensionNumbers` of `tensorflow.compiler.xla.xla_data_pb2`: a product
  of bfloat16 matrices with float32 sums. `tf.matmul` returns the dtype of its operands.

TensorFlow may move or drop them in any release. Each function here then uses public operations:
the results are the same, only slower, and training steps may take more memory. `missing_ops`
names those that are gone. The layouts for CPUs rest on them and are not used then (see
`sampler.py`).
"""

import functools
import importlib
from types import ModuleType
from typing import Any

import tensorflow as tf
from absl import logging

_XLA = "tensorflow.compiler.tf2xla.python.xla"
_XLA_DATA = "tensorflow.compiler.xla.xla_data_pb2"
_NEEDED = {
    "dynamic_update_slice": _XLA,
    "optimization_barrier": _XLA,
    "dot_general": _XLA,
    "DotDimensionNumbers": _XLA_DATA,
}


def _module(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _op(name: str) -> Any:
    """The operation, or None in a TensorFlow that lacks it."""
    return getattr(_module(_NEEDED[name]), name, None)


def missing_ops() -> list[str]:
    """Names of the operations that this TensorFlow lacks; empty as a rule."""
    return [name for name in _NEEDED if _op(name) is None]


@functools.cache
def warn_of_missing_ops() -> None:
    """Logs one line, once a process, if operations are missing."""
    if missing := missing_ops():
        logging.warning(
            "TensorFlow %s lacks %s: sampling is slower, its results are the same.",
            tf.__version__,
            ", ".join(missing),
        )


def dynamic_update_slice(x: tf.Tensor, update: tf.Tensor, start: tf.Tensor) -> tf.Tensor:
    """x with `update` written into it from position `start` on.

        >>> dynamic_update_slice(tf.zeros([4]), tf.ones([2]), tf.constant([1])).numpy()
        array([0., 1., 1., 0.], dtype=float32)

    Args:
        x: a tensor of known rank.
        update: of the same rank and dtype; it must fit into x at `start`.
        start: int32 [rank], may depend on the data.
    """
    op = _op("dynamic_update_slice")
    if op is not None:
        return op(x, update, start)
    # Spread the update over the whole shape, axis by axis, and select it where it belongs.
    inside = tf.constant(True)
    for axis in range(x.shape.rank):
        size = tf.shape(update)[axis]
        offsets = tf.range(tf.shape(x)[axis]) - start[axis]
        update = tf.gather(update, tf.clip_by_value(offsets, 0, size - 1), axis=axis)
        here = (offsets >= 0) & (offsets < size)
        inside &= tf.reshape(here, [-1, *[1] * (x.shape.rank - 1 - axis)])
    return tf.where(inside, update, x)


def optimization_barrier(*tensors: tf.Tensor) -> list[tf.Tensor]:
    """The same tensors; XLA neither fuses nor moves operations across this point."""
    op = _op("optimization_barrier")
    return list(tensors) if op is None else op(*tensors)


def matmul_with_float32_sums(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """a b, float32 [..., m, n], of bfloat16 [..., m, k] and [..., k, n]."""
    dot_general, numbers = _op("dot_general"), _op("DotDimensionNumbers")
    if dot_general is None or numbers is None:
        return tf.matmul(tf.cast(a, tf.float32), tf.cast(b, tf.float32))
    batch, rank = range(a.shape.rank - 2), a.shape.rank
    dimensions = numbers(
        lhs_batch_dimensions=batch,
        rhs_batch_dimensions=batch,
        lhs_contracting_dimensions=[rank - 1],
        rhs_contracting_dimensions=[rank - 2],
    )
    return dot_general(a, b, dimensions, preferred_element_type=tf.float32)
