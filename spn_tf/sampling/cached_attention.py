"""The decoder's Transformer one position at a time, over the keys and values of those before it.

Shape letters: B batch, T positions, P of a chunk, D width of the residual stream, U positions or
channels of a group, R rows of their tiles, L that lie together of the other.
"""

from typing import NamedTuple

import keras
import tensorflow as tf
from tensorflow.compiler.tf2xla.python.xla import dynamic_update_slice

from spn_tf.attention import DenseFeedForward, ParameterAttention, SelfAttention, Transformer
from spn_tf.sampling.cpu_kernels.few_rows import Product, dense, product_with
from spn_tf.sampling.cpu_kernels.last_axis import highest_of, in_groups, sum_of, total_of
from spn_tf.sampling.cpu_kernels.weighted_sums import (
    KEPT,
    as_kept,
    group_of,
    group_size,
    lanes_of,
    put,
    tiles,
    weighted_sum,
)

# Of each unit, the bytes of the cache read at once, rounded down to whole rows of positions. Larger
# chunks are slower, smaller ones no faster.
_CHUNK_BYTES = 384
_ROW_GROUP = 8  # numbers of a key whose products are summed up at once, in the row that is drawn


class AttentionCache(NamedTuple):
    """Keys and values of every attention layer, of each position so far.

    They are float32, or words of two bfloat16 numbers each: those numbers themselves, XLA would
    convert all at once on a CPU whenever a position is written. They lie in chunks of P positions,
    which are whole rows; memory holds a chunk in the order in which it is read (weighted_sums.py).
    In that order a position's keys are numbers far from each other, and slow to write. So keys are
    written there by rows, and those of the row that is being drawn lie apart.

    Attributes:
        keys: [chunks, B, heads, channels / U, P / L, R, L] each, of the rows before.
        row_keys: float32 [B, heads, width, 8, channels / 8] each, of the row's positions so far.
        values: [chunks, B, heads, P / U, channels / L, R, L] each.
    """

    keys: tuple[tf.Tensor, ...]
    row_keys: tuple[tf.Tensor, ...]
    values: tuple[tf.Tensor, ...]


class _Attention(NamedTuple):
    """Attention to the positions before: its products, with few rows."""

    heads: int
    channels: int
    qkv: Product
    out: Product


