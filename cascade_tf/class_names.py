"""Names of classes in messages."""

from collections.abc import Sequence

_MOST = 10


def listed(names: Sequence[str]) -> str:
    """Names in a row, the first ten of many; images outside of folders have the name "".

    >>> listed(["cat", "dog"]), listed(["", "dog"])
    ('cat, dog', '(no folder), dog')
    """
    shown = ", ".join(name or "(no folder)" for name in names[:_MOST])
    more = len(names) - _MOST
    return f"{shown} and {more:,} more" if more > 0 else shown


def difference(before: Sequence[str], now: Sequence[str]) -> str | None:
    """The change from some names to others in words; None without a change.

    >>> difference(["a", "b"], ["a", "b", "c"]), difference(["a", "b"], ["a", "x"])
    ('c is new', 'b is missing and x is new (renamed?)')
    """
    missing = [name for name in before if name not in set(now)]
    new = [name for name in now if name not in set(before)]
    if not missing and not new:
        return None if list(before) == list(now) else "their order changed"
    parts = []
    for names, word in ((missing, "missing"), (new, "new")):
        if names:
            parts.append(f"{listed(names)} {'is' if len(names) == 1 else 'are'} {word}")
    renamed = " (renamed?)" if len(missing) == len(new) else ""
    return " and ".join(parts) + renamed
