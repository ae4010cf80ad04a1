"""The decoder's Transformer one position at a time, over the keys and values of those before it.

Shape letters: B batch, T positions, P of a chunk, D width of the residual stream, U positions or
channels of a group.
"""

from typing import NamedTuple

import tensorflow as tf
from tensorflow.compiler.tf2xla.python.xla import dynamic_update_slice

from spn_tf.attention import DenseFeedForward, ParameterAttention, SelfAttention, Transformer
from spn_tf.few_rows import Product, dense

_CHUNK = 128  # positions of the cache that are read at once, a multiple of _GROUP
_GROUP = 8  # of channels or positions, whose products are summed up at once


class AttentionCache(NamedTuple):
    """Keys and values of every attention layer, float32, in chunks of P positions.

    In bfloat16, XLA would convert the whole of them on a CPU whenever a position is written.
    Memory holds a chunk in the order in which it is read, its channels or positions in groups; the
    last group of channels is filled up with zeros.

    Attributes:
        keys: [chunks, B, heads, channels / U, U, P] each.
        values: [chunks, B, heads, P / U, U, channels] each.
    """

    keys: tuple[tf.Tensor, ...]
    values: tuple[tf.Tensor, ...]


class _Attention(NamedTuple):
    """Attention to the positions before: its products, with few rows."""

    heads: int
    channels: int
    qkv: Product
    out: Product


class CachedTransformer:
    """A Transformer's weights, arranged for one position at a time.

    Make one inside the graph that uses it, outside its loops: the arranged weights are tensors.

    Args:
        transformer: a built stack.
        length: of the positions, T.
    """

    def __init__(self, transformer: Transformer, length: int):
        self._norms = transformer.norms
        self._chunk = min(_CHUNK, -(-length // _GROUP) * _GROUP)
        self._chunks = -(-length // self._chunk)
        self._branches = [_arranged(branch) for branch in transformer.branches]

    def start(self, batch: int) -> AttentionCache:
        """The cache before the first position."""
        layers = [b for b in self._branches if isinstance(b, _Attention)]
        keys, values = [], []
        for a in layers:
            outer = [self._chunks, batch, a.heads]
            keys.append(tf.zeros([*outer, -(-a.channels // _GROUP), _GROUP, self._chunk]))
            values.append(tf.zeros([*outer, self._chunk // _GROUP, _GROUP, a.channels]))
        return AttentionCache(tuple(keys), tuple(values))

    def next(
        self, x: tf.Tensor, cache: AttentionCache, position: tf.Tensor
    ) -> tuple[tf.Tensor, AttentionCache]:
        """What the stack makes of position `position`, given those before it.

        Args:
            x: [B, D], its input at that position.
            cache: of the positions before.
            position: int32 scalar.

        Returns:
            Its output [B, D], and the cache with the position in it.
        """
        keys, values = list(cache.keys), list(cache.values)
        layer = 0
        for norm, branch in zip(self._norms[:-1], self._branches, strict=True):
            y = norm(x)
            if isinstance(branch, _Attention):
                y, keys[layer], values[layer] = self._self_attention(
                    branch, y, keys[layer], values[layer], position
                )
                layer += 1
            else:
                y = branch(y)
            x += y
        return self._norms[-1](x), AttentionCache(tuple(keys), tuple(values))

    def _self_attention(
        self,
        layer: _Attention,
        x: tf.Tensor,
        keys: tf.Tensor,
        values: tf.Tensor,
        position: tf.Tensor,
    ) -> tuple[tf.Tensor, ...]:
        heads, channels = layer.heads, layer.channels
        qkv = tf.cast(layer.qkv(x), tf.float32)
        query, key, value = (
            tf.reshape(part, [-1, heads, channels]) for part in tf.split(qkv, 3, axis=-1)
        )
        number, place = position // self._chunk, position % self._chunk
        keys = dynamic_update_slice(
            keys, _in_groups(key)[None, ..., None], tf.stack([number, 0, 0, 0, 0, place])
        )
        group, place = place // _GROUP, place % _GROUP
        values = dynamic_update_slice(
            values, value[None, :, :, None, None], tf.stack([number, 0, 0, group, place, 0])
        )
        read = _attend(query * channels**-0.5, keys, values, position)
        read = tf.cast(tf.reshape(read, [-1, heads * channels]), x.dtype)
        return layer.out(read), keys, values


def _arranged(
    layer: SelfAttention | ParameterAttention | DenseFeedForward,
) -> _Attention | Product:
    """The layer as a function of [B, D]; of attention to other positions, its products."""
    out = dense(layer.out)
    if isinstance(layer, SelfAttention):
        return _Attention(layer.heads, layer.channels, dense(layer.qkv), out)
    if isinstance(layer, DenseFeedForward):
        inner = dense(layer.inner)
        return lambda x: out(inner(x))
    # A product of few rows with the keys as they are stored, rows by channels, is slow.
    query = dense(layer.query)
    keys = tf.transpose(tf.cast(layer.keys, layer.compute_dtype), [0, 2, 1])
    values = tf.cast(layer.values, layer.compute_dtype)
    return lambda x: out(layer.read(query(x), keys, values))


def _in_groups(x: tf.Tensor) -> tf.Tensor:
    """[B, heads, n] to [B, heads, groups, U], with zeros after the end."""
    _, heads, n = x.shape
    return tf.reshape(
        tf.pad(x, [[0, 0], [0, 0], [0, -n % _GROUP]]), [-1, heads, -(-n // _GROUP), _GROUP]
    )


def _weighted_sum(weights: tf.Tensor, chunk: tf.Tensor) -> tf.Tensor:
    """sum_i weights[..., i] chunk[..., i, :], float32 [B, heads, .].

    XLA makes one loop over the memory of a chunk of the products and their sums over each group.
    Were all summed up at once, the loop would go over single numbers instead of vectors.

    Args:
        weights: float32 [B, heads, n].
        chunk: of keys or values, [B, heads, n / U, U, .].
    """
    terms = tf.unstack(tf.reduce_sum(_in_groups(weights)[..., None] * chunk, axis=-2), axis=2)
    while len(terms) > 1:  # in pairs, for accuracy
        terms = [tf.add_n(terms[i : i + 2]) for i in range(0, len(terms), 2)]
    return terms[0]


def _attend(query: tf.Tensor, keys: tf.Tensor, values: tf.Tensor, position: tf.Tensor) -> tf.Tensor:
    """softmax(query K^T) V over positions 0..position, [B, heads, channels].

    Chunk after chunk, so that no more of the cache is read than there is, with a running maximum
    (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018).
    """
    chunks, chunk = keys.shape[0], keys.shape[-1]

    def read(
        number: tf.Tensor, highest: tf.Tensor, total: tf.Tensor, weighted: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        scores = _weighted_sum(query, keys[number])
        known = number * chunk + tf.range(chunk) <= position
        scores = tf.where(known, scores, tf.float32.min)
        now = tf.maximum(highest, tf.reduce_max(scores, axis=-1))
        scale, weights = tf.exp(highest - now), tf.exp(scores - now[..., None])
        read_values = _weighted_sum(weights, values[number])
        return (
            number + 1,
            now,
            total * scale + tf.reduce_sum(weights, axis=-1),
            weighted * scale[..., None] + read_values,
        )

    nothing = tf.zeros_like(query[..., 0])
    _, _, total, weighted = tf.while_loop(
        lambda number, *_: number * chunk <= position,
        read,
        (tf.constant(0), nothing + tf.float32.min, nothing, tf.zeros_like(query)),
        maximum_iterations=chunks,
    )
    return weighted / total[..., None]
