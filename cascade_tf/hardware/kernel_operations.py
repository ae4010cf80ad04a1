"""Counts the arithmetic of kernels, which no compiler counts, while programs are traced."""

import contextlib
import contextvars
from collections.abc import Iterator

_counted: contextvars.ContextVar[list[float] | None] = contextvars.ContextVar(
    "counted", default=None
)


@contextlib.contextmanager
def counting_operations() -> Iterator[list[float]]:
    """Collects what `count` is told while it lasts.

    >>> with counting_operations() as operations:
    ...     count(2e9)
    >>> operations
    [2000000000.0]
    """
    operations: list[float] = []
    token = _counted.set(operations)
    try:
        yield operations
    finally:
        _counted.reset(token)


def count(operations: float) -> None:
    """Adds the operations of a kernel that is being traced."""
    counted = _counted.get()
    if counted is not None:
        counted.append(operations)
