"""Checks of the arguments of trained models: arrays, temperatures and truncations."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from cascade_tf.choices import LARGEST_TRUNCATION


def checked_array(name: str, value: Any, dtype: Any, shape: Sequence[int]) -> Any:
    """Returns an array, a list of arrays or a tensor as an array [N, *shape].

    Args:
        name: of the argument, for the message.
        value: the argument; N may be 0.
        dtype: np.uint8, np.floating for any float, or np.integer for any integer.
        shape: all dimensions but the first.

    Raises:
        ValueError: the array has another dtype or shape.

    >>> checked_array("images", np.zeros([2, 4, 4, 1]), np.uint8, (4, 4, 1))
    Traceback (most recent call last):
    ValueError: images: float64 (2, 4, 4, 1); use uint8 [N, 4, 4, 1]
    """
    any_of: dict[type, str] = {np.floating: "float32", np.integer: "int32"}
    kind = any_of.get(dtype) or np.dtype(dtype).name
    needed = f"use {kind} [N, {', '.join(map(str, shape))}]"
    array = as_array(name, value, needed)
    if not np.issubdtype(array.dtype, dtype) or array.shape[1:] != tuple(shape):
        raise ValueError(f"{name}: {array.dtype} {array.shape}; {needed}")
    return array


def as_array(name: str, value: Any, needed: str) -> np.ndarray:
    """Returns a list or a tensor as an array of any dtype and shape.

    Args:
        name: of the argument, for the message.
        value: the argument.
        needed: words for the message.

    Raises:
        ValueError: a list whose parts have different shapes.
    """
    try:
        return np.asarray(value)
    except ValueError:
        raise ValueError(f"{name}: its parts have different shapes; {needed}") from None


def checked_spread(name: str, value: Any, count: int | None = None) -> np.ndarray:
    """Returns temperatures or truncations, float32; each is finite, and 0 or more.

    Args:
        name: of the argument, for the message.
        value: a number; or, if there is a `count`, a sequence of so many numbers.
        count: length of the result; None: a scalar.

    Raises:
        ValueError: a value of another type, range or length.

    >>> checked_spread("temperature", 0.5, count=2).tolist()
    [0.5, 0.5]
    >>> checked_spread("temperature", -1)
    Traceback (most recent call last):
    ValueError: temperature=-1: use a finite number, 0 or more
    """
    several = "" if count is None else f", or {count} of them"
    message = f"{name}={value}: use a finite number, 0 or more{several}"
    numbers = as_array(name, value, "use numbers")
    shapes = [()] if count is None else [(), (count,)]
    if numbers.dtype.kind not in "iuf" or numbers.shape not in shapes:
        raise ValueError(message)
    with np.errstate(over="ignore"):
        numbers = numbers.astype(np.float32)
    if not np.all(np.isfinite(numbers) & (numbers >= 0)):
        raise ValueError(message)
    return numbers if count is None else np.broadcast_to(numbers, [count])


def checked_truncation(value: Any) -> np.ndarray:
    """Returns a truncation, float32 scalar from 0 to LARGEST_TRUNCATION; else raises ValueError.

    >>> float(checked_truncation(0.5))
    0.5
    """
    truncation = checked_spread("truncation", value)
    if truncation > LARGEST_TRUNCATION:
        raise ValueError(f"truncation={value}: use 0 to {LARGEST_TRUNCATION:g}")
    return truncation


def checked_classes(value: Any, num_classes: int) -> np.ndarray:
    """Returns classes, int32 [N] in [0, num_classes).

    Raises:
        ValueError: values that are no classes.

    >>> checked_classes([0, 99], num_classes=10)
    Traceback (most recent call last):
    ValueError: classes=[0, 99]: use integers from 0 to 9, as the model has 10 classes
    """
    classes = as_array("classes", value, "use integers")
    if classes.shape == (0,):
        return np.zeros([0], np.int32)
    valid = classes.ndim == 1 and classes.dtype.kind in "iu"
    if not valid or classes.min() < 0 or classes.max() >= num_classes:
        allowed = f"integers from 0 to {num_classes - 1}" if num_classes > 1 else "0 alone"
        number = f"{num_classes} classes" if num_classes > 1 else "one class"
        raise ValueError(f"classes={value}: use {allowed}, as the model has {number}")
    return classes.astype(np.int32)
