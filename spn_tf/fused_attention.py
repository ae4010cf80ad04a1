"""Attention on TPUs as one kernel, which keeps the weights on the chip (Dao et al., 2022).

The kernels are jax's ("splash attention", in Pallas). TensorFlow holds them as programs of
StableHLO, so jax is needed where a step is traced, and not where it runs.

Operands are float32: cores of a TPU v3 load no others from a kernel's memory. The processor
multiplies them as bfloat16, like all products on TPUs by default.
"""

import functools
import os
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from cascade_tf.errors import UserError
from cascade_tf.hardware.kernel_operations import count

_LANES = 128  # positions of a block are multiples of it
# Largest blocks. The kernels skip blocks of keys that no query of a block may see. Smaller ones
# would be skipped more often, but the backward pass writes a gradient of all queries for each.
_QUERIES, _KEYS = 512, 1024
# A kernel's list of blocks has two rows of 128 bytes for each block of queries, in 16 kB of a core
# of a TPU v3.
_MOST_BLOCKS = 32


class _Kernels(NamedTuple):
    """Functions of TensorFlow for one shape of attention."""

    forward: Callable[..., Any]
    backward: Callable[..., Any]


def fits(q: tf.Tensor, k: tf.Tensor) -> bool:
    """Whether there are kernels for these numbers of queries and keys, [..., T, channels].

    >>> fits(tf.zeros([2, 256, 64]), tf.zeros([2, 1024, 64])), fits(*[tf.zeros([2, 100, 64])] * 2)
    (True, False)
    """
    return all(length and length % _LANES == 0 for length in (q.shape[-2], k.shape[-2]))


def fused_attention(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, causal: bool) -> tf.Tensor:
    """softmax(q k^T) v with its gradient, for programs that are compiled for a TPU.

    Args:
        q: scaled queries [heads, Tq, channels] or [B, heads, Tq, channels].
        k, v: [..., Tk, channels], of the same rank.
        causal: whether position t attends to positions 0..t only.

    Raises:
        UserError: jax is not installed.
    """
    heads, queries, _ = q.shape[-3:]
    parts = 1 if causal else _parts(queries)
    kernels = _kernels(heads, queries // parts, k.shape[-2], causal, q.shape.rank == 4)
    read = [_with_gradient(kernels, part, k, v) for part in tf.split(q, parts, axis=-2)]
    return tf.concat(read, axis=-2) if parts > 1 else read[0]


def _with_gradient(kernels: _Kernels, q: tf.Tensor, k: tf.Tensor, v: tf.Tensor) -> tf.Tensor:
    @tf.custom_gradient
    def attend(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor):
        read, *residuals = kernels.forward(q, k, v)

        def backward(upstream: tf.Tensor) -> tuple[tf.Tensor, ...]:
            return kernels.backward(upstream, *residuals)

        return read, backward

    operands = [tf.cast(x, tf.float32) for x in (q, k, v)]
    return tf.cast(attend(*operands), q.dtype)


def _jax() -> Any:
    os.environ.setdefault("JAX_PLATFORMS", "cpu")  # the TPU is TensorFlow's
    try:
        import jax
        from jax.experimental import jax2tf
    except ImportError as error:
        raise UserError(
            f"`fused_attention` needs jax ({error}): pip install 'cascade-tf[compile]'"
        ) from error
    return jax, jax2tf


@functools.cache
def _kernels(
    heads: int, queries: int, keys: int, causal: bool, batched: bool, interpret: bool = False
) -> _Kernels:
    """The kernels as functions of TensorFlow; with `interpret` for any device, as slow programs."""
    jax, jax2tf = _jax()
    attention = _splash_attention(heads, queries, keys, causal, interpret)
    if batched:
        attention = jax.vmap(attention)
    structure: list[Any] = []

    def forward(q: Any, k: Any, v: Any) -> tuple:
        # Also the residuals of the gradient, as arrays.
        read, gradient = jax.vjp(attention, q, k, v)
        arrays, tree = jax.tree.flatten(gradient)
        structure[:] = [tree]
        return (read, *arrays)

    def backward(upstream: Any, *residuals: Any) -> tuple:
        gradient = jax.tree.unflatten(structure[0], residuals)
        return gradient(upstream)

    def of_tensorflow(function: Callable) -> Callable:
        checks = jax2tf.DisabledSafetyCheck
        return jax2tf.convert(
            function,
            with_gradient=False,
            native_serialization_platforms=None if interpret else ("tpu",),
            native_serialization_disabled_checks=[
                checks.platform(),  # TensorFlow lowers it for another device
                checks.custom_call("tpu_custom_call"),
            ],
        )

    def counted(function: Callable, products: int) -> Callable:
        def call(q: tf.Tensor, *others: tf.Tensor) -> Any:
            size = float(q.shape.num_elements() or 0)
            count(2 * products * size * _keys_seen(queries, keys, causal))
            return function(q, *others)

        return call

    # Two products forward; backward the scores again, and four.
    return _Kernels(counted(of_tensorflow(forward), 2), counted(of_tensorflow(backward), 5))


def _keys_seen(queries: int, keys: int, causal: bool) -> float:
    """Mean number of keys that a kernel multiplies with a query."""
    if not causal:
        return keys
    rows, columns = _block(queries, _QUERIES), _block(keys, _KEYS)
    seen = [-(-(start + rows) // columns) * columns for start in range(0, queries, rows)]
    return sum(seen) / len(seen)


def _parts(queries: int) -> int:
    """The least number of equal parts whose lists of blocks fit, of whole blocks each."""
    blocks = queries // _block(queries, _QUERIES)
    return min(n for n in range(1, blocks + 1) if blocks % n == 0 and blocks // n <= _MOST_BLOCKS)


def _block(length: int, largest: int) -> int:
    """The largest block that divides the length."""
    return max(n for n in range(_LANES, min(length, largest) + 1, _LANES) if length % n == 0)


def _splash_attention(heads: int, queries: int, keys: int, causal: bool, interpret: bool) -> Any:
    from jax.experimental.pallas.ops.tpu.splash_attention import splash_attention_kernel as splash
    from jax.experimental.pallas.ops.tpu.splash_attention import splash_attention_mask as masks

    shape, rows, columns = (queries, keys), _block(queries, _QUERIES), _block(keys, _KEYS)
    mask = masks.CausalMask(shape) if causal else masks.FullMask(shape)
    sizes = splash.BlockSizes(
        block_q=rows,
        block_kv=columns,
        block_kv_compute=columns,
        block_q_dkv=rows,
        block_kv_dkv=columns,
        block_kv_dkv_compute=columns,
        use_fused_bwd_kernel=True,
    )
    return splash.make_splash_mha(
        mask=masks.MultiHeadMask([mask] * heads),
        block_sizes=sizes,
        head_shards=1,
        q_seq_shards=1,
        interpret=interpret,
    )
