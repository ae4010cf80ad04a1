"""Dot-product attention (Vaswani et al., 2017, equation 1), and its gradient in less memory.

    O = softmax(scale * Q K^T) V

The weights P = softmax(...) are by far the largest tensors of a network: T x T numbers for each
head and image. TensorFlow's own gradient of a softmax passes over them about ten times. The sum
over keys that it needs is also a sum over channels, D = rowsum(P * dP) = rowsum(O * dO)
(Dao et al., 2022, "FlashAttention", appendix B.2), so

    dV = P^T dO,   dS = P * (dO V^T - D),   dQ = scale * dS K,   dK = scale * dS^T Q.

P is kept, or recomputed from Q and K (recomputation.py).
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from cascade_tf.computation_order import in_order
from spn_tf import recomputation
from spn_tf.fused_attention import fits, fused_attention

_FEWEST_QUERIES = 256  # of a block


def dot_product_attention(
    q: tf.Tensor,
    k: tf.Tensor,
    v: tf.Tensor,
    scale: float = 1.0,
    causal: bool = False,
    visible: tf.Tensor | None = None,
) -> tf.Tensor:
    """Reads the values that the queries attend to, [..., Tq, channels].

    Args:
        q: queries [..., Tq, channels].
        k, v: keys and values [..., Tk, channels], of the same outer shape.
        scale: of the products of queries and keys.
        causal: whether position t attends to positions 0..t only.
        visible: bool, broadcast against [..., Tq, Tk]: what each query sees, if not causal; None:
            all.

    >>> x = tf.ones([1, 3, 4])
    >>> dot_product_attention(x, x, x, causal=True).shape
    TensorShape([1, 3, 4])
    """
    gradients = recomputation.current()
    if gradients is None:
        return tf.matmul(_cast(_weights(q, k, causal, visible, scale), v), v)
    q = q * scale  # here, since queries are smaller than weights
    if gradients.fused and visible is None and fits(q, k):
        return fused_attention(q, k, v, causal)
    return _attend(q, k, v, _blocks(q.shape[-2], k.shape[-2], causal), gradients, visible)


class _Block(NamedTuple):
    """Queries [start:end], which attend to the keys before `keys`.

    If causal, the last query attends to all of these, the one before it to all but the last, ...
    """

    start: int
    end: int
    keys: int
    causal: bool


def _blocks(queries: int, keys: int, causal: bool) -> list[_Block]:
    """Blocks of queries; causal ones spare products with keys that no query of a block sees."""
    if not causal:
        return [_Block(0, queries, keys, causal=False)]
    rows = max(_FEWEST_QUERIES, -(-queries // 2))  # more blocks of fewer rows were slower
    bounds = [*range(0, queries, rows), queries]
    return [_Block(start, end, end, causal=True) for start, end in itertools.pairwise(bounds)]


def _attend(
    q: tf.Tensor,
    k: tf.Tensor,
    v: tf.Tensor,
    blocks: Sequence[_Block],
    gradients: recomputation.Gradients,
    visible: tf.Tensor | None,
) -> tf.Tensor:
    """softmax(q k^T) v, with the gradient of the module's docstring."""

    @tf.custom_gradient
    def attend(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor):
        weights, read = [], []
        for block in blocks:
            queries = q[..., block.start : block.end, :]
            weights.append(_weights(queries, k[..., : block.keys, :], block.causal, visible))
            read.append(tf.matmul(_cast(weights[-1], v), v[..., : block.keys, :]))

        def backward(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            of_q: list[tf.Tensor] = []
            of_k = of_v = None
            for block, kept, own_read in reversed(list(zip(blocks, weights, read, strict=True))):
                own = [x[..., block.start : block.end, :] for x in (q, upstream)]
                seen = [x[..., : block.keys, :] for x in (k, v)]
                p = kept
                if gradients.recompute != "none":
                    _, again = in_order([upstream], [own[0], seen[0]])
                    p = _weights(again[0], again[1], block.causal, visible)
                parts = _gradients(p, own_read, *own, *seen)
                of_q.insert(0, parts[0])
                of_k, of_v = _summed(of_k, parts[1]), _summed(of_v, parts[2])
            return _joined(of_q), of_k, of_v

        return _joined(read), backward

    return attend(q, k, v)


def _gradients(
    p: tf.Tensor,
    read: tf.Tensor,
    q: tf.Tensor,
    upstream: tf.Tensor,
    k: tf.Tensor,
    v: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Gradients of q, k and v from the weights, the values read and their gradient."""
    total = tf.reduce_sum(_accurate(upstream * read), axis=-1, keepdims=True)
    of_weights = _accurate(tf.matmul(upstream, v, transpose_b=True))
    of_scores = _cast(p * (of_weights - total), q)
    return (
        tf.matmul(of_scores, k),
        tf.matmul(of_scores, q, transpose_a=True),
        tf.matmul(_cast(p, v), upstream, transpose_a=True),
    )


def _summed(longer: tf.Tensor | None, part: tf.Tensor) -> tf.Tensor:
    """`part`, which is of the first positions, plus the gradient of all positions so far."""
    if longer is None:
        return part
    length = part.shape[-2]
    return tf.concat([longer[..., :length, :] + part, longer[..., length:, :]], axis=-2)


def _joined(blocks: Sequence[tf.Tensor]) -> tf.Tensor:
    return blocks[0] if len(blocks) == 1 else tf.concat(blocks, axis=-2)


def _weights(
    q: tf.Tensor,
    k: tf.Tensor,
    causal: bool,
    visible: tf.Tensor | None = None,
    scale: float = 1.0,
) -> tf.Tensor:
    """softmax(scale * q k^T) over keys, [..., Tq, Tk]. If causal, the last query sees all keys."""
    scores = tf.matmul(q, k, transpose_b=True)
    if scale != 1.0:
        scores *= scale
    scores = _accurate(scores)
    if causal:
        queries, keys = scores.shape[-2:]
        # XLA would otherwise fold the whole mask to a constant of the program.
        _, [position] = in_order([], [tf.range(keys)])
        visible = position <= position[keys - queries :, None]
    if visible is not None:
        scores = tf.where(visible, scores, scores.dtype.min)
    return tf.nn.softmax(scores)


def _accurate(x: tf.Tensor) -> tf.Tensor:
    """x in float32, or in float64 if it is; bfloat16 is too coarse for sums and softmax."""
    return tf.cast(x, tf.float32) if x.dtype == tf.bfloat16 else x


def _cast(x: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    return tf.cast(x, like.dtype)
