"""Checks of counts: integers of at least 0 or 1."""

import operator
from typing import Any

from cascade_tf.errors import SettingError


def is_count(value: Any, at_least: int = 0) -> bool:
    """Returns whether a value is an integer of at least `at_least`; a boolean is not.

    >>> is_count(3), is_count(-1), is_count(3.0), is_count(True)
    (True, False, False, False)
    """
    if isinstance(value, bool):
        return False
    try:
        return operator.index(value) >= at_least
    except TypeError:
        return False


def checked_count(name: str, value: Any, at_least: int = 0) -> int:
    """Returns a count as an int.

    Args:
        name: of the argument, for the message.
        value: a Python, numpy or TensorFlow integer.
        at_least: the smallest valid count.

    Raises:
        SettingError: the value is no integer, or too small. It is also a ValueError.

    >>> checked_count("batch_size", 0, at_least=1)
    Traceback (most recent call last):
    cascade_tf.errors.SettingError: batch_size=0: use an integer, 1 or more
    """
    if not is_count(value, at_least):
        raise SettingError({name: value}, f"use an integer, {at_least} or more")
    return operator.index(value)
