"""Spaces: every SPEC is a space of valid recipes, or one clear error."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.config import field_types
from luthier.errors import ConfigError
from luthier.recipes.recipe import Recipe, Schedule
from luthier.recipes.space import Choice, Dimension, Interval, Space, parse_dimension, parse_space

BASE = Recipe()
NAMES = sorted(field_types(Recipe))
NUMBERS = st.sampled_from(["0", "1", "3", "4", "12", "0.5", "0.9", "1e-5", "1e-3", "-1", "1000", "1e6", "2.5", "+2", "4096"]) | (
    st.floats(1e-7, 1e3).map(repr)) | st.integers(-2, 5000).map(str)
MARKS = st.sampled_from(["", "", ":log", ":int", ":int,log", ":log,int", ":cubic"])
SPECS = (st.builds("{}..{}{}".format, NUMBERS, NUMBERS, MARKS)
         | st.builds("grid({}..{},{}){}".format, NUMBERS, NUMBERS, st.integers(0, 9), MARKS)
         | st.lists(NUMBERS | st.sampled_from(["constant", "linear", "ema", "none", "probe"]), min_size=1, max_size=5).map(",".join)
         | st.text(max_size=12))
POSITIONS = st.floats(0, 1, exclude_max=True)


def _inside(dimension: Dimension, value: Any) -> bool:
    if isinstance(dimension, Choice):
        return value in dimension.values
    return dimension.low <= value <= dimension.high and (not dimension.integer or value == int(value))


@settings(max_examples=400, deadline=None)
@given(specs=st.dictionaries(st.sampled_from(NAMES), SPECS, min_size=1, max_size=3), data=st.data())
def test_any_parsed_spec_gives_only_valid_recipes(specs: dict[str, str], data: st.DataObject) -> None:
    try:
        space = parse_space(specs, BASE)
    except ConfigError:
        return
    corners = [0.0, math.nextafter(1.0, 0.0)]
    for _ in range(3):
        point = [data.draw(POSITIONS | st.sampled_from(corners)) for _ in specs]
        recipe = space.at(point)  # raises when it is not valid
        assert all(_inside(dimension, getattr(recipe, name)) for name, dimension in space.dimensions.items())
        unchanged = {name: value for name, value in recipe.to_table().items() if name not in specs}
        assert unchanged == {name: value for name, value in BASE.to_table().items() if name not in specs}


SCALES = st.sampled_from(["", ":log"])


@settings(max_examples=100, deadline=None)
@given(low=st.floats(1e-7, 0.5), high=st.floats(0.5, 1, exclude_min=True), scale=SCALES, position=POSITIONS)
def test_intervals_inside_the_limits_are_accepted(low: float, high: float, scale: str, position: float) -> None:
    """So that the property above cannot hold merely because everything is refused."""
    space = parse_space({"learning_rate": f"{low!r}..{high!r}{scale}"}, BASE)
    assert space.dimensions["learning_rate"] == Interval(low, high, log=bool(scale))
    assert low <= space.at([position]).learning_rate <= high


@pytest.mark.parametrize(("name", "spec", "expected"), [
    ("learning_rate", "1e-5..1e-3:log", Interval(1e-5, 1e-3, log=True)),
    ("dropout", "0..0.3", Interval(0, 0.3)),
    ("batch_size", "4..32:int", Interval(4, 32, integer=True)),
    ("batch_size", "4..32", Interval(4, 32, integer=True)),
    ("batch_size", "4..32:int,log", Interval(4, 32, log=True, integer=True)),
    ("epochs", "2..5:int", Interval(2, 5, integer=True)),
    ("frozen_layers", "0,3,6", Choice((0, 3, 6))),
    ("frozen_layers", " 0, 3,3 ,6, ", Choice((0, 3, 6))),
    ("schedule", "constant,linear", Choice((Schedule.CONSTANT, Schedule.LINEAR))),
    ("learning_rate", "grid(1e-5..1e-3,5):log", Choice((1e-5, 3.16228e-5, 1e-4, 3.16228e-4, 1e-3))),
    ("dropout", "grid(0..0.3, 4)", Choice((0.0, 0.1, 0.2, 0.3))),
    ("frozen_layers", "grid(0..3,9)", Choice((0, 1, 2, 3))),
])
def test_parse_dimension_reads_each_kind_of_spec(name: str, spec: str, expected: Dimension) -> None:
    assert parse_dimension(name, spec, BASE) == expected


@pytest.mark.parametrize(("name", "spec", "message"), [
    ("learning_rat", "1..2", "no such hyperparameter. Did you mean 'learning_rate'?"),
    ("learning_rate", "1e-3..1e-5", "the lower end 0.001 must be below the upper end 1e-05"),
    ("learning_rate", "0..1e-3:log", "a :log range must lie above 0"),
    ("learning_rate", "0..1e-3", "learning_rate = 0: must be above 0 and at most 1"),
    ("learning_rate", "1e-3..2", "learning_rate = 2: must be above 0 and at most 1"),
    ("learning_rate", "1e-3..1e-2:cubic", "':cubic' is not a scale; use :log, :int or :int,log"),
    ("learning_rate", "1e-3..", "not a range; write "),
    ("learning_rate", "1e-3...", "the ends of a range must be numbers"),
    ("learning_rate", "--1..1", "the ends of a range must be numbers"),
    ("learning_rate", "fast", "expected a number"),
    ("learning_rate", "", "no values"),
    ("batch_size", "4.5..32", "the ends of a range of whole numbers must be whole numbers"),
    ("batch_size", "8,16.5", "expected a whole number"),
    ("batch_size", "grid(4..32,1)", "a grid needs at least 2 values"),
    ("schedule", "1..2", "schedule is not a number, so it has no range; write its values"),
    ("schedule", "constant,liner", "Did you mean 'linear'?"),
    ("dropout", "0.1,0.95", "dropout = 0.95: must be at least 0 and at most 0.9"),
])
def test_parse_dimension_says_what_is_wrong_and_where(name: str, spec: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_dimension(name, spec, BASE)
    assert str(caught.value).startswith(f"--search {name}={spec}: ")
    assert message in str(caught.value)


@pytest.mark.parametrize("spec", ["1..1e999", "1..1e999:int", "1..1e999:log", "grid(1..1e999,3)", "1,1e999", "-1e999..1"])
@pytest.mark.parametrize("name", ["batch_size", "epochs"])
def test_parse_dimension_refuses_numbers_too_great_to_be_finite(name: str, spec: str) -> None:
    with pytest.raises(ConfigError):
        parse_dimension(name, spec, BASE)


def test_parse_space_reports_all_problems_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_space({"epoch": "1..2", "dropout": "0..0.3", "batch_size": "0..8"}, BASE)
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == ["--search epoch=1..2", "--search batch_size=0..8"]


@pytest.mark.parametrize(("name", "spec"), [
    ("learning_rate", "1e-05..0.001:log"), ("dropout", "0..0.3"), ("batch_size", "4..32:int"), ("batch_size", "4..32:int,log"),
    ("frozen_layers", "0,3,6"), ("schedule", "constant,linear")])
def test_dimensions_are_written_as_the_spec_they_came_from(name: str, spec: str) -> None:
    assert str(parse_dimension(name, spec, BASE)) == spec


def test_a_log_interval_is_uniform_in_the_logarithm() -> None:
    assert Interval(1e-5, 1e-3, log=True).at(0.5) == pytest.approx(1e-4)
    assert Interval(0.0, 0.3).at(0.5) == pytest.approx(0.15)


@given(low=st.integers(-5, 5), count=st.integers(2, 9))
def test_a_whole_interval_gives_every_number_the_same_share(low: int, count: int) -> None:
    interval = Interval(low, low + count - 1, integer=True)
    drawn = Counter(interval.at((i + 0.5) / (count * 10)) for i in range(count * 10))
    assert drawn == dict.fromkeys(range(low, low + count), 10)
    assert all(isinstance(value, int) for value in drawn)


def test_a_choice_gives_every_value_the_same_share() -> None:
    choice = Choice(("a", "b", "c"))
    assert Counter(choice.at((i + 0.5) / 30) for i in range(30)) == {"a": 10, "b": 10, "c": 10}
    assert choice.at(1.0) == "c"


def test_cells_are_all_combinations_with_the_last_dimension_fastest() -> None:
    space = parse_space({"schedule": "constant,linear", "batch_size": "8,16,32"}, BASE)
    assert [(recipe.schedule.value, recipe.batch_size) for recipe in space.cells()] == [
        ("constant", 8), ("constant", 16), ("constant", 32), ("linear", 8), ("linear", 16), ("linear", 32)]


def test_cells_of_no_dimensions_are_the_base() -> None:
    assert list(Space(BASE, {}).cells()) == [BASE]


@pytest.mark.parametrize("spec", ["0..0.3", "1e-3..0.1:log", "1..4:int"])
def test_cells_of_an_interval_are_refused_with_a_spec_that_works(spec: str) -> None:
    """The message suggests a grid; what it suggests must be one."""
    name = "epochs" if ":int" in spec else "weight_decay"
    space = parse_space({name: spec, "batch_size": "8,16"}, BASE)
    with pytest.raises(ConfigError) as caught:
        list(space.cells())
    assert str(caught.value).count("\n") == 0  # batch_size has values, so only one line
    suggested = re.search(r"grid\(.*", str(caught.value))
    assert suggested
    assert len(list(parse_space({name: suggested[0]}, BASE).cells())) in (4, 5)


def test_at_refuses_a_point_of_another_dimension() -> None:
    with pytest.raises(ValueError):
        parse_space({"dropout": "0..0.3"}, BASE).at([0.1, 0.2])
