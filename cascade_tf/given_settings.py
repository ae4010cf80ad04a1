"""Settings that a user gave, each for all stages of an experiment or for one of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from cascade_tf.description import recorded_text


class GivenSettings:
    """Settings from the user, each for all stages or for a single one.

    Args:
        values: by name, pairs of a stage (None: all stages) and a value. For each stage, the last
            pair that applies counts.

    >>> settings = GivenSettings({"batch_size": [(None, 32), ("depth", 8)]})
    >>> settings.for_stage("slices"), settings.for_stage("depth")
    ({'batch_size': 32}, {'batch_size': 8})
    """

    def __init__(self, values: Mapping[str, Sequence[tuple[str | None, Any]]] | None = None):
        self._values = dict(values or {})

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def for_stage(self, stage: str | None) -> dict[str, Any]:
        """Values by name that apply to a stage; for None, those for all stages."""
        values = {}
        for name, pairs in self._values.items():
            for scope, value in pairs:
                if scope in (None, stage):
                    values[name] = value
        return values

    def flags(self) -> list[str]:
        """The settings as flags of a command, with absolute paths.

        >>> GivenSettings({"batch_size": [(None, 32), ("depth", 8)]}).flags()
        ['--batch_size=32', '--batch_size=depth:8']
        """
        return [
            f"--{name}={scope + ':' if scope else ''}{recorded_text(name, value)}"
            for name, pairs in self._values.items()
            for scope, value in pairs
        ]

    def of_single_stages(self, name: str) -> dict[str, Any]:
        """The values of a setting that are for single stages, by stage.

        >>> GivenSettings({"batch_size": [(None, 32), ("depth", 8)]}).of_single_stages("batch_size")
        {'depth': 8}
        """
        return {scope: value for scope, value in self._values.get(name, ()) if scope is not None}

    def scopes(self) -> list[tuple[str, str]]:
        """Sorted pairs of a setting's name and the single stage that it was set for."""
        pairs = [(name, scope) for name, values in self._values.items() for scope, _ in values]
        return sorted((name, scope) for name, scope in pairs if scope is not None)
