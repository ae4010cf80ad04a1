"""The key-value cache of an attention layer, laid out for the caches of a CPU.

Positions are stored in chunks of P positions, which are a few whole rows. A chunk lies in memory
in tiles, in the order in which attention reads it (weighted_sums.py). In that order the numbers
of one position's key are far apart, and slow to write one by one. So the keys of the current row
are kept apart, position after position, and copied into their chunk when the row ends.

Shape letters: B images, P positions of a chunk, U positions or channels of a group, R rows of a
tile, L lanes of a tile.
"""

from typing import NamedTuple

import tensorflow as tf

from cascade_tf.xla_ops import dynamic_update_slice
from spn_tf.sampling.cpu_kernels.last_axis import highest_of, in_groups, sum_of, total_of
from spn_tf.sampling.cpu_kernels.weighted_sums import (
    STORED_AS,
    group_of,
    group_size,
    lanes_of,
    packed,
    put,
    tiles,
    weighted_sum,
)
from spn_tf.sampling.kernels import CacheTensors, KeyValueCache

# Bytes per channel that one chunk holds, rounded down to whole rows of positions: about 96
# positions of float32 or 192 of bfloat16. Larger chunks are slower, smaller ones no faster.
_CHUNK_BYTES = 384
_ROW_GROUP = 8  # channels of a key whose products are summed at once, in the current row


class _Tensors(NamedTuple):
    """The cache's tensors.

    They are float32, or pairs of bfloat16 packed into uint32. Plain bfloat16 is avoided because
    XLA on CPU converts the whole array to float32 and back at every write.

    Attributes:
        keys: [chunks, B, heads, channels / U, P / L, R, L], of the rows before.
        row_keys: float32 [B, heads, width, 8, channels / 8], of the current row.
        values: [chunks, B, heads, P / U, channels / L, R, L], of all positions so far.
    """

    keys: tf.Tensor
    row_keys: tf.Tensor
    values: tf.Tensor


