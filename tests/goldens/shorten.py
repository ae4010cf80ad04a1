"""Rounds the arrays of a checkpoint to few mantissa bits, so that it compresses well.

    python tests/goldens/shorten.py CHECKPOINT

Names, shapes, types and TensorFlow's object graph stay as training wrote them, and so do scalars
such as steps and learning rates.
"""

import sys

import numpy as np
import tensorflow as tf

_MANTISSA = 23  # mantissa bits of float32
_KEPT_OF_WEIGHTS, _KEPT_OF_MOMENTS = 4, 1


def shortened(name: str, value: np.ndarray) -> np.ndarray:
    """Returns float32 arrays rounded to fewer bits, and other arrays unchanged."""
    if value.dtype != np.float32 or not value.ndim:
        return value
    dropped = _MANTISSA - (_KEPT_OF_MOMENTS if "optimizer/_variables" in name else _KEPT_OF_WEIGHTS)
    bits = value.view(np.uint32).astype(np.uint64) + (1 << (dropped - 1))
    return (bits >> dropped << dropped).astype(np.uint32).view(np.float32)


def main(path: str) -> None:
    """Replaces the checkpoint at `path` by the rounded one."""
    reader = tf.train.load_checkpoint(path)
    types = reader.get_variable_to_dtype_map()
    names = sorted(types)
    values = [reader.get_tensor(name) for name in names]
    tensors = [
        tf.constant(v if isinstance(v, bytes) else shortened(name, np.asarray(v)), types[name])
        for name, v in zip(names, values, strict=True)
    ]
    tf.raw_ops.SaveV2(
        prefix=path, tensor_names=names, shape_and_slices=[""] * len(names), tensors=tensors
    )


if __name__ == "__main__":
    main(sys.argv[1])
