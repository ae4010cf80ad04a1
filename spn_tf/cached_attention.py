"""The decoder's Transformer one position at a time, over the keys and values of those before it.

Shape letters: B batch, T positions, D width of the residual stream.
"""

from typing import NamedTuple

import tensorflow as tf
from tensorflow.compiler.tf2xla.python.xla import dynamic_update_slice

from spn_tf.attention import SelfAttention, Transformer

_CHUNK = 64  # positions of the cache that are read at once


class AttentionCache(NamedTuple):
    """Keys and values of every attention layer, in chunks of P positions.

    Attributes:
        keys: [chunks, B, heads, channels, P] each.
        values: [chunks, B, heads, P, channels] each.
    """

    keys: tuple[tf.Tensor, ...]
    values: tuple[tf.Tensor, ...]


def empty_cache(transformer: Transformer, batch: int, length: int) -> AttentionCache:
    """The cache before the first of `length` positions."""
    chunk = min(_CHUNK, length)
    layers = [branch for branch in transformer.branches if isinstance(branch, SelfAttention)]
    chunks, dtype = -(-length // chunk), transformer.compute_dtype
    return AttentionCache(
        keys=tuple(tf.zeros([chunks, batch, a.heads, a.channels, chunk], dtype) for a in layers),
        values=tuple(tf.zeros([chunks, batch, a.heads, chunk, a.channels], dtype) for a in layers),
    )


def next_position(
    transformer: Transformer, x: tf.Tensor, cache: AttentionCache, position: tf.Tensor
) -> tuple[tf.Tensor, AttentionCache]:
    """What `transformer` makes of position `position`, given those before it.

    Args:
        x: [B, D], its input at that position.
        cache: of the positions before.
        position: int32 scalar.

    Returns:
        Its output [B, D], and the cache with the position in it.
    """
    keys, values = list(cache.keys), list(cache.values)
    layer, chunk = 0, keys[0].shape[-1]
    batch = -1 if x.shape[0] is None else x.shape[0]
    x = x[:, None]
    for norm, branch in zip(transformer.norms[:-1], transformer.branches, strict=True):
        y = norm(x)
        if isinstance(branch, SelfAttention):
            shape = [batch, branch.heads, branch.channels]
            query, key, value = (
                tf.reshape(part, shape) for part in tf.split(branch.qkv(y), 3, axis=-1)
            )
            number, place = position // chunk, position % chunk
            keys[layer] = dynamic_update_slice(
                keys[layer], key[None, ..., None], tf.stack([number, 0, 0, 0, place])
            )
            values[layer] = dynamic_update_slice(
                values[layer], value[None, :, :, None], tf.stack([number, 0, 0, place, 0])
            )
            y = _attend(query * branch.channels**-0.5, keys[layer], values[layer], position)
            y = branch.out(tf.reshape(y, [batch, 1, branch.heads * branch.channels]))
            layer += 1
        else:
            y = branch(y)
        x += y
    return transformer.norms[-1](x)[:, 0], AttentionCache(tuple(keys), tuple(values))


def _attend(query: tf.Tensor, keys: tf.Tensor, values: tf.Tensor, position: tf.Tensor) -> tf.Tensor:
    """softmax(query K^T) V over positions 0..position, [B, heads, channels].

    Chunk after chunk, so that no more of the cache is read than there is, with a running maximum
    (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018).
    """
    chunks, chunk = keys.shape[0], keys.shape[-1]
    float32 = tf.float32

    def read(
        number: tf.Tensor, highest: tf.Tensor, total: tf.Tensor, weighted: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        # Sums of products rather than matrix products: XLA makes one loop of them, without a copy
        # of the chunk.
        scores = tf.reduce_sum(tf.cast(query[..., None] * keys[number], float32), axis=-2)
        known = number * chunk + tf.range(chunk) <= position
        scores = tf.where(known, scores, float32.min)
        now = tf.maximum(highest, tf.reduce_max(scores, axis=-1))
        scale, weights = tf.exp(highest - now), tf.exp(scores - now[..., None])
        read_values = tf.cast(values[number], float32)
        return (
            number + 1,
            now,
            total * scale + tf.reduce_sum(weights, axis=-1),
            weighted * scale[..., None] + tf.reduce_sum(weights[..., None] * read_values, axis=-2),
        )

    nothing = tf.zeros_like(query[..., 0], float32)
    _, _, total, weighted = tf.while_loop(
        lambda number, *_: number * chunk <= position,
        read,
        (tf.constant(0), nothing + float32.min, nothing, tf.zeros_like(query, float32)),
        maximum_iterations=chunks,
    )
    return tf.cast(weighted / total[..., None], query.dtype)
