"""The decoder's Transformer one position at a time, over cached keys and values.

Shape letters: B images, D width of the residual stream.
"""

from typing import NamedTuple

import keras
import tensorflow as tf

from spn_tf.attention import DenseFeedForward, ParameterAttention, SelfAttention, Transformer
from spn_tf.sampling.kernels import CacheTensors, Kernels, KeyValueCache, Product

# One entry for each self-attention layer.
AttentionCache = tuple[CacheTensors, ...]


class _CachedSelfAttention(NamedTuple):
    """A self-attention layer for one position at a time."""

    heads: int
    channels: int
    qkv: Product
    out: Product
    memory: KeyValueCache

    def next(
        self, x: tf.Tensor, cache: CacheTensors, row: tf.Tensor, column: tf.Tensor
    ) -> tuple[tf.Tensor, CacheTensors]:
        """The layer's output at a position, [B, D] to [B, D]; the cache with the position in it."""
        query, key, value = (
            tf.reshape(part, [-1, self.heads, self.channels])
            for part in tf.split(self.qkv(x), 3, axis=-1)
        )
        read, cache = self.memory.attend(query, key, value, cache, row, column)
        read = tf.cast(tf.reshape(read, [-1, self.heads * self.channels]), x.dtype)
        return self.out(read), cache


class CachedTransformer:
    """A Transformer for one position at a time, in raster order.

    The constructor casts and arranges the weights. So construct it inside the graph that uses it,
    but outside the graph's loops.

    Args:
        transformer: a built stack.
        height: rows of its positions.
        width: positions of a row.
        kernels: of the device.
    """

    def __init__(self, transformer: Transformer, height: int, width: int, kernels: Kernels):
        self._kernels = kernels
        self._norms = transformer.norms
        self._branches = [self._arranged(b, height, width) for b in transformer.branches]
        self._attention = [b for b in self._branches if isinstance(b, _CachedSelfAttention)]

    def start(self, batch: int) -> AttentionCache:
        """The cache before the first position."""
        return tuple(layer.memory.start(batch) for layer in self._attention)

    def next(
        self, x: tf.Tensor, cache: AttentionCache, row: tf.Tensor, column: tf.Tensor
    ) -> tuple[tf.Tensor, AttentionCache]:
        """Runs the stack for one position, over the cached positions before it.

        Args:
            x: [B, D], its input at that position.
            cache: of the positions before.
            row: int32 scalar.
            column: int32 scalar.

        Returns:
            Its output [B, D], and the cache with the position in it.
        """
        before, after = iter(cache), []
        for norm, branch in zip(self._norms[:-1], self._branches, strict=True):
            y = normalised(norm, x, self._kernels)
            if isinstance(branch, _CachedSelfAttention):
                y, layer_cache = branch.next(y, next(before), row, column)
                after.append(layer_cache)
            else:
                y = branch(y)
            x += y
        return normalised(self._norms[-1], x, self._kernels), tuple(after)

    def end_row(self, cache: AttentionCache, row: tf.Tensor) -> AttentionCache:
        """To be called after the last position of a row, int32 scalar."""
        layers = zip(self._attention, cache, strict=True)
        return tuple(layer.memory.end_row(tensors, row) for layer, tensors in layers)

    def _arranged(
        self,
        layer: SelfAttention | ParameterAttention | DenseFeedForward,
        height: int,
        width: int,
    ) -> _CachedSelfAttention | Product:
        """The layer as a function from [B, D] to [B, D]; self-attention with a cache besides."""
        kernels = self._kernels
        out = kernels.dense(layer.out)
        if isinstance(layer, SelfAttention):
            heads, channels = layer.heads, layer.channels
            memory = kernels.key_value_cache(heads, channels, height, width)
            return _CachedSelfAttention(heads, channels, kernels.dense(layer.qkv), out, memory)
        if isinstance(layer, DenseFeedForward):
            inner = kernels.dense(layer.inner)
            return lambda x: out(inner(x))
        query = kernels.dense(layer.query)
        keys = tf.transpose(tf.cast(layer.keys, kernels.dtype), [0, 2, 1])
        with_keys = kernels.product(keys)
        with_values = kernels.product(tf.cast(layer.values, kernels.dtype))
        return lambda x: out(layer.read(query(x), with_keys, with_values, kernels.softmax))


def normalised(norm: keras.layers.LayerNormalization, x: tf.Tensor, kernels: Kernels) -> tf.Tensor:
    """`norm(x)` of [B, D], with the sums of the kernels; rounded as the layer rounds."""
    y = tf.cast(x, norm.variable_dtype)
    y -= kernels.total(y)[..., None] / y.shape[-1]
    variance = kernels.total(y * y)[..., None] / y.shape[-1]
    y *= tf.math.rsqrt(variance + norm.epsilon)
    y = y * tf.convert_to_tensor(norm.gamma) + tf.convert_to_tensor(norm.beta)
    return tf.cast(tf.cast(y, norm.compute_dtype), x.dtype)