class CachedTransformer:
    """A Transformer's weights, arranged for one position at a time, row after row.

    Make one inside the graph that uses it, outside its loops: the arranged weights are tensors.

    Args:
        transformer: a built stack.
        height: rows of its positions.
        width: positions of a row.
        dtype: of the arithmetic, but for attention, which is float32.
    """

    def __init__(self, transformer: Transformer, height: int, width: int, dtype: str):
        self._norms = transformer.norms
        self._kept = KEPT[transformer.compute_dtype]
        self._width = width
        chunk = _CHUNK_BYTES // tf.as_dtype(transformer.compute_dtype).size
        self._rows = min(max(1, chunk // width), height)  # of a chunk
        self._chunks = -(-height // self._rows)
        self._branches = [_arranged(branch, dtype) for branch in transformer.branches]

    def start(self, batch: int) -> AttentionCache:
        """The cache before the first position."""
        layers = [b for b in self._branches if isinstance(b, _Attention)]
        kept = self._kept
        positions, in_row = self._rows * self._width, lanes_of(self._width)
        keys, row_keys, values = [], [], []
        for a in layers:
            outer = [self._chunks, batch, a.heads]
            units = a.channels + -a.channels % group_size(a.channels, kept)
            keys.append(tf.zeros([*outer, *tiles(a.channels, positions, in_row, kept)], kept))
            row_keys.append(
                tf.zeros([batch, a.heads, self._width, _ROW_GROUP, units // _ROW_GROUP])
            )
            lanes = lanes_of(a.channels)
            values.append(tf.zeros([*outer, *tiles(positions, a.channels, lanes, kept)], kept))
        return AttentionCache(tuple(keys), tuple(row_keys), tuple(values))

    def next(
        self, x: tf.Tensor, cache: AttentionCache, row: tf.Tensor, column: tf.Tensor
    ) -> tuple[tf.Tensor, AttentionCache]:
        """What the stack makes of a position, given those before it.

        Args:
            x: [B, D], its input at that position.
            cache: of the positions before.
            row: int32 scalar.
            column: int32 scalar.

        Returns:
            Its output [B, D], and the cache with the position in it.
        """
        row_keys, values = list(cache.row_keys), list(cache.values)
        layer = 0
        for norm, branch in zip(self._norms[:-1], self._branches, strict=True):
            y = _normalised(norm, x)
            if isinstance(branch, _Attention):
                y, row_keys[layer], values[layer] = self._self_attention(
                    branch, y, cache.keys[layer], row_keys[layer], values[layer], row, column
                )
                layer += 1
            else:
                y = branch(y)
            x += y
        x = _normalised(self._norms[-1], x)
        return x, AttentionCache(cache.keys, tuple(row_keys), tuple(values))

    def end_row(self, cache: AttentionCache, row: tf.Tensor) -> AttentionCache:
        """The cache with the keys of a row, int32 scalar, whose last position was drawn."""
        keys = []
        for before, made in zip(cache.keys, cache.row_keys, strict=True):
            heads, groups, _, _, lanes = before.shape[2:]
            units = [groups, group_of(before)]
            made = tf.reshape(made, [-1, heads, self._width // lanes, lanes, *units])
            made = tf.einsum("bhwlgu->bhgwul", made)[None]
            block = row % self._rows * (self._width // lanes)
            here = tf.stack([row // self._rows, 0, 0, 0, block, 0, 0])
            keys.append(dynamic_update_slice(before, as_kept(made, self._kept), here))
        return AttentionCache(tuple(keys), cache.row_keys, cache.values)

    def _self_attention(
        self,
        layer: _Attention,
        x: tf.Tensor,
        keys: tf.Tensor,
        row_keys: tf.Tensor,
        values: tf.Tensor,
        row: tf.Tensor,
        column: tf.Tensor,
    ) -> tuple[tf.Tensor, ...]:
        heads, channels = layer.heads, layer.channels
        qkv = tf.cast(layer.qkv(x), tf.float32)
        query, key, value = (
            tf.reshape(part, [-1, heads, channels]) for part in tf.split(qkv, 3, axis=-1)
        )
        query *= channels**-0.5
        last, start = row // self._rows, row % self._rows * self._width
        value = tf.reshape(value, [1, -1, heads, 1, values.shape[4], 1, values.shape[6]])
        size = group_of(values)
        group, place = (start + column) // size, (start + column) % size
        values = put(values, value, [last, 0, 0, group, 0], place)
        units = group_of(keys)
        by_group = [-1, heads, 1, *row_keys.shape[-2:]]
        row_keys = dynamic_update_slice(
            row_keys, tf.reshape(in_groups(key, units), by_group), tf.stack([0, 0, column, 0, 0])
        )
        scores = _row_scores(tf.reshape(in_groups(query, units), by_group), row_keys)
        scores = tf.where(tf.range(self._width) <= column, scores, tf.float32.min)
        read = _attend(query, keys, values, self._rows, row, scores)
        read = tf.cast(tf.reshape(read, [-1, heads * channels]), x.dtype)
        return layer.out(read), row_keys, values


def _arranged(
    layer: SelfAttention | ParameterAttention | DenseFeedForward, dtype: str
) -> _Attention | Product:
    """The layer as a function of [B, D]; of attention to other positions, its products."""
    out = dense(layer.out, dtype)
    if isinstance(layer, SelfAttention):
        return _Attention(layer.heads, layer.channels, dense(layer.qkv, dtype), out)
    if isinstance(layer, DenseFeedForward):
        inner = dense(layer.inner, dtype)
        return lambda x: out(inner(x))
    query = dense(layer.query, dtype)
    keys = tf.transpose(tf.cast(layer.keys, dtype), [0, 2, 1])
    with_keys = product_with(keys, layer.compute_dtype)
    with_values = product_with(tf.cast(layer.values, dtype), layer.compute_dtype)
    return lambda x: out(layer.read(query(x), with_keys, with_values, _softmax))


def _normalised(norm: keras.layers.LayerNormalization, x: tf.Tensor) -> tf.Tensor:
    """As the layer itself, [B, D]."""
    y = tf.cast(x, tf.float32)
    y -= total_of(y)[..., None] / y.shape[-1]
    variance = total_of(y * y)[..., None] / y.shape[-1]
    y *= tf.math.rsqrt(variance + norm.epsilon)
    y = y * tf.convert_to_tensor(norm.gamma) + tf.convert_to_tensor(norm.beta)
    return tf.cast(tf.cast(y, norm.compute_dtype), x.dtype)


def _softmax(scores: tf.Tensor) -> tf.Tensor:
    """As tf.nn.softmax, of float32 numbers."""
    weights = tf.exp(scores - highest_of(scores)[..., None])
    return weights / total_of(weights)[..., None]


def _row_scores(query: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
    """[B, heads, width]."""
    return sum_of(tf.unstack(tf.reduce_sum(query * keys, axis=-2), axis=-1))


def _attend(
    query: tf.Tensor,
    keys: tf.Tensor,
    values: tf.Tensor,
    rows: int,
    row: tf.Tensor,
    row_scores: tf.Tensor,
) -> tf.Tensor:
    """softmax(query K^T) V over the positions so far, [B, heads, channels].

    Chunk after chunk, so that no more of the cache is read than there is, with a running maximum
    (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018). The last one, with
    the row that is being drawn, is read whole as well, once a row of it is above: memory is read
    fastest in one go, and a few rows of each head take longer.

    Args:
        query: [B, heads, channels].
        keys, values: the cache's.
        rows: of a chunk.
        row: int32 scalar, that is being drawn.
        row_scores: [B, heads, width], of its positions.
    """
    width = row_scores.shape[-1]
    last, before = row // rows, row % rows

    def summed(
        scores: tf.Tensor, highest: tf.Tensor, vectors: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        weights = tf.exp(scores - highest[..., None])
        return highest, total_of(weights), weighted_sum(weights, vectors)

    def begun() -> tuple[tf.Tensor, ...]:
        groups = -(-width // group_of(values))
        return summed(row_scores, highest_of(row_scores), values[last][:, :, :groups])

    def begun_under_rows() -> tuple[tf.Tensor, ...]:
        scores = weighted_sum(query, keys[last])
        scores = tf.where(tf.range(rows * width) < before * width, scores, tf.float32.min)
        # A maximum of its own: sums that are read once, by what puts the row into them, XLA makes
        # there, number by number.
        highest = tf.maximum(highest_of(row_scores), highest_of(scores))
        scores = dynamic_update_slice(scores, row_scores, tf.stack([0, 0, before * width]))
        return summed(scores, highest, values[last])

    def read(
        number: tf.Tensor, highest: tf.Tensor, total: tf.Tensor, weighted: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        scores = weighted_sum(query, keys[number])
        now = tf.maximum(highest, highest_of(scores))
        scale = tf.exp(highest - now)
        _, total_here, here = summed(scores, now, values[number])
        return number + 1, now, total * scale + total_here, weighted * scale[..., None] + here

    carried = tf.cond(before == 0, begun, begun_under_rows) if rows > 1 else begun()
    _, _, total, weighted = tf.while_loop(
        lambda number, *_: number < last,
        read,
        (tf.constant(0), *carried),
        maximum_iterations=keys.shape[0],
    )
    return weighted / total[..., None]
