"""Keras's settings of this process, which may be those of the user's other work."""

import contextlib
from collections.abc import Iterator

import keras


@contextlib.contextmanager
def keras_defaults() -> Iterator[None]:
    """Context in which Keras's default dtype is float32, and images are channels_last.

    >>> keras.config.set_image_data_format("channels_first")
    >>> with keras_defaults():
    ...     keras.config.image_data_format()
    'channels_last'
    >>> keras.config.set_image_data_format("channels_last")
    """
    floatx, data_format = keras.config.floatx(), keras.config.image_data_format()
    policy = keras.config.dtype_policy()
    keras.config.set_floatx("float32")
    keras.config.set_image_data_format("channels_last")
    keras.config.set_dtype_policy("float32")
    try:
        yield
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_image_data_format(data_format)
        keras.config.set_dtype_policy(policy)
