"""Values of settings: from the types that callers use, and from the texts of records and flags."""

import os
import types
import typing
from collections.abc import Callable
from typing import Any


def plain_type(annotation: Any) -> Any:
    """The annotation of a setting, without `None` and `os.PathLike`.

    >>> plain_type(int | None)
    <class 'int'>
    """
    return next(part for part in _alternatives(annotation) if part in PARSERS)


def _alternatives(annotation: Any) -> tuple:
    parts = typing.get_args(annotation)
    return parts if isinstance(annotation, types.UnionType) else (annotation,)


def typed(value: Any, annotation: Any) -> Any:
    """A value as its annotation has it: a list as a tuple, a NumPy number as Python's.

    Raises:
        ValueError: a value of another type.

    >>> typed([1, 0.5], tuple[float, ...]), typed(4.0, int), typed(None, int | None)
    ((1.0, 0.5), 4, None)
    """
    kinds = _alternatives(annotation)
    if value is None and type(None) in kinds:
        return None
    takes_paths = any(typing.get_origin(kind) is os.PathLike for kind in kinds)
    if takes_paths and isinstance(value, os.PathLike):
        _line(os.fsdecode(value))
        return value
    kind = plain_type(annotation)
    if typing.get_origin(kind) is tuple:
        parts = value.tolist() if hasattr(value, "tolist") else value
        parts = parts if isinstance(parts, list | tuple) else (parts,)
        return tuple(_scalar(part, typing.get_args(kind)[0]) for part in parts)
    return _scalar(value, kind)


def _scalar(value: Any, kind: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value  # of NumPy
    if kind == int | float:
        kind = int if isinstance(value, int) else float
    if kind is str and isinstance(value, str):
        return _line(value)
    if kind is bool:
        if isinstance(value, bool):
            return value
        raise ValueError("use true or false")
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if kind is int and whole and not isinstance(value, bool):
        return int(value)
    raise ValueError(f"use {_NOUNS[kind]}")


def _line(value: str) -> str:
    """The value, if it can be a line of a record; else raises ValueError."""
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:  # a file name whose bytes are no text
            raise ValueError("use a name in UTF-8, as TensorFlow's files need one") from None
    if "\n" in value or "\r" in value:
        raise ValueError("use a name without line breaks")
    return value


_NOUNS = {str: "a string", int: "an integer", float: "a number"}


def _boolean(value: str) -> bool:
    if value.lower() in ("true", "t", "1"):
        return True
    if value.lower() in ("false", "f", "0"):
        return False
    raise ValueError("use true or false")


def _integer(value: str) -> int:
    try:
        return int(value, 0) if value.startswith(("0x", "0o")) else int(value)
    except ValueError:
        raise ValueError("use an integer") from None


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise ValueError("use a number") from None


def _integer_or_number(value: str) -> int | float:
    try:
        return int(value)
    except ValueError:
        return float(value)


def _numbers_of(number: Callable[[str], Any]) -> Callable[[str], tuple]:
    def numbers(value: str) -> tuple:
        try:
            return tuple(number(part) for part in value.split(",") if part.strip())
        except ValueError:
            raise ValueError("use numbers separated by commas") from None

    return numbers


def _names(value: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in value.split(",")) if value.strip() else ()
    if "" in names:
        raise ValueError("use names separated by commas")
    return names


# They read a setting's text as `errors.text` writes it, and raise ValueError.
PARSERS: dict[Any, Callable[[str], Any]] = {
    bool: _boolean,
    int: _integer,
    float: _number,
    str: str,
    tuple[int, ...]: _numbers_of(int),
    tuple[str, ...]: _names,
    tuple[float, ...]: _numbers_of(float),
    tuple[int | float, ...]: _numbers_of(_integer_or_number),
}
