"""Kernels without any layout of their own: public operations on plain arrays, for any device.

GPUs and TPUs use these. The tests run them on the CPU and compare them with `CpuKernels`.
"""

import tensorflow as tf

from cascade_tf.xla_ops import dynamic_update_slice
from spn_tf.sampling.kernels import CacheTensors, Kernels, KeyValueCache, Product


class PlainKernels(Kernels):
    """`tf.matmul`, `tf.reduce_sum`, and keys and values as arrays in the compute dtype."""

    def product(self, matrix: tf.Tensor) -> Product:
        return lambda x: tf.matmul(x, matrix)

    def total(self, x: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(x, axis=-1)

    def highest(self, x: tf.Tensor) -> tf.Tensor:
        return tf.reduce_max(x, axis=-1)

    def key_value_cache(
        self, heads: int, channels: int, height: int, width: int
    ) -> "PlainKeyValueCache":
        return PlainKeyValueCache(heads, channels, height, width, self.dtype)


class PlainKeyValueCache(KeyValueCache):
    """Keys and values, [B, heads, height * width, channels] each.

    Every step reads the whole cache and masks the positions that are still to come: two products
    of fixed shapes, and no loop whose length depends on the position.

    Args:
        heads, channels: of the layer.
        height, width: of the positions.
        dtype: of keys and values; scores and softmax are float32 at least, as in `SelfAttention`.
    """

    def __init__(self, heads: int, channels: int, height: int, width: int, dtype: str):
        self._shape = [heads, height * width, channels]
        self._width = width
        self._dtype = dtype

    def start(self, batch: int) -> CacheTensors:
        keys = tf.zeros([batch, *self._shape], self._dtype)
        return keys, tf.zeros_like(keys)

    def attend(
        self,
        query: tf.Tensor,
        key: tf.Tensor,
        value: tf.Tensor,
        cache: CacheTensors,
        row: tf.Tensor,
        column: tf.Tensor,
    ) -> tuple[tf.Tensor, CacheTensors]:
        _, positions, channels = self._shape
        position = row * self._width + column
        here = tf.stack([0, 0, position, 0])
        keys, values = (
            dynamic_update_slice(kept, tf.cast(new, self._dtype)[:, :, None], here)
            for kept, new in zip(cache, (key, value), strict=True)
        )
        query = tf.cast(query, self._dtype)[:, :, None]
        scores = tf.matmul(query, keys, transpose_b=True) * channels**-0.5  # [B, heads, 1, T]
        scores = tf.cast(scores, "float64" if self._dtype == "float64" else "float32")
        scores = tf.where(tf.range(positions) <= position, scores, scores.dtype.min)
        weights = tf.cast(tf.nn.softmax(scores), self._dtype)
        return tf.matmul(weights, values)[:, :, 0], (keys, values)

    def end_row(self, cache: CacheTensors, row: tf.Tensor) -> CacheTensors:
        return cache
