import dataclasses
import itertools

import numpy as np
import pytest

from cascade_cli.systems import FAMILIES
from cascade_tf.errors import SettingError, text
from cascade_tf.family import SHARED
from cascade_tf.setting_values import PARSERS
from cascade_tf.settings import Settings, entries, from_values, setting, values_by_name

KINDS = sorted(
    {kind for family in FAMILIES.values() for kind in (*family.whole, *family.kinds, *SHARED)},
    key=lambda kind: kind.__name__,
)


@dataclasses.dataclass(frozen=True)
class _Example(Settings):
    prefix = "x_"
    width: int = setting(8, "Width.", at_least=1, at_most=16)
    rates: tuple[float, ...] = setting((0.1,), "Rates.", above=0)
    kind: str = setting("a", "Kind.", choices=("a", "b"), plain=True)
    size: int | None = setting(None, "Size.", at_least=2)
    derived: int = 0


@pytest.mark.parametrize(
    "values, message",
    [
        (dict(width=0), "width=0: use 1 to 16"),
        (dict(width=17), "width=17: use 1 to 16"),
        (dict(rates=(1.0, 0.0)), "rates=1.0,0.0: use a number above 0"),
        (dict(rates=(float("nan"),)), "rates=nan: use a number above 0"),
        (dict(rates=(float("inf"),)), "rates=inf: use a number above 0"),
        (dict(rates=(1e-50,)), "rates=1e-50: too large or small for float32"),
        (dict(rates=(1e300,)), "rates=1e+300: too large or small for float32"),
        (dict(size=2**63), "size=9223372036854775808: too large or small for int64"),
        (dict(kind="c"), "kind=c: use a or b"),
        (dict(size=1), "size=1: use 2 or more"),
    ],
)
def test_a_value_out_of_range_is_a_value_error_that_names_the_field(values, message):
    with pytest.raises(ValueError) as error:
        _Example(**values)
    assert isinstance(error.value, SettingError) and str(error.value) == message


@pytest.mark.parametrize(
    "values, expected",
    [
        (dict(rates=[1, 0.5]), (1.0, 0.5)),
        (dict(rates=np.array([1.0])), (1.0,)),
        (dict(rates=0.5), (0.5,)),
        (dict(width=np.int64(4)), 4),
        (dict(width=4.0), 4),
        (dict(size=np.float32(3)), 3),
    ],
)
def test_numbers_of_other_types_become_those_of_the_field(values, expected):
    (field,) = values
    value = getattr(_Example(**values), field)
    assert value == expected and type(value) is type(expected)
    assert text(value) == text(expected)


@pytest.mark.parametrize(
    "values, message",
    [
        (dict(width=4.5), "width=4.5: use an integer"),
        (dict(width=True), "width=true: use an integer"),
        (dict(width="4"), "width=4: use an integer"),
        (dict(width=None), "width=: use an integer"),
        (dict(rates=["fast"]), "use a number"),
        (dict(rates=[-1.0]), "rates=-1.0: use a number above 0"),
        (dict(width=np.int64(-3)), "width=-3: use 1 to 16"),
        (dict(kind=3), "kind=3: use a string"),
    ],
)
def test_values_of_another_type_are_refused(values, message):
    with pytest.raises(SettingError) as error:
        _Example(**values)
    assert message in str(error.value)


def test_names_are_separated_by_commas_and_maybe_spaces():
    names = PARSERS[tuple[str, ...]]
    assert names("a cat, b ,c") == ("a cat", "b", "c") and names("") == ()
    for value in ("a,,b", "a,", ", ,"):
        with pytest.raises(ValueError, match="use names separated by commas"):
            names(value)


def test_records_name_settings_with_the_prefix_of_their_class():
    example = _Example(width=4, size=3, derived=7)
    values = values_by_name(example)
    assert values == {"x_width": 4, "x_rates": (0.1,), "kind": "a", "x_size": 3}
    assert from_values(_Example, values, {}) == dataclasses.replace(example, derived=0)
    assert from_values(_Example, values, {"derived": 7, "width": 5}).width == 5
    with pytest.raises(SettingError) as error:
        _Example(width=0)
    assert error.value.recorded == "`x_width`=0: use 1 to 16"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_default_is_parsed_from_its_text(kind):
    for name, entry in entries([kind]).items():
        if entry.default is not None:
            assert entry.parse(text(entry.default)) == entry.default, name


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_defaults_are_valid_and_every_setting_has_help(kind):
    kind()
    for name, entry in entries([kind]).items():
        assert entry.facts.help.endswith("."), name


def test_settings_of_one_name_differ_only_in_their_defaults():
    """A setting that several classes share means the same in each."""
    for one, other in itertools.combinations(KINDS, 2):
        a, b = entries([one]), entries([other])
        for name in a.keys() & b.keys():
            assert a[name].facts == b[name].facts, (one, other, name)
