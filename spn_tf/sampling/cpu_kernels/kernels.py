"""The kernels of CPUs as one object."""

import tensorflow as tf

from spn_tf.sampling.cpu_kernels.few_rows import product_with
from spn_tf.sampling.cpu_kernels.last_axis import highest_of, total_of
from spn_tf.sampling.cpu_kernels.tiled_cache import TiledKeyValueCache
from spn_tf.sampling.kernels import Kernels, Product


class CpuKernels(Kernels):
    """Products of few rows, reductions and a key-value cache, laid out for the caches of a CPU.

    The arithmetic is float32 for every network. XLA on CPU turns the operands of bfloat16 products
    into float32, and the weights anew for every pixel; see few_rows.py for the exception.
    """

    def __init__(self, compute_dtype: str):
        super().__init__(compute_dtype)
        self.dtype = "float32"

    def product(self, matrix: tf.Tensor) -> Product:
        return product_with(matrix, self.compute_dtype)

    def total(self, x: tf.Tensor) -> tf.Tensor:
        return total_of(x)

    def highest(self, x: tf.Tensor) -> tf.Tensor:
        return highest_of(x)

    def key_value_cache(
        self, heads: int, channels: int, height: int, width: int
    ) -> TiledKeyValueCache:
        return TiledKeyValueCache(heads, channels, height, width, self.compute_dtype)
