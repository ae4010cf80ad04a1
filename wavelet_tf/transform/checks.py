"""Checks of arguments; each error names the argument, its value and the values allowed."""

from collections.abc import Sequence

import tensorflow as tf

_DTYPES = (tf.bfloat16, tf.float16, tf.float32, tf.float64)


def check_images(images: tf.Tensor, name: str, divisor: int = 2) -> tf.Tensor:
    """Returns images as a tensor, after checks of their dtype, rank and sides.

    `divisor` must divide height and width. A side that is None is checked when the graph runs.

    Raises:
        TypeError: the dtype is not a floating one.
        ValueError: the rank is not 4, or a side is not a multiple of `divisor`.
        tf.errors.InvalidArgumentError: the same of a side, when the graph runs.
    """
    images = _check_floating(images, name)
    allowed = {1: "1 or more", 2: "an even number, 2 at least"}.get(divisor)
    allowed = allowed or f"a multiple of {divisor}"
    unknown = []
    for axis, side in ((1, "height"), (2, "width")):
        size = images.shape[axis]
        if size is None:
            size = tf.shape(images)[axis]
            message = [f"{name}: the {side} must be {allowed}, but is", size]
            unknown.append(tf.debugging.Assert(size % divisor == 0, message))
        elif size % divisor or not size:
            raise ValueError(f"{name}: the {side} is {size}; use {allowed}")
    with tf.control_dependencies([check for check in unknown if check is not None]):
        return tf.identity(images) if unknown else images


def check_bands(bands: Sequence[tf.Tensor | None]) -> list[tf.Tensor]:
    """Returns four bands as tensors, after checks that their dtypes and shapes agree.

    Zeros replace a band that is None.

    Raises:
        TypeError: the dtype of a band is not a floating one.
        ValueError: there are not four bands, all are None, a rank is not 4, or dtypes or shapes
            differ.
    """
    names = ("TL", "TR", "BL", "BR")
    if len(bands) != len(names):
        raise ValueError(f"bands: there are {len(bands)}; give four, {', '.join(names)}")
    given = {
        name: _check_floating(band, f"bands: {name}")
        for name, band in zip(names, bands, strict=True)
        if band is not None
    }
    if not given:
        raise ValueError("bands: all are None; give one of them")
    of_first, first = next(iter(given.items()))
    for name, tensor in given.items():
        if tensor.dtype != first.dtype or not tensor.shape.is_compatible_with(first.shape):
            raise ValueError(
                f"bands: {of_first} is {first.dtype.name} {first.shape}, {name} is "
                f"{tensor.dtype.name} {tensor.shape}; give four of one dtype and shape"
            )
    # `ensure_shape` lets sides that one band knows be known of all.
    return [
        tf.ensure_shape(given[name], first.shape) if name in given else tf.zeros_like(first)
        for name in names
    ]


def _check_floating(x: tf.Tensor, name: str) -> tf.Tensor:
    x = tf.convert_to_tensor(x)
    if x.dtype not in _DTYPES:
        allowed = ", ".join(dtype.name for dtype in _DTYPES)
        raise TypeError(f"{name}: dtype is {x.dtype.name}; use {allowed}")
    if x.shape.rank != 4:
        raise ValueError(f"{name}: shape is {x.shape}; use [batch, height, width, channels]")
    return x
