"""Training steps with XLA or without, whichever is faster where it runs.

On one processor steps without XLA were 1.26 times as fast, on another slower. So a training on
CPUs measures both in its first steps, which are steps as any other.
"""

import contextlib
import contextvars
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import tensorflow as tf

from cascade_tf.strategies import has_accelerators

_TIMED = 3  # steps of each kind, after one that traces and compiles

_with_xla = contextvars.ContextVar("with_xla", default=True)
_compiled = contextvars.ContextVar("compiled", default=False)


@contextlib.contextmanager
def tracing(with_xla: bool) -> Iterator[None]:
    """Functions that are traced while it lasts use XLA, or do not, unless the user set it."""
    token = _with_xla.set(with_xla)
    try:
        yield
    finally:
        _with_xla.reset(token)


def uses_xla(jit_compile: bool | None) -> bool:
    """Whether a function that is being traced uses XLA.

    Args:
        jit_compile: the user's choice, or None: that of `tracing`, by default XLA.

    >>> with tracing(with_xla=False):
    ...     uses_xla(None), uses_xla(True)
    (False, True)
    """
    return _with_xla.get() if jit_compile is None else jit_compile


def compiled_by_xla(function: Callable) -> Any:
    """The function of tensors as a tf.function that XLA compiles.

    >>> float(compiled_by_xla(lambda x: x + float(is_compiled()))(tf.constant(1.0)))
    2.0
    """

    def call(*arguments: Any) -> Any:
        token = _compiled.set(True)
        try:
            return function(*arguments)
        finally:
            _compiled.reset(token)

    return tf.function(call, jit_compile=True, autograph=False)


def is_compiled() -> bool:
    """Whether XLA will compile the function that is being traced.

    >>> is_compiled()
    False
    """
    return _compiled.get() or isinstance(tf.distribute.get_strategy(), tf.distribute.TPUStrategy)


def with_or_without_xla(
    function: Callable, jit_compile: bool | None, plain: Callable | None = None
) -> Callable:
    """The function, which uses XLA or not, as `uses_xla` says where it is traced.

    Args:
        function: of tensors.
        jit_compile: see `uses_xla`.
        plain: what is called without XLA; by default a tf.function.
    """
    compiled = compiled_by_xla(function)
    if plain is None:
        plain = tf.function(function, autograph=False)
    return lambda *arguments: (compiled if uses_xla(jit_compile) else plain)(*arguments)


class MeasuredStep:
    """A training step that finds out in its first calls whether XLA makes it faster.

    Args:
        step: called for each batch; it returns scalars by name.
        is_open: whether there is a choice: on CPUs, if the user made none. Else XLA is used where
            the user has not decided against it.

    Attributes:
        news: a line about the choice, after the call that made it; else None.

    >>> step = MeasuredStep(lambda x: {"y": 2 * x}, is_open=True)
    >>> for _ in range(8):
    ...     float(step(tf.constant(1.0))["y"]) == 2
    True
    True
    True
    True
    True
    True
    True
    True
    >>> step.news.endswith(" to use it") or step.news.endswith(" to leave it out")
    True
    """

    def __init__(self, step: Callable[[Any], Mapping[str, tf.Tensor]], is_open: bool):
        def traced(with_xla: bool) -> Callable:
            def run(batch: Any) -> Mapping[str, tf.Tensor]:
                with tracing(with_xla):
                    return step(batch)

            return tf.function(run, autograph=False)

        self._steps = {with_xla: traced(with_xla) for with_xla in (False, True)}
        # Those without XLA come first: they need no compilation.
        self._times: dict[bool, list[float]] = {False: [], True: []}
        self._chosen = None if is_open and not has_accelerators() else True
        self.news: str | None = None

    @property
    def is_measuring(self) -> bool:
        """Whether the choice is still to be made."""
        return self._chosen is None

    def __call__(self, batch: Any) -> Mapping[str, tf.Tensor]:
        self.news = None
        if self._chosen is not None:
            return self._steps[self._chosen](batch)
        with_xla = len(self._times[False]) > _TIMED
        began = time.perf_counter()
        results = self._steps[with_xla](batch)
        for value in results.values():
            value.numpy()  # waits for it
        self._times[with_xla].append(time.perf_counter() - began)
        if len(self._times[True]) > _TIMED:
            self._choose()
        return results

    def _choose(self) -> None:
        without, with_xla = (min(self._times[kind][1:]) for kind in (False, True))
        self._chosen = with_xla < without
        del self._steps[not self._chosen]
        ratio = max(without, with_xla) / min(without, with_xla)
        verb = "use it" if self._chosen else "leave it out"
        self.news = (
            f"a step takes {with_xla:.2g} s with XLA and {without:.2g} s without: it is "
            f"{ratio:.2f} times as fast to {verb}"
        )
