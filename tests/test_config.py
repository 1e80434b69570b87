"""Configuration dataclasses: strict, all problems at once, the same after TOML and back."""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.config import (
    FINITE,
    Limits,
    Words,
    as_text,
    build,
    convert,
    field_types,
    optional,
    plain,
    read_toml,
    setting,
    shown,
    to_table,
    validate,
    write_toml,
)
from luthier.errors import ConfigError


class Wood(enum.Enum):
    """What a body is made of."""

    SPRUCE = "spruce"
    MAPLE = "maple"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Violin:
    """One field of every understood type."""

    length: float = setting(35.6, "Of the body, in cm.", Limits(0, 50, open_low=True))
    strings: int = setting(4, "How many.", Limits(1, 7))
    electric: bool = setting(False, "Whether it has a plug.")
    maker: str = setting("unknown", "Who made it.")
    top: Wood = setting(Wood.SPRUCE, "Of the top.")
    year: int | None = setting(None, "When it was made.", Limits(1500, 2100))
    owners: tuple[str, ...] = setting((), "Who had it.")
    notes: dict[str, str] = setting({}, "Anything else.")
    tension: dict[str, float] = setting({}, "Of each string, in kg.", Limits(0, 20))
    age: Annotated[int | str, Words(r"old|new|\d+c", "'old', 'new' or a century such as 18c")] = setting(
        "old", "In years.", Limits(0, 500))

    def __post_init__(self) -> None:
        validate(self)


ODD_NAME = "'a b' is not a name: it is empty, or holds a space, a comma, a semicolon or an equals sign"
AGE = Annotated[int | str, Words(r"old|\d+c", "'old'")]
VIOLINS = st.builds(
    Violin, length=st.floats(0, 50, exclude_min=True), strings=st.integers(1, 7), electric=st.booleans(),
    maker=st.text(), top=st.sampled_from(Wood), year=st.none() | st.integers(1500, 2100),
    owners=st.lists(st.text(), max_size=3).map(tuple), notes=st.dictionaries(st.text(), st.text(), max_size=3),
    tension=st.dictionaries(st.from_regex(r"[A-G0-9*.]+", fullmatch=True), st.floats(0, 20), max_size=3),
    age=st.integers(0, 500) | st.sampled_from(["old", "new", "18c"]))


