"""Checks of tensors in a graph, which an exported model keeps: the arguments of its functions."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from cascade_tf.choices import LARGEST_TRUNCATION


def checked(value: tf.Tensor, valid: tf.Tensor, needed: str) -> tf.Tensor:
    """Returns `value` if all of `valid` is true.

    XLA drops checks, so call it outside of what XLA compiles.

    Args:
        value: any tensor.
        valid: bool, of any shape.
        needed: the message, such as "count must be 0 or more".

    Raises:
        tf.errors.InvalidArgumentError: when the graph runs.

    >>> int(checked(tf.constant(2), tf.constant(True), "count must be 0 or more"))
    2
    """
    # `tf.debugging.Assert` would put it into a conditional, which blocks optimizations of loops.
    data = [f"{needed}, not", value]
    check = tf.raw_ops.Assert(condition=tf.reduce_all(valid), data=data, summarize=3)
    with tf.control_dependencies([] if check is None else [check]):  # None: checked eagerly
        return tf.identity(value)


def checked_count(count: tf.Tensor) -> tf.Tensor:
    """Returns a number of images, int32 scalar, if it is 0 or more; see `checked`."""
    return checked(count, count >= 0, "count must be 0 or more")


def checked_temperature(temperature: tf.Tensor) -> tf.Tensor:
    """Returns temperatures, float32, if they are finite and from 0 up."""
    valid = tf.math.is_finite(temperature) & (temperature >= 0)
    return checked(temperature, valid, "temperature must be finite, and 0 or more")


def checked_truncation(truncation: tf.Tensor) -> tf.Tensor:
    """Returns a truncation, float32, if it is from 0 to LARGEST_TRUNCATION."""
    valid = (truncation >= 0) & (truncation <= LARGEST_TRUNCATION)
    return checked(truncation, valid, f"truncation must be from 0 to {LARGEST_TRUNCATION:g}")


def checked_classes(
    classes: tf.Tensor, num_classes: int, count: tf.Tensor | None = None
) -> tf.Tensor:
    """Returns classes, int32 [N], if all are in [0, num_classes), and N is `count`, if given."""
    if count is not None:
        classes = checked(classes, tf.size(classes) == count, "give a class for each image")
    valid = (classes >= 0) & (classes < num_classes)
    return checked(classes, valid, f"classes must be from 0 to {num_classes - 1}")


def as_dtype(name: str, value: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Returns numbers in another dtype; integers must stay what they are.

    >>> int(as_dtype("seed", tf.constant(7.0, tf.float64), tf.int32))
    7
    """
    if dtype.is_integer:
        valid = (value == tf.round(value)) & (value >= dtype.min) & (value <= dtype.max)
        needed = f"{name} must be whole, and from {dtype.min} to {dtype.max}"
        value = checked(value, valid, needed)
    return tf.cast(value, dtype)


def for_none_too(function: Callable[..., Any], *values: tf.Tensor) -> Any:
    """Results of a function of `values`, [N, ...], for N = 0 too: convolutions refuse none.

    Args:
        function: maps tensors [N, ...] to a structure of tensors [N, ...], for N from 1 on.
        values: its arguments.

    >>> for_none_too(lambda x: {"double": 2 * x}, tf.zeros([0, 3]))["double"].shape
    TensorShape([0, 3])
    """
    if values[0].shape[0]:
        return function(*values)
    count = tf.shape(values[0])[0]

    def padded(value: tf.Tensor) -> tf.Tensor:
        one = tf.zeros([1, *value.shape[1:]], value.dtype)
        return tf.concat([value, one[: tf.cast(count == 0, tf.int32)]], axis=0)

    return tf.nest.map_structure(lambda result: result[:count], function(*map(padded, values)))
