"""The operations that the cached decoder needs: products, reductions, and a key-value cache.

There are two implementations, which give the same samples: `PlainKernels` (plain_kernels.py) for
any device, and `CpuKernels` (cpu_kernels/) for CPUs. `Sampler` chooses.

Shape letters: B images, I inputs, O outputs, n numbers.
"""

import abc
from collections.abc import Callable

import tensorflow as tf

from spn_tf.dense import Dense

# A function from [..., B, I] to [..., B, O].
Product = Callable[[tf.Tensor], tf.Tensor]
# The tensors of a KeyValueCache; only their cache knows their shapes.
CacheTensors = tuple[tf.Tensor, ...]


class KeyValueCache(abc.ABC):
    """Causal attention of one layer, one position at a time, over cached keys and values.

    Positions come in raster order. The object knows shapes and layouts; the numbers are in the
    tensors that its methods take and return, which loops carry.
    """

    @abc.abstractmethod
    def start(self, batch: int) -> CacheTensors:
        """The cache before the first position."""

    @abc.abstractmethod
    def attend(
        self,
        query: tf.Tensor,
        key: tf.Tensor,
        value: tf.Tensor,
        cache: CacheTensors,
        row: tf.Tensor,
        column: tf.Tensor,
    ) -> tuple[tf.Tensor, CacheTensors]:
        """Adds a position and attends from it to all positions up to and including it.

        Args:
            query, key, value: [B, heads, channels], of the position.
            cache: of the positions before.
            row, column: int32 scalars, of the position.

        Returns:
            softmax(query K^T / sqrt(channels)) V, [B, heads, channels]; the cache with the
            position in it.
        """

    @abc.abstractmethod
    def end_row(self, cache: CacheTensors, row: tf.Tensor) -> CacheTensors:
        """To be called after the last position of a row, int32 scalar."""


class Kernels(abc.ABC):
    """Operations of the cached decoder, for graphs that XLA compiles.

    Args:
        compute_dtype: of the network: "float32", "bfloat16" or "float64".

    Attributes:
        dtype: of the arithmetic: of all activations and arranged weights.
    """

    def __init__(self, compute_dtype: str):
        self.compute_dtype = compute_dtype
        self.dtype = compute_dtype

    @abc.abstractmethod
    def product(self, matrix: tf.Tensor) -> Product:
        """The function x -> x matrix, [..., B, I] to [..., B, O].

        Call it outside the loops of a graph: it may rearrange the matrix.

        Args:
            matrix: [..., I, O], of `dtype`.
        """

    @abc.abstractmethod
    def total(self, x: tf.Tensor) -> tf.Tensor:
        """Sums over the last axis, [..., n] to [...]."""

    @abc.abstractmethod
    def highest(self, x: tf.Tensor) -> tf.Tensor:
        """Maxima over the last axis, [..., n] to [...]."""

    @abc.abstractmethod
    def key_value_cache(self, heads: int, channels: int, height: int, width: int) -> KeyValueCache:
        """An empty cache for one attention layer over height x width positions."""

    def dense(self, layer: Dense) -> Product:
        """A built layer as a function from [..., B, I] to [..., B, O]."""
        product = self.product(tf.cast(layer.kernel, self.dtype))
        bias = None if layer.bias is None else tf.cast(layer.bias, self.dtype)

        def call(x: tf.Tensor) -> tf.Tensor:
            y = product(x)
            return layer.activation(y if bias is None else y + bias)

        return call

    def softmax(self, scores: tf.Tensor) -> tf.Tensor:
        """tf.nn.softmax over the last axis, by `total` and `highest`."""
        weights = tf.exp(scores - self.highest(scores)[..., None])
        return weights / self.total(weights)[..., None]
