"""Flags whose value can be given to one stage: `--steps=5000`, `--steps=depth:2000`.

A plain value is for all stages; `STAGE:VALUE` for that stage alone. As everywhere in a flagfile,
the last one that concerns a stage wins.
"""

from collections.abc import Callable
from typing import Any

from absl import flags

flags.disclaim_key_flags()  # --help lists flags under the module that calls define()


class NumbersParser(flags.ArgumentParser):
    """Comma-separated numbers."""

    syntactic_help = "comma-separated numbers"

    def __init__(self, number: Callable[[str], Any] = float):
        super().__init__()
        self._number = number

    def parse(self, argument: Any) -> Any:
        if isinstance(argument, tuple):
            return argument
        try:
            return tuple(self._number(part) for part in argument.split(",") if part.strip())
        except ValueError:
            raise ValueError("use numbers separated by commas") from None


class _ScopedParser(flags.ArgumentParser):
    """Parses `VALUE` or `STAGE:VALUE` to (stage or None, value)."""

    def __init__(self, inner: flags.ArgumentParser, scoped: bool):
        super().__init__()
        self._inner, self._scoped = inner, scoped
        self.syntactic_help = inner.syntactic_help

    def parse(self, argument: Any) -> Any:
        if isinstance(argument, tuple):  # a default, parsed already
            return argument
        scope, colon, value = str(argument).partition(":")
        if self._scoped and colon:
            return scope, self._inner.parse(value)
        return None, self._inner.parse(argument)

    def flag_type(self) -> str:
        return self._inner.flag_type()


class _DefaultSerializer(flags.ArgumentSerializer):
    """Shows defaults in --help; records are written by `record.py`."""

    def serialize(self, value: list[tuple[str | None, Any]]) -> str:
        return text(value[-1][1])


def text(value: Any) -> str:
    """A flag's value as it is written in a flagfile."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(str(part) for part in value)
    return str(value)


def define(
    name: str, parser: flags.ArgumentParser, default: Any, help_text: str, scoped: bool
) -> None:
    """Defines a flag; without `scoped` its value is for the whole experiment."""
    flags.DEFINE_multi(
        _ScopedParser(parser, scoped),
        _DefaultSerializer(),
        name,
        [(None, default)],
        help_text,
    )
    flags.FLAGS[name].help = help_text  # without absl's advice to repeat the flag
    flags.FLAGS[name].boolean = isinstance(default, bool)  # --flip, --noflip


def value(name: str, stage: str | None) -> tuple[bool, Any]:
    """Whether the user gave the flag for this stage, and its value there (or the default)."""
    flag: Any = flags.FLAGS[name]
    given, result = False, default(name)
    if flag.present:
        for scope, candidate in flag.value:
            if scope in (None, stage):
                given, result = True, candidate
    return given, result


def default(name: str) -> Any:
    """The value of a flag that nobody gave."""
    flag: Any = flags.FLAGS[name]
    return flag.default[-1][1]


def scopes(name: str) -> set[str]:
    """The stages that the flag's values name."""
    values: Any = flags.FLAGS[name].value
    return {scope for scope, _ in values if scope is not None}
