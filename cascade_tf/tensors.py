"""Numbers of callers as tensors of a fixed dtype, checked before TensorFlow would convert them."""

from typing import Any

import numpy as np
import tensorflow as tf


def integers(name: str, value: Any, dtype: tf.DType) -> tf.Tensor:
    """An integer tensor from Python or NumPy integers, or from a tensor of integers.

    Args:
        name: of the argument, for messages.
        value: integers of any shape.
        dtype: of the result.

    Raises:
        ValueError: no integers, or integers that do not fit the dtype.

    >>> integers("seed", 7, tf.int32).dtype
    tf.int32
    """
    if tf.is_symbolic_tensor(value):
        if not value.dtype.is_integer:
            raise ValueError(f"{name} must be integers, not {value.dtype.name}")
        return tf.cast(value, dtype)
    array = np.asarray(value)
    if array.size and not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"{name} must be integers, not {value!r}")
    # tf.constant would keep the low bits of a number that is too large, and say nothing.
    if array.size and (array.min() < dtype.min or array.max() > dtype.max):
        raise ValueError(f"{name} must fit {dtype.name}, [{dtype.min}, {dtype.max}]: {value!r}")
    return tf.constant(array.astype(dtype.as_numpy_dtype))


def spread(name: str, value: Any) -> tf.Tensor:
    """A float32 scalar from 0 up, such as a temperature.

    Raises:
        ValueError: a number that is negative, or not finite in float32.

    >>> float(spread("temperature", 0.5))
    0.5
    """
    if not tf.is_symbolic_tensor(value):
        number = np.asarray(value)
        if number.shape or number.dtype.kind not in "iuf" or not 0 <= number < 3.4e38:
            raise ValueError(f"{name} must be a finite number from 0 up, not {value!r}")
    return tf.cast(value, tf.float32)
