"""absl flags generated from settings; a value can be for one stage: `--steps=depth:2000`.

A plain value is for all stages, `STAGE:VALUE` for that stage only. The last value that concerns a
stage counts.
"""

from collections.abc import Callable, Iterable
from typing import Any

from absl import flags

from cascade_cli.options import Options
from cascade_tf.given_settings import GivenSettings
from cascade_tf.settings import Entry, Settings, entries


class _Parser(flags.ArgumentParser):
    """Parses `VALUE` or `STAGE:VALUE` to (stage or None, value)."""

    def __init__(self, parse: Callable[[str], Any], scoped: bool):
        super().__init__()
        self._parse, self._scoped = parse, scoped

    def parse(self, argument: Any) -> tuple[str | None, Any]:
        scope, colon, value = str(argument).partition(":")
        if self._scoped and colon:
            return scope, self._parse(value)
        return None, self._parse(str(argument))


class Flags:
    """The flags of one command.

    >>> options, settings = Flags(Options, []).parse(["--workdir=W"])
    >>> options.workdir, options.is_given("workdir")
    ('W', True)

    Args:
        options: the class of the command's own options, which have no scope.
        settings: classes of the experiment's settings.

    Attributes:
        names: all flags by name.
    """

    def __init__(self, options: type[Options], settings: Iterable[type[Settings]]):
        self._values = flags.FlagValues()
        self.options = options
        self.names: dict[str, Entry] = {}
        own = entries([options])
        for name, entry in entries([options, *settings]).items():
            self.names[name] = entry
            scoped = name not in own and not entry.facts.whole
            flags.DEFINE_multi(
                _Parser(entry.parse, scoped),
                flags.ArgumentSerializer(),
                name,
                None,
                entry.facts.help,
                flag_values=self._values,
            )
            self._values[name].boolean = entry.is_switch  # --flip, --noflip

    def parse(self, arguments: list[str]) -> tuple[Options, GivenSettings]:
        """The command's options, and the settings that the user set.

        Raises:
            flags.Error: an unknown flag, or a value of another type.
            SettingError: an option out of range.
        """
        rest = self._values(["", *arguments])
        if len(rest) > 1:
            raise flags.Error(f"unexpected argument {rest[1]!r}: flags start with --")
        pairs: dict[str, Any] = {n: self._values[n].value for n in self.names if self._is_set(n)}
        own = {name: pairs.pop(name)[-1][1] for name in entries([self.options]) if name in pairs}
        return self.options(**own, given=frozenset(own)), GivenSettings(pairs)

    def _is_set(self, name: str) -> bool:
        return bool(self._values[name].present)
