"""Settings: frozen dataclasses whose fields carry their own help, range and choices.

A hyperparameter has one home, the field of its dataclass. Records of trainings are written from
these fields, the commands make their flags from them, and each value is checked where it is set,
whether it comes from a flag, a record or Python.
"""

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal, NamedTuple, NoReturn, TypeVar

from cascade_tf.errors import SettingError

# A stage keeps the settings of its model always, and those of its training while it is trained.
# Free ones may change at every resume.
Decides = Literal["model", "training", "free"]
_KEY = "setting"


@dataclasses.dataclass(frozen=True)
class Setting:
    """Facts about one field; see `setting`."""

    help: str
    decides: Decides
    choices: tuple[str, ...]
    at_least: float | None
    above: float | None
    at_most: float | None
    below: float | None
    whole: bool
    group: str
    plain: bool


def setting(
    default: Any,
    help: str,
    *,
    decides: Decides = "free",
    choices: Sequence[str] = (),
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
    whole: bool = False,
    group: str = "",
    plain: bool = False,
) -> Any:
    """A dataclass field that a user can set.

    Args:
        default: its value where nobody sets it.
        help: one sentence for the commands' help and for readers of the class.
        decides: "model" if checkpoints of other values cannot be used, "training" if a training
            cannot go on with other values, "free" otherwise.
        choices: all values of an enumerated string.
        at_least, above, at_most, below: the range of a number, or of each of several.
        whole: one value holds for all stages of an experiment.
        group: a heading of the short help; empty for settings that few people need.
        plain: its name has no prefix, even in a class that has one.
    """
    facts = Setting(
        help, decides, tuple(choices), at_least, above, at_most, below, whole, group, plain
    )
    return dataclasses.field(default=default, metadata={_KEY: facts})


@dataclasses.dataclass(frozen=True)
class Settings:
    """Base of all settings: a frozen dataclass whose values are checked when it is made.

    Attributes:
        prefix: of its fields' names in records and flags, where another class of the same
            experiment has fields of the same names.

    Raises:
        SettingError: a value that cannot work; it is a ValueError as well.
    """

    prefix: ClassVar[str] = ""

    def __post_init__(self) -> None:
        for field, facts in _fields(type(self)).items():
            advice = _advice(getattr(self, field), facts)
            if advice:
                self.refuse(advice, field)

    def refuse(self, advice: str, *fields: str) -> NoReturn:
        """Raises SettingError for fields of this class."""
        values = {field: getattr(self, field) for field in fields}
        settings = _fields(type(self))
        names = {f: f"`{name_of(type(self), f)}`" if f in settings else f for f in fields}
        raise SettingError(values, advice, names)


AnySettings = TypeVar("AnySettings", bound=Settings)


class Entry(NamedTuple):
    """A setting apart from the class that it belongs to.

    Attributes:
        default: its value where nobody sets it.
        parse: reads its text as `errors.text` writes it; raises ValueError.
        is_switch: whether it is on or off.
        facts: its help, range and the like.
    """

    default: Any
    parse: Callable[[str], Any]
    is_switch: bool
    facts: Setting


def entries(kinds: Iterable[type[Settings]]) -> dict[str, Entry]:
    """The settings of several classes, by their names in records; of equal names, the first."""
    found: dict[str, Entry] = {}
    for kind in kinds:
        for field in dataclasses.fields(kind):
            if _KEY in field.metadata:
                value_type = _value_type(kind, field.name)
                entry = Entry(
                    field.default, _PARSERS[value_type], value_type is bool, field.metadata[_KEY]
                )
                found.setdefault(name_of(kind, field.name), entry)
    return found


def values_by_name(settings: Settings) -> dict[str, Any]:
    """The values of an instance's settings, by their names in records."""
    kind = type(settings)
    return {name_of(kind, field): getattr(settings, field) for field in _fields(kind)}


def from_values(
    kind: type[AnySettings], values: Mapping[str, Any], overrides: Mapping[str, Any]
) -> AnySettings:
    """An instance whose fields are taken from values by their names in records.

    Args:
        kind: the class.
        values: settings by name; others are ignored, missing ones have their defaults.
        overrides: by field.

    Raises:
        SettingError: a value that cannot work.
    """
    by_field = {f: values[name_of(kind, f)] for f in _fields(kind) if name_of(kind, f) in values}
    return kind(**{**by_field, **overrides})


def name_of(kind: type[Settings], field: str) -> str:
    """A field's name in records and flags."""
    facts = _fields(kind).get(field)
    return field if facts is None or facts.plain else f"{kind.prefix}{field}"


def _fields(kind: type[Settings]) -> dict[str, Setting]:
    return {f.name: f.metadata[_KEY] for f in dataclasses.fields(kind) if _KEY in f.metadata}


def _value_type(kind: type[Settings], field: str) -> Any:
    """The annotation of a field, without `None` and `os.PathLike`."""
    annotation = typing.get_type_hints(kind)[field]
    if isinstance(annotation, types.UnionType):
        annotation = next(part for part in typing.get_args(annotation) if part in _PARSERS)
    return annotation


def _boolean(value: str) -> bool:
    if value.lower() in ("true", "t", "1"):
        return True
    if value.lower() in ("false", "f", "0"):
        return False
    raise ValueError("use true or false")


def _integer(value: str) -> int:
    try:
        return int(value, 0) if value.startswith("0x") else int(value)
    except ValueError:
        raise ValueError("use an integer") from None


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise ValueError("use a number") from None


def _numbers_of(number: Callable[[str], Any]) -> Callable[[str], tuple]:
    def numbers(value: str) -> tuple:
        try:
            return tuple(number(part) for part in value.split(",") if part.strip())
        except ValueError:
            raise ValueError("use numbers separated by commas") from None

    return numbers


_PARSERS: dict[Any, Callable[[str], Any]] = {
    bool: _boolean,
    int: _integer,
    float: _number,
    str: str,
    tuple[int, ...]: _numbers_of(int),
    tuple[float, ...]: _numbers_of(float),
}


def _advice(value: Any, facts: Setting) -> str | None:
    """The right use of a setting whose value is out of range; None if it is within."""
    if value is None:
        return None
    if facts.choices:
        return None if value in facts.choices else f"use {' or '.join(facts.choices)}"
    parts = value if isinstance(value, tuple) else (value,)
    numbers = [part for part in parts if isinstance(part, int | float)]
    return None if all(_within(number, facts) for number in numbers) else f"use {described(facts)}"


def _within(number: float, facts: Setting) -> bool:
    return (
        math.isfinite(number)
        and (facts.at_least is None or number >= facts.at_least)
        and (facts.above is None or number > facts.above)
        and (facts.at_most is None or number <= facts.at_most)
        and (facts.below is None or number < facts.below)
    )


def described(facts: Setting) -> str:
    """The range of a number in words: "1 to 8", "1 or more", "a number from 0 up to 1".

    >>> described(dataclasses.fields(_Example)[0].metadata["setting"])
    'a number above 0, up to 1'
    """
    low, high = facts.at_least, facts.at_most
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    if low is not None and facts.below is None:
        return f"{low:g} or more"
    words = []
    if low is not None:
        words.append(f"from {low:g}")
    if facts.above is not None:
        words.append(f"above {facts.above:g}")
    if high is not None:
        words.append(f"up to {high:g}")
    if facts.below is not None:
        words.append(f"below {facts.below:g}")
    return f"a number {', '.join(words)}" if words else "a finite number"


@dataclasses.dataclass(frozen=True)
class _Example(Settings):
    share: float = setting(1.0, "A share.", above=0, at_most=1)
