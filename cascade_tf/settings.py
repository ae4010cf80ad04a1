"""Settings: frozen dataclasses whose fields carry their own help, range and choices.

Each hyperparameter is defined once, as a field of a dataclass. Records of trainings and flags of
the commands are generated from these fields. Values are checked when a dataclass is created,
whether they come from a flag, a record or Python.
"""

import dataclasses
import functools
import math
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal, NamedTuple, NoReturn, TypeVar

from cascade_tf.errors import SettingError
from cascade_tf.setting_values import PARSERS, plain_type, typed

# A stage's settings of the model never change, and those of the training not until it ends. Free
# ones may change at every resume.
Decides = Literal["model", "training", "free"]
_KEY = "setting"


@dataclasses.dataclass(frozen=True)
class Setting:
    """Metadata of one field; see `setting`."""

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
    note: str = ""


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
    note: str = "",
) -> Any:
    """A dataclass field that a user can set.

    Args:
        default: the default value.
        help: one sentence, for the commands' help and readers of the class.
        decides: "model" if other values cannot use a checkpoint, "training" if they cannot
            resume from it, "free" otherwise.
        choices: allowed values of a string, or of each string of a tuple.
        at_least, above, at_most, below: range of a number, or of each number of a tuple.
        whole: whether all stages of an experiment share one value.
        group: heading in the short help; empty for settings that the short help leaves out.
        plain: whether the name omits the prefix of its class.
        note: added to the message for a value of another type.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Layers(Settings):
    ...     layers: int = setting(6, "Number of layers.", decides="model", at_least=1)
    >>> Layers(0)
    Traceback (most recent call last):
    cascade_tf.errors.SettingError: layers=0: use 1 or more
    """
    facts = Setting(
        help, decides, tuple(choices), at_least, above, at_most, below, whole, group, plain, note
    )
    return dataclasses.field(default=default, metadata={_KEY: facts})


@dataclasses.dataclass(frozen=True)
class Settings:
    """Base of all settings: a frozen dataclass that checks its values on creation.

    Attributes:
        prefix: of the fields' names in records and flags. It distinguishes them from equally
            named fields of other classes in the same experiment.

    Raises:
        SettingError: a value that cannot work; it is also a ValueError.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Layers(Settings):
    ...     prefix = "decoder_"
    ...     layers: int = setting(6, "Number of layers.")
    >>> name_of(Layers, "layers"), values_by_name(Layers(8))
    ('decoder_layers', {'decoder_layers': 8})
    >>> from_values(Layers, {"decoder_layers": 4, "bits": 5}, {}).layers
    4
    >>> entries([Layers])["decoder_layers"].default
    6
    """

    prefix: ClassVar[str] = ""

    def __post_init__(self) -> None:
        for field, facts in _fields(type(self)).items():
            try:
                value = typed(getattr(self, field), _annotation(type(self), field))
            except ValueError as error:
                self.refuse(f"{error}{facts.note}", field)
            object.__setattr__(self, field, value)
            advice = _advice(value, facts)
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
    """A setting, independent of its class.

    Attributes:
        default: the default value.
        parse: converts a text, as written by `errors.text`, to a value; raises ValueError.
        is_switch: whether it is boolean.
        facts: its metadata.
    """

    default: Any
    parse: Callable[[str], Any]
    is_switch: bool
    facts: Setting


def entries(kinds: Iterable[type[Settings]]) -> dict[str, Entry]:
    """Settings of several classes by their names in records; the first of equal names counts."""
    by_name: dict[str, Entry] = {}
    for kind in kinds:
        for field in dataclasses.fields(kind):
            if _KEY in field.metadata:
                value_type = plain_type(_annotation(kind, field.name))
                facts = field.metadata[_KEY]
                parse = functools.partial(_parse, PARSERS[value_type], facts.note)
                entry = Entry(field.default, parse, value_type is bool, facts)
                by_name.setdefault(name_of(kind, field.name), entry)
    return by_name


def _parse(parser: Callable[[str], Any], note: str, value: str) -> Any:
    try:
        return parser(value)
    except ValueError as error:
        raise ValueError(f"{error}{note}") from None


def values_by_name(settings: Settings) -> dict[str, Any]:
    """Values of an instance's settings by their names in records."""
    kind = type(settings)
    return {name_of(kind, field): getattr(settings, field) for field in _fields(kind)}


def from_values(
    kind: type[AnySettings], values: Mapping[str, Any], overrides: Mapping[str, Any]
) -> AnySettings:
    """An instance of `kind` from values by their names in records.

    Args:
        kind: the class.
        values: settings by name; unknown names are ignored, missing ones get their defaults.
        overrides: values by field; they take precedence.

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


def _annotation(kind: type[Settings], field: str) -> Any:
    return typing.get_type_hints(kind)[field]


def _advice(value: Any, facts: Setting) -> str | None:
    """The allowed values of a setting, if `value` is not one of them; else None."""
    if value is None:
        return None
    parts = value if isinstance(value, tuple) else (value,)
    if facts.choices:
        known = all(part in facts.choices for part in parts)
        return None if known else f"use {' or '.join(facts.choices)}"
    numbers = [part for part in parts if isinstance(part, int | float)]
    if not all(_within(number, facts) for number in numbers):
        return f"use {described(facts)}"
    for number in numbers:
        if not _fits(number):
            return f"too large or small for {'int64' if isinstance(number, int) else 'float32'}"
    return None


def _within(number: float, facts: Setting) -> bool:
    return (
        math.isfinite(number)
        and (facts.at_least is None or number >= facts.at_least)
        and (facts.above is None or number > facts.above)
        and (facts.at_most is None or number <= facts.at_most)
        and (facts.below is None or number < facts.below)
    )


def _fits(number: float) -> bool:
    """Whether TensorFlow can hold a finite number, neither as infinity nor as zero."""
    if isinstance(number, int):
        return abs(number) < 2**63
    return number == 0 or 1.2e-38 < abs(number) < 3.4e38


def described(facts: Setting) -> str:
    """The range of a number in words: "1 to 8", "1 or more", "a number from 0, below 1".

    >>> described(dataclasses.fields(_Example)[0].metadata["setting"])
    'a number above 0, up to 1'
    """
    low, high = facts.at_least, facts.at_most
    if low is not None and high is not None:
        return f"{low:.15g} to {high:.15g}"
    if low is not None and facts.below is None:
        return f"{low:.15g} or more"
    words = []
    if low is not None:
        words.append(f"from {low:.15g}")
    if facts.above is not None:
        words.append(f"above {facts.above:.15g}")
    if high is not None:
        words.append(f"up to {high:.15g}")
    if facts.below is not None:
        words.append(f"below {facts.below:.15g}")
    return f"a number {', '.join(words)}" if words else "a finite number"


@dataclasses.dataclass(frozen=True)
class _Example(Settings):
    share: float = setting(1.0, "A share.", above=0, at_most=1)
