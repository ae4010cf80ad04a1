"""Extension of mkdocstrings, for docstrings and settings as this project writes them.

Examples (`>>>`) become blocks of code, as Markdown would read them as quotations. Arguments that
share a description (`height, width: of the image`) become one entry each. Settings
(cascade_tf/settings.py) get a table of their defaults and help.
"""

import dataclasses
import importlib
import re
from typing import Any

import griffe

from cascade_tf.errors import text
from cascade_tf.settings import Setting, Settings, described

# Lines from `>>>` to the next empty line, with the same or more indentation.
_EXAMPLE = re.compile(r"^( *)>>> .*\n?(?:^\1 *\S.*\n?)*", re.MULTILINE)
# `    a, b: description`, and further lines of it.
_SHARED = re.compile(r"^( +)(\w+(?:, \w+)+)(: .*(?:\n\1 +\S.*)*)", re.MULTILINE)


class ProjectStyle(griffe.Extension):
    """Rewrites each docstring before it is parsed."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Called for every object, once it is loaded."""
        if obj.docstring is not None:
            text = _EXAMPLE.sub(_fenced, obj.docstring.value)
            obj.docstring.value = _SHARED.sub(_one_by_one, text)

    def on_class(self, *, cls: griffe.Class, **kwargs: Any) -> None:
        """Called for every class, once it is loaded."""
        if "dataclass" not in cls.labels or not _defines_settings(cls):
            return
        kind = getattr(importlib.import_module(cls.module.path), cls.name)
        if not issubclass(kind, Settings) or cls.docstring is None:
            return
        fields = {field.name: field for field in dataclasses.fields(kind)}
        for parameter in cls.parameters:
            if parameter.name in fields:
                parameter.default = repr(fields[parameter.name].default)
        facts = {name: f.metadata["setting"] for name, f in fields.items() if f.metadata}
        rows = [_row(name, fields[name].default, facts[name]) for name in facts]
        table = ["| setting | default | meaning |", "|---|---|---|", *rows]
        cls.docstring.value += "\n\n" + "\n".join(table)


def _defines_settings(cls: griffe.Class) -> bool:
    """Whether the class's file says that it has settings; others are not imported."""
    return any("cascade_tf.settings import" in line for line in cls.module.lines)


def _row(name: str, default: Any, facts: Setting) -> str:
    limits = (facts.at_least, facts.above, facts.at_most, facts.below)
    notes = [", ".join(f"`{choice}`" for choice in facts.choices)] if facts.choices else []
    if any(limit is not None for limit in limits):
        notes.append(described(facts))
    range_ = f" ({'; '.join(notes)})" if notes else ""
    shown = f"`{text(default)}`" if text(default) else "none"
    return f"| `{name}` | {shown} | {facts.help}{range_} |"


def _fenced(match: re.Match[str]) -> str:
    indent, lines = match[1], match[0].rstrip("\n")
    return f"{indent}```pycon\n{lines}\n{indent}```\n"


def _one_by_one(match: re.Match[str]) -> str:
    indent, names, description = match.groups()
    return "\n".join(f"{indent}{name}{description}" for name in names.split(", "))
