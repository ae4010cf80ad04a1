"""Sampling from a Subscale Pixel Network, one subpixel at a time (equation 2). Where to read:

1. `plain.py`: the definition. One pass of the whole network for each subpixel. Start here.
2. `sampler.py`: `Sampler` draws the same images fast. It goes from slice to slice, cuts a batch
   into parts, and compiles one program (XLA) for all slices.
3. `decode.py`: that program, three nested loops over rows, pixels and colours of a slice. It
   computes nothing twice, since each loop keeps the results that later steps need
   (`cached_decoder.py`). Those of SPN's decoder (`cached_slice_decoder.py`):
   - `cached_attention.py`: keys and values of the positions before (the Transformer);
   - `cached_pixelcnn.py`: rows of the vertical stack, and sums for the pixels on the right;
     `horizontal_weights.py` and `masked_products.py` rearrange the weights for that.
4. `cpu_kernels/`: layouts and operations tuned to the caches of CPUs and to XLA's CPU compiler.
   Nothing there changes a result.

`arguments.py` converts the arguments of both samplers to tensors.
"""

from spn_tf.sampling.arguments import UNKNOWN
from spn_tf.sampling.plain import plain_sample
from spn_tf.sampling.sampler import Sampler

__all__ = ["UNKNOWN", "Sampler", "plain_sample"]
