"""Rounds the arrays of a checkpoint to few bits of mantissa, so that it packs well in git.

    python tests/goldens/shorten.py CHECKPOINT

Its names, shapes and types, and TensorFlow's graph of objects, stay as training wrote them; so do
single numbers, as of steps and learning rates.
"""

import sys

import numpy as np
import tensorflow as tf

_MANTISSA = 23  # bits of float32's
_KEPT_OF_WEIGHTS, _KEPT_OF_MOMENTS = 4, 1


def shortened(name: str, value: np.ndarray) -> np.ndarray:
    """Returns float32 arrays with fewer bits, to the nearest; any others as they are."""
    if value.dtype != np.float32 or not value.ndim:
        return value
    dropped = _MANTISSA - (_KEPT_OF_MOMENTS if "optimizer/_variables" in name else _KEPT_OF_WEIGHTS)
    bits = value.view(np.uint32).astype(np.uint64) + (1 << (dropped - 1))
    return (bits >> dropped << dropped).astype(np.uint32).view(np.float32)


def main(path: str) -> None:
    """Replaces a checkpoint, under the same names."""
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
