"""Dataclasses from values of flags."""

import dataclasses
from typing import Any, TypeVar

Config = TypeVar("Config")


def from_values(kind: type[Config], values: dict[str, Any]) -> Config:
    """A dataclass from the flags that have its fields' names."""
    names = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in values.items() if name in names})
