"""Dot-product attention (Vaswani et al., 2017, equation 1), and its gradient in less memory.

    O = softmax(scale * Q K^T) V

The weights P = softmax(...) are by far the largest tensors of a network: T x T numbers for each
head and image. TensorFlow's own gradient of a softmax passes over them about ten times. The sum
over keys that it needs is also a sum over channels, D = rowsum(P * dP) = rowsum(O * dO)
(Dao et al., 2022, "FlashAttention", appendix B.2), so

    dV = P^T dO,   dS = P * (dO V^T - D),   dQ = scale * dS K,   dK = scale * dS^T Q.

P is kept, or recomputed from Q and K (recomputation.py).
"""

import tensorflow as tf

from spn_tf import recomputation
from spn_tf.fused_attention import fits, fused_attention


def dot_product_attention(
    q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, scale: float = 1.0, causal: bool = False
) -> tf.Tensor:
    """Reads the values that the queries attend to, [..., Tq, channels].

    Args:
        q: queries [..., Tq, channels].
        k, v: keys and values [..., Tk, channels], of the same outer shape.
        scale: of the products of queries and keys.
        causal: whether position t attends to positions 0..t only.

    >>> x = tf.ones([1, 3, 4])
    >>> dot_product_attention(x, x, x, causal=True).shape
    TensorShape([1, 3, 4])
    """
    gradients = recomputation.current()
    if gradients is None:
        return tf.matmul(_cast(_weights(q, k, causal, scale), v), v)
    q = q * scale  # here, since queries are smaller than weights
    if gradients.fused and fits(q, k):
        return fused_attention(q, k, v, causal)
    if not causal:
        return _attend(q, k, v, causal, gradients)
    length = q.shape[-2]
    rows = -(-length // _blocks(length, gradients))
    blocks = []
    for start in range(0, length, rows):
        end = min(start + rows, length)
        q_block, k_before, v_before = q[..., start:end, :], k[..., :end, :], v[..., :end, :]
        blocks.append(_attend(q_block, k_before, v_before, causal, gradients))
    return blocks[0] if len(blocks) == 1 else tf.concat(blocks, axis=-2)


def _blocks(length: int, gradients: recomputation.Gradients) -> int:
    """Number of blocks of queries; each reads the keys up to its own end only."""
    return max(1, min(4 if gradients.compiled else 2, length // 256))


def _attend(
    q: tf.Tensor,
    k: tf.Tensor,
    v: tf.Tensor,
    causal: bool,
    gradients: recomputation.Gradients,
) -> tf.Tensor:
    """softmax(q k^T) v, with the gradient of the module's docstring."""

    @tf.custom_gradient
    def attend(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor):
        weights = _weights(q, k, causal)
        read = tf.matmul(_cast(weights, v), v)

        def backward(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            p = weights
            if gradients.recompute != "none":
                with recomputation.tracing(gradients):
                    p = _weights(*recomputation.not_before([upstream], [q, k]), causal)
            total = tf.reduce_sum(_accurate(upstream * read), axis=-1, keepdims=True)
            of_weights = _accurate(tf.matmul(upstream, v, transpose_b=True))
            of_scores = _cast(p * (of_weights - total), q)
            return (
                tf.matmul(of_scores, k),
                tf.matmul(of_scores, q, transpose_a=True),
                tf.matmul(_cast(p, v), upstream, transpose_a=True),
            )

        return read, backward

    return attend(q, k, v)


def _weights(q: tf.Tensor, k: tf.Tensor, causal: bool, scale: float = 1.0) -> tf.Tensor:
    """softmax(scale * q k^T) over keys, [..., Tq, Tk]. If causal, the last query sees all keys."""
    scores = tf.matmul(q, k, transpose_b=True)
    if scale != 1.0:
        scores *= scale
    scores = _accurate(scores)
    if causal:
        queries, keys = scores.shape[-2:]
        past = tf.range(keys) <= tf.range(keys - queries, keys)[:, None]
        scores = tf.where(past, scores, scores.dtype.min)
    return tf.nn.softmax(scores)


def _accurate(x: tf.Tensor) -> tf.Tensor:
    """x in float32, or in float64 if it is; bfloat16 is too coarse for sums and softmax."""
    return tf.cast(x, tf.float32) if x.dtype == tf.bfloat16 else x


def _cast(x: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    return tf.cast(x, like.dtype)