@settings(max_examples=150, deadline=None)
@given(violin=VIOLINS)
def test_write_toml_and_read_toml_give_back_the_same(violin: Violin, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("toml") / "violin.toml"
    write_toml(path, {"violin": to_table(violin)})
    assert build(Violin, read_toml(path)["violin"]) == violin


def test_to_table_leaves_out_none_and_keeps_the_order() -> None:
    table = to_table(Violin(owners=("Ada",), notes={"a": "b"}))
    assert list(table) == ["length", "strings", "electric", "maker", "top", "owners", "notes", "tension", "age"]
    assert table["top"] == "spruce"
    assert table["owners"] == ["Ada"]


def test_default_tables_are_not_shared() -> None:
    first, second = Violin(), Violin()
    assert first.notes == second.notes
    assert first.notes is not second.notes


def test_build_reports_every_problem_at_once_after_its_path() -> None:
    table = {"strings": 0, "length": "long", "top": "sprue", "electric": "perhaps", "year": 1.5, "maker": [], "strngs": 4,
             "age": "young", "tension": {"G": 5, "E": 21}}
    with pytest.raises(ConfigError) as caught:
        build(Violin, table, "violin.toml")
    assert sorted(str(caught.value).splitlines()) == [
        "violin.toml: age = young: expected a whole number, or 'old', 'new' or a century such as 18c",
        "violin.toml: electric = perhaps: expected true or false",
        "violin.toml: length = long: expected a number",
        "violin.toml: maker = none: expected a text",
        "violin.toml: strings = 0: must be at least 1 and at most 7",
        "violin.toml: strngs: no such setting. Did you mean 'strings'?",
        "violin.toml: tension = G=5, E=21: must be at least 0 and at most 20",
        "violin.toml: top = sprue: expected one of spruce, maple. Did you mean 'spruce'?",
        "violin.toml: year = 1.5: expected a whole number",
    ]


def test_build_refuses_an_unknown_key_among_right_ones() -> None:
    with pytest.raises(ConfigError, match=r"^bridge: no such setting\.$"):
        build(Violin, {"strings": 5, "bridge": "high"})


def test_validate_gives_fields_their_declared_types() -> None:
    violin = Violin(length="3.5e1", strings=5.0, electric="TRUE", maker=7, top="maple", year="", owners=["Ada"])
    assert violin == Violin(length=35.0, strings=5, electric=True, maker="7", top=Wood.MAPLE, owners=("Ada",))
    assert [type(getattr(violin, name)) for name in ("length", "strings", "electric", "maker", "owners")] == [
        float, int, bool, str, tuple]


@pytest.mark.parametrize(("kind", "value", "expected"), [
    (float, 1, 1.0), (float, "1e-5", 1e-5), (int, "12", 12), (int, 3.0, 3), (int, "1e3", 1000), (int, -4, -4),
    (bool, True, True), (bool, "false", False), (str, "x", "x"), (str, 1.5, "1.5"), (Wood, "maple", Wood.MAPLE),
    (Wood, Wood.MAPLE, Wood.MAPLE), (int | None, None, None), (int | None, "", None), (int | None, "5", 5),
    (tuple[str, ...], ["a", "b"], ("a", "b")), (tuple[str, ...], "a, b", ("a", "b")), (tuple[str, ...], "", ()),
    (dict[str, float], "b=2, a=1e-3", {"a": 1e-3, "b": 2.0}), (dict[str, float], "", {}),
    (dict[str, str], {"a": {"b": 0.1}}, {"a": "b=0.1"}),
    (AGE, "18c", "18c"), (AGE, "18", 18), (AGE, 3.0, 3), (float, -0.0, 0.0),
    (dict[str, str], {"a": 1, "b": Wood.MAPLE}, {"a": "1", "b": "maple"}),
])
def test_convert_takes_what_stands_for_the_type(kind: Any, value: Any, expected: Any) -> None:
    converted = convert(kind, value)
    assert converted == expected
    assert type(converted) is type(expected)


@pytest.mark.parametrize(("kind", "value", "message"), [
    (float, "", "expected a number"), (float, True, "expected a number"), (float, None, "expected a value"),
    (float, [1.0], "expected a number"), (int, 1.5, "expected a whole number"), (int, "x", "expected a whole number"),
    (int, math.inf, "expected a whole number"), (int, math.nan, "expected a whole number"),
    (int, False, "expected a whole number"), (int, 10**400, "expected a whole number"), (bool, 1, "expected true or false"),
    (str, True, "expected a text"), (Wood, "oak", "expected one of spruce, maple"),
    (Wood, "maples", "expected one of spruce, maple. Did you mean 'maple'?"),
    (dict[str, float], "a=1, b", "expected NAME=VALUE, NAME=VALUE, …"),
    (dict[str, float], {"a": "x"}, "expected a number"),
    (dict[str, float], {"a b": 1}, ODD_NAME),
    (AGE, 1.5, "expected a whole number, or 'old'"),
    (tuple[str, ...], ["a", 1], "expected a list of texts"), (tuple[str, ...], 5, "expected a list of texts"),
    (tuple[str, ...], True, "expected a list of texts"), (dict[str, str], ["a"], "expected a table"),
])
def test_convert_says_what_it_expected(kind: Any, value: Any, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        convert(kind, value)
    assert str(caught.value) == message


@given(value=st.integers(-2**70, 2**70))
def test_convert_keeps_whole_numbers_exactly(value: int) -> None:
    assert convert(int, value) == value
    assert convert(int, str(value)) == value


@given(low=st.floats(-5, 5), width=st.floats(0, 5), value=st.floats(-11, 11) | st.sampled_from([math.inf, -math.inf, math.nan]),
       open_low=st.booleans())
def test_limits_admit_what_lies_between_them(low: float, width: float, value: float, open_low: bool) -> None:
    limits = Limits(low, low + width, open_low=open_low)
    assert limits.admits(value) == (low <= value <= low + width and not (open_low and value == low))


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_limits_without_ends_still_refuse_what_is_not_finite(value: float) -> None:
    assert not FINITE.admits(value)


@pytest.mark.parametrize(("limits", "text"), [
    (Limits(0, 1), "at least 0 and at most 1"), (Limits(0, 1, open_low=True), "above 0 and at most 1"),
    (Limits(low=2), "at least 2"),
    (Limits(high=1e-5), "at most 1e-05"),
    (Limits(0, 1e6), "at least 0 and at most 1,000,000"),
    (FINITE, "a finite number")])
def test_limits_read_as_a_sentence(limits: Limits, text: str) -> None:
    assert str(limits) == text


def test_field_types_resolve_annotations_in_order() -> None:
    assert list(field_types(Violin).items())[:2] == [("length", float), ("strings", int)]
    assert optional(field_types(Violin)["year"]) == (int, True)
    assert optional(int) == (int, False)


@pytest.mark.parametrize(("value", "text"), [
    (1e-5, "1e-05"),
    (16.0, "16"),
    (0.1, "0.1"),
    (Wood.MAPLE, "maple"),
    (True, "true"),
    (0.123456789, "0.123457"),
    ({"a": 0.5, "b": 1.0}, "a=0.5, b=1"),
    (("x", "y"), "x, y"),
    (3, "3"),
    ("x", "x")])
def test_shown_writes_as_a_person_would(value: Any, text: str) -> None:
    assert shown(value) == text


@given(violin=VIOLINS)
def test_as_text_is_read_back_exactly(violin: Violin) -> None:
    for name, kind in field_types(Violin).items():
        if name not in ("maker", "owners", "notes", "year"):
            assert convert(kind, as_text(getattr(violin, name))) == getattr(violin, name)


def test_plain_reaches_into_nested_values() -> None:
    nested = {"a": (Wood.MAPLE, [Path("x") / "y"]), "b": {"c": Wood.SPRUCE}, "d": 1.5, "e": None}
    assert plain(nested) == {"a": ["maple", [str(Path("x") / "y")]], "b": {"c": "spruce"}, "d": 1.5, "e": None}


def _missing(folder: Path) -> Path:
    return folder / "none.toml"


def _not_toml(folder: Path) -> Path:
    path = folder / "broken.toml"
    path.write_text("a = 1\nb = = 2\n", encoding="utf-8")
    return path


def _not_utf8(folder: Path) -> Path:
    path = folder / "latin.toml"
    path.write_bytes('a = "é"\n'.encode("latin-1"))
    return path


def _a_folder(folder: Path) -> Path:
    return folder


@pytest.mark.parametrize("make", [_missing, _not_toml, _not_utf8, _a_folder])
def test_read_toml_refuses_what_is_not_a_toml_file_and_names_it(make: Callable[[Path], Path], tmp_path: Path) -> None:
    path = make(tmp_path)
    with pytest.raises(ConfigError) as caught:
        read_toml(path)
    assert str(path) in str(caught.value)


def test_read_toml_says_the_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="line 2"):
        read_toml(_not_toml(tmp_path))