class TiledKeyValueCache(KeyValueCache):
    """Keys and values in tiles; arithmetic in float32.

    Args:
        heads, channels: of the layer.
        height, width: of the positions.
        compute_dtype: of the network; keys and values of a bfloat16 network are rounded to it,
            so that half as many bytes are read.
    """

    def __init__(self, heads: int, channels: int, height: int, width: int, compute_dtype: str):
        self._heads, self._channels, self._width = heads, channels, width
        self._stored = STORED_AS[compute_dtype]
        chunk = _CHUNK_BYTES // tf.as_dtype(compute_dtype).size
        self._rows = min(max(1, chunk // width), height)  # of a chunk
        self._chunks = -(-height // self._rows)

    def start(self, batch: int) -> CacheTensors:
        channels, stored = self._channels, self._stored
        outer = [self._chunks, batch, self._heads]
        positions = self._rows * self._width
        padded = channels + -channels % group_size(channels, stored)
        key_tiles = tiles(channels, positions, lanes_of(self._width), stored)
        value_tiles = tiles(positions, channels, lanes_of(channels), stored)
        row = [batch, self._heads, self._width, _ROW_GROUP, padded // _ROW_GROUP]
        return _Tensors(
            keys=tf.zeros([*outer, *key_tiles], stored),
            row_keys=tf.zeros(row),
            values=tf.zeros([*outer, *value_tiles], stored),
        )

    def attend(
        self,
        query: tf.Tensor,
        key: tf.Tensor,
        value: tf.Tensor,
        cache: CacheTensors,
        row: tf.Tensor,
        column: tf.Tensor,
    ) -> tuple[tf.Tensor, CacheTensors]:
        keys, row_keys, values = cache
        query, key, value = (tf.cast(x, tf.float32) for x in (query, key, value))
        query *= self._channels**-0.5
        values = self._with_value(values, value, row, column)
        by_group = [-1, self._heads, 1, *row_keys.shape[-2:]]
        units = group_of(keys)
        row_keys = dynamic_update_slice(
            row_keys, tf.reshape(in_groups(key, units), by_group), tf.stack([0, 0, column, 0, 0])
        )
        scores = _row_scores(tf.reshape(in_groups(query, units), by_group), row_keys)
        scores = tf.where(tf.range(self._width) <= column, scores, tf.float32.min)
        read = _attend(query, keys, values, self._rows, row, scores)
        return read, _Tensors(keys, row_keys, values)

    def _with_value(
        self, values: tf.Tensor, value: tf.Tensor, row: tf.Tensor, column: tf.Tensor
    ) -> tf.Tensor:
        """The values with that of a position, [B, heads, channels]."""
        chunk, start = row // self._rows, row % self._rows * self._width
        value = tf.reshape(value, [1, -1, self._heads, 1, values.shape[4], 1, values.shape[6]])
        size = group_of(values)
        group, place = (start + column) // size, (start + column) % size
        return put(values, value, [chunk, 0, 0, group, 0], place)

    def end_row(self, cache: CacheTensors, row: tf.Tensor) -> CacheTensors:
        """Copies the row's keys into their chunk."""
        keys, row_keys, values = cache
        heads, groups, _, _, lanes = keys.shape[2:]
        units = [groups, group_of(keys)]
        in_tiles = tf.reshape(row_keys, [-1, heads, self._width // lanes, lanes, *units])
        in_tiles = tf.einsum("bhwlgu->bhgwul", in_tiles)[None]
        block = row % self._rows * (self._width // lanes)
        here = tf.stack([row // self._rows, 0, 0, 0, block, 0, 0])
        keys = dynamic_update_slice(keys, packed(in_tiles, self._stored), here)
        return _Tensors(keys, row_keys, values)


def _row_scores(query: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
    """Scores of the current row's positions, [B, heads, width]."""
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

    It goes from chunk to chunk with a running maximum (Milakov and Gimelshein, "Online normalizer
    calculation for softmax", 2018), so that chunks of later positions are never read. The last
    chunk holds the current row. It is read whole as soon as it holds an earlier row as well:
    reading a few rows of each head takes longer than reading everything in one go.

    Args:
        query: [B, heads, channels].
        keys, values: the cache's.
        rows: of a chunk.
        row: int32 scalar, the current row.
        row_scores: [B, heads, width], of the current row's positions.
    """
    width = row_scores.shape[-1]
    last, before = row // rows, row % rows

    def summed(
        scores: tf.Tensor, highest: tf.Tensor, vectors: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """The maximum, the sum of exp(scores - maximum), and the vectors summed with it."""
        weights = tf.exp(scores - highest[..., None])
        return highest, total_of(weights), weighted_sum(weights, vectors)

    def first_row_of_chunk() -> tuple[tf.Tensor, ...]:
        groups = -(-width // group_of(values))
        return summed(row_scores, highest_of(row_scores), values[last][:, :, :groups])

    def later_row_of_chunk() -> tuple[tf.Tensor, ...]:
        scores = weighted_sum(query, keys[last])
        scores = tf.where(tf.range(rows * width) < before * width, scores, tf.float32.min)
        # Take this maximum separately: with the update below as their only consumer, XLA would
        # fuse the scores into it and compute them one scalar at a time.
        highest = tf.maximum(highest_of(row_scores), highest_of(scores))
        scores = dynamic_update_slice(scores, row_scores, tf.stack([0, 0, before * width]))
        return summed(scores, highest, values[last])

    def add_chunk(
        number: tf.Tensor, highest: tf.Tensor, total: tf.Tensor, weighted: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        scores = weighted_sum(query, keys[number])
        now = tf.maximum(highest, highest_of(scores))
        scale = tf.exp(highest - now)
        _, total_here, here = summed(scores, now, values[number])
        return number + 1, now, total * scale + total_here, weighted * scale[..., None] + here

    if rows > 1:
        carried = tf.cond(before == 0, first_row_of_chunk, later_row_of_chunk)
    else:
        carried = first_row_of_chunk()
    _, _, total, weighted = tf.while_loop(
        lambda number, *_: number < last,
        add_chunk,
        (tf.constant(0), *carried),
        maximum_iterations=keys.shape[0],
    )
    return weighted / total[..., None]
