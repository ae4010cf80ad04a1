"""The arguments of a sampler as tensors of fixed dtypes, whatever numbers a caller passes.

TensorFlow traces a function anew for every Python number, and XLA compiles every trace: 8 to 11
seconds for each seed of a tiny network. A tensor's value does not matter to a trace.
"""

from typing import Any

import tensorflow as tf

from cascade_tf.tensors import integers
from spn_tf.autoregressive_config import AutoregressiveConfig

UNKNOWN = -1  # stands for an intensity that is to be drawn


def as_tensors(
    config: AutoregressiveConfig, indices: Any, seed: Any, temperature: Any, coarse: Any, known: Any
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor | None, tf.Tensor]:
    """Converts the arguments of a sampler, which may be Python or NumPy numbers, or tensors.

    Args:
        config: of the network.
        indices: integers [B], such as a list or a `range`.
        seed: an integer.
        temperature: a number.
        coarse: integers [B, H, W, C], or None.
        known: integers [B, H, W, C]; None: nothing is known.

    Returns:
        indices int64 [B]; seed int32 []; temperature float32 []; coarse int32 [B, H, W, C] or
        None; known int32 [B, H, W, C].

    Raises:
        ValueError: `seed` or an index does not fit its dtype.
    """
    indices = integers("indices", indices, tf.int64)
    if known is None:
        known = tf.fill(
            [tf.shape(indices)[0], config.height, config.width, config.channels], UNKNOWN
        )
    return (
        indices,
        integers("seed", seed, tf.int32),
        tf.cast(temperature, tf.float32),
        None if coarse is None else integers("coarse", coarse, tf.int32),
        integers("known", known, tf.int32),
    )
