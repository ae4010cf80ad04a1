"""Layouts and operations tuned to the caches of CPUs and to XLA's CPU compiler.

Sampling on a CPU is bound by reading memory: for every pixel, all weights and all keys and values
so far, for few images at once. So everything lies in memory in the order in which it is read, and
in forms that XLA's CPU compiler turns into vector instructions. `CpuKernels` offers all of it as
one object; nothing outside this package knows a layout.

- `few_rows.py`: products of a few rows with a matrix, which is rearranged once;
- `weighted_sums.py`: weighted sums of many vectors that lie in tiles, and their packed bfloat16;
- `tiled_cache.py`: the key-value cache of an attention layer in such tiles;
- `last_axis.py`: sums and maxima over the last axis.

The sizes were tuned with TensorFlow 2.21 on AMD EPYC (docs/results.md). A later compiler may make
parts of this needless: compare with `PlainKernels`, which gives the same samples.
"""

from spn_tf.sampling.cpu_kernels.kernels import CpuKernels

__all__ = ["CpuKernels"]
