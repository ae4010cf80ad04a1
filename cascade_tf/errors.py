"""Errors that a user can correct, which commands show as one line without a traceback."""

import re
from collections.abc import Mapping
from typing import Any


class UserError(Exception):
    """A missing file, a damaged image, a workdir in use, and the like.

    The message names the problem, the value or file at fault, and the remedy.
    """

    exit_code = 1

    @property
    def recorded(self) -> str:
        """The message, with settings in backticks and named as in records."""
        return str(self)


class UsageError(UserError):
    """A combination of arguments that cannot work."""

    exit_code = 2


class SettingError(UsageError, ValueError):
    """Settings whose values cannot work; the message names their fields.

    Args:
        values: by field, such as `pixelcnn_filter_size`.
        advice: the problem and its remedy.
        names: of fields in `recorded`; by default the fields' own, in backticks.

    >>> error = SettingError({"scale": 3}, "use a divisor of 32", {"scale": "`prior_scale`"})
    >>> str(error), error.recorded
    ('scale=3: use a divisor of 32', '`prior_scale`=3: use a divisor of 32')
    """

    def __init__(
        self, values: Mapping[str, Any], advice: str, names: Mapping[str, str] | None = None
    ):
        names = names or {}
        pairs = [f"{field}={text(value)}" for field, value in values.items()]
        super().__init__(f"{' '.join(pairs)}: {advice}")
        recorded = [f"{names.get(f, f'`{f}`')}={text(value)}" for f, value in values.items()]
        self._recorded = f"{' '.join(recorded)}: {advice}"

    @property
    def recorded(self) -> str:
        return self._recorded


def with_flags(message: str) -> str:
    """A message with flags in place of settings in backticks.

    >>> with_flags("use `split`=all")
    'use --split=all'
    """
    return re.sub(r"`(\w+)`", r"--\1", message)


def text(value: Any) -> str:
    """A setting's value as records and flagfiles write it: `true`, `0.001,0.0001`.

    >>> text((1e-3, 1e-4)), text(True), text(None)
    ('0.001,0.0001', 'true', '')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(str(part) for part in value)
    return str(value)
