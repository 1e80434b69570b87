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
from luthier.recipes.recipe import CONDITIONS, Method, Recipe, Schedule
from luthier.recipes.space import Choice, Dimension, Interval, Space, Switched, parse_dimension, parse_space

BASE = Recipe()
NAMES = sorted(field_types(Recipe))
NUMBERS = st.sampled_from(["0", "1", "3", "4", "12", "0.5", "0.9", "1e-5", "1e-3", "-1", "1000", "1e6", "2.5", "+2", "4096"]) | (
    st.floats(1e-7, 1e3).map(repr)) | st.integers(-2, 5000).map(str)
MARKS = st.sampled_from(["", "", ":log", ":int", ":int,log", ":log,int", ":cubic"])
WORDS = st.sampled_from(["constant", "linear", "warmup-stable-decay", "ema", "swa", "none", "probe", "lora", "full", "auto",
                         "half", "75%", "all", "true", "false", "mean"])
SPECS = (st.builds("{}..{}{}".format, NUMBERS, NUMBERS, MARKS)
         | st.builds("grid({}..{},{}){}".format, NUMBERS, NUMBERS, st.integers(0, 9), MARKS)
         | st.builds("off|{}..{}{}".format, NUMBERS, NUMBERS, MARKS)
         | st.lists(NUMBERS | WORDS, min_size=1, max_size=5).map(",".join)
         | st.lists(st.sampled_from(["", "embeddings=0", "head=2, 0-2=0.1", "query", "query, value"]), min_size=1).map(";".join)
         | st.text(max_size=12))
POSITIONS = st.floats(0, 1, exclude_max=True)


def _inside(dimension: Dimension, value: Any) -> bool:
    if isinstance(dimension, Switched):
        return value == 0 or _inside(dimension.interval, value)
    if isinstance(dimension, Choice):
        return value in dimension.values
    return dimension.low <= value <= dimension.high and (not dimension.integer or value == int(value))


@st.composite
def _spaces(draw: st.DrawFn) -> Space:
    """Spaces of dimensions that are sure to parse, with conditions that are met in some recipes, in all and in none."""
    base = BASE.replace(**draw(st.sampled_from([{}, {"method": "lora"}, {"averaging": "swa"}, {"schedule": "constant"}])))
    names = draw(st.lists(st.sampled_from(sorted(GOOD)), min_size=1, max_size=6, unique=True))
    return Space(base, {name: parse_dimension(name, draw(st.sampled_from(GOOD[name])), base) for name in names})


GOOD = {
    "learning_rate": ["1e-5..1e-3:log", "grid(1e-5..1e-3,3):log"], "method": ["full,lora", "full,lora,bitfit", "bitfit"],
    "lora_rank": ["4..64:log", "4,8"], "lora_dropout": ["off|0.01..0.2", "0,0.1"], "schedule": ["constant,warmup-stable-decay"],
    "decay_share": ["0.1..0.3"], "averaging": ["ema,swa", "none,ema"], "swa_share": ["0.1..0.5", "0.25"],
    "frozen_layers": ["0..6", "off|1..6", "0,half,75%,all", "grid(0..6,3)"], "class_weighting": ["0..1", "0,0.5,auto"],
    "weight_decay": ["off|0.003..3:log", "0..1"], "unfreeze_every": ["off|10..200:log"], "dropout_in_frozen": ["true,false"],
    "layer_lr": [";embeddings=0;embeddings=0, 0-2=0.1"], "lora_targets": [";query, value"], "epochs": ["2..5:int"],
}


def _point(space: Space, data: st.DataObject) -> list[float]:
    return [data.draw(POSITIONS | st.sampled_from([0.0, math.nextafter(1.0, 0.0)])) for _ in space.axes]


@settings(max_examples=400, deadline=None)
@given(specs=st.dictionaries(st.sampled_from(NAMES), SPECS, min_size=1, max_size=3), data=st.data())
def test_any_parsed_spec_gives_only_valid_recipes(specs: dict[str, str], data: st.DataObject) -> None:
    try:
        space = parse_space(specs, BASE)
    except ConfigError:
        return
    for _ in range(3):
        recipe = space.at(_point(space, data))  # raises when it is not valid
        assert all(_inside(dimension, getattr(recipe, name)) or name in CONDITIONS
                   for name, dimension in space.dimensions.items())
        unchanged = {name: value for name, value in recipe.to_table().items() if name not in specs}
        assert unchanged == {name: value for name, value in BASE.to_table().items() if name not in specs}


@settings(max_examples=300, deadline=None)
@given(name=st.sampled_from(NAMES), spec=SPECS)
def test_any_dimension_is_written_as_a_spec_that_gives_it_back(name: str, spec: str) -> None:
    try:
        dimension = parse_dimension(name, spec, BASE)
    except ConfigError:
        return
    assert parse_dimension(name, str(dimension), BASE) == dimension


@settings(max_examples=200, deadline=None)
@given(space=_spaces(), data=st.data())
def test_recipes_of_conditional_spaces_hold_to_their_conditions(space: Space, data: st.DataObject) -> None:
    recipe = space.at(_point(space, data))
    for name, dimension in space.dimensions.items():
        other, wanted = CONDITIONS.get(name, (name, None))
        if name not in CONDITIONS or getattr(recipe, other) is wanted:
            assert _inside(dimension, getattr(recipe, name))
        else:
            assert getattr(recipe, name) == getattr(space.base, name)


@settings(max_examples=200, deadline=None)
@given(space=_spaces(), data=st.data())
def test_what_is_read_of_a_recipe_builds_it_again(space: Space, data: st.DataObject) -> None:
    recipe = space.at(_point(space, data))
    values = space.read(recipe)
    assert values is not None
    assert space.build(lambda key, axis: values[key]) == recipe
    assert set(values) <= set(space.axes)


@pytest.mark.parametrize(("name", "value"), [
    ("weight_decay", 0.5), ("frozen_layers", "half"), ("frozen_layers", 7), ("schedule", "cosine"), ("lora_rank", 5)])
def test_a_recipe_outside_of_the_space_is_not_read(name: str, value: Any) -> None:
    base = BASE.replace(method="lora")
    space = parse_space({"weight_decay": "off|0.6..1", "frozen_layers": "0..6", "schedule": "constant,linear",
                         "lora_rank": "4,8"}, base)
    inside = base.replace(weight_decay=0, schedule="linear", lora_rank=8)
    assert space.read(inside) is not None
    assert space.read(inside.replace(**{name: value})) is None


def test_what_means_nothing_beside_the_others_may_have_any_value() -> None:
    space = parse_space({"method": "full,lora", "lora_rank": "4,8"}, BASE)
    assert space.read(BASE.replace(lora_rank=5)) == {"method": Method.FULL}


def test_no_condition_rests_on_a_hyperparameter_that_has_one() -> None:
    """`Space.order` puts those with a condition last, which is enough only then."""
    assert not {other for other, _ in CONDITIONS.values()} & set(CONDITIONS)


def test_a_switch_is_off_in_one_half_of_the_space_and_the_range_starts_afresh_in_the_other() -> None:
    space = parse_space({"weight_decay": "off|1..3"}, BASE)
    assert list(space.axes) == ["weight_decay on", "weight_decay"]
    assert [space.at([x, 0.0]).weight_decay for x in (0.0, 0.49, 0.5, 0.99)] == [0, 0, 1, 1]
    assert space.at([0.9, 0.5]).weight_decay == 2


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
    ("frozen_layers", "grid(0..6,3)", Choice((0, 3, 6))),
    ("frozen_layers", "0..6", Interval(0, 6, integer=True)),
    ("frozen_layers", "0,half,75%,all", Choice((0, "half", "75%", "all"))),
    ("class_weighting", "0..1", Interval(0, 1)),
    ("class_weighting", "0,0.5,auto", Choice((0.0, 0.5, "auto"))),
    ("weight_decay", "off|1e-3..1:log", Switched(Interval(1e-3, 1, log=True))),
    ("unfreeze_every", "off|10..200", Switched(Interval(10, 200, integer=True))),
    ("attention_dropout", "off|0.1..0.3", Switched(Interval(0.1, 0.3))),
    ("method", "full,lora", Choice((Method.FULL, Method.LORA))),
    ("dropout_in_frozen", "true,false", Choice((True, False))),
    ("layer_lr", ";embeddings=0;embeddings=0, 0-2=0.1", Choice(({}, {"embeddings": 0.0}, {"0-2": 0.1, "embeddings": 0.0}))),
    ("lora_targets", ";query, value", Choice(((), ("query", "value")))),
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
    ("learning_rate", "off|1e-4..1e-3", "off means 0, but learning_rate must be above 0 and at most 1; write 1e-4..1e-3"),
    ("weight_decay", "off|0..1", "the range after it must lie above 0"),
    ("weight_decay", "on|0.1..1", "write off|LOW..HIGH"),
    ("weight_decay", "off|0.1,1", "write off|LOW..HIGH"),
    ("schedule", "off|1..2", "schedule is not a number, so it has no range"),
    ("layer_lr", "embeddings=0;head", "expected NAME=VALUE"),
    ("layer_lr", "embeddings=-1", "must be at least 0 and at most 1,000"),
    ("frozen_layers", "0,hal", "expected a whole number, or 'embeddings', 'half', 'all' or a share such as 75%"),
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


def test_parse_space_names_the_option_it_was_given_to() -> None:
    with pytest.raises(ConfigError, match=r"^--search-also dropout=0\.\.2: "):
        parse_space({"dropout": "0..2"}, BASE, "--search-also")


@pytest.mark.parametrize(("specs", "base", "fine"), [
    ({"lora_rank": "4,8"}, {}, False), ({"lora_rank": "4,8"}, {"method": "lora"}, True),
    ({"lora_rank": "4,8", "method": "full,lora"}, {}, True), ({"lora_rank": "4,8", "method": "full,bitfit"}, {}, False),
    ({"l2_sp": "0..1"}, {"method": "bitfit"}, False), ({"swa_share": "0.1..0.2"}, {}, False)])
def test_parse_space_refuses_what_would_mean_nothing(specs: dict[str, str], base: dict[str, str], fine: bool) -> None:
    if fine:
        assert set(parse_space(specs, BASE.replace(**base)).dimensions) == set(specs)
        return
    with pytest.raises(ConfigError, match=r"means something only where .* is .*; add --set "):
        parse_space(specs, BASE.replace(**base))


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


def test_cells_leave_out_what_means_nothing_beside_the_others() -> None:
    space = parse_space({"lora_rank": "4,8", "method": "full,lora", "lora_dropout": "0,0.1"}, BASE)
    cells = list(space.cells())
    assert [(cell.method.value, cell.lora_rank, cell.lora_dropout) for cell in cells] == [
        ("full", 16, 0.0), ("lora", 4, 0.0), ("lora", 4, 0.1), ("lora", 8, 0.0), ("lora", 8, 0.1)]


@settings(max_examples=60, deadline=None)
@given(space=_spaces())
def test_no_two_cells_are_equal_recipes(space: Space) -> None:
    finite = space.without([name for name, dimension in space.dimensions.items() if not isinstance(dimension, Choice)])
    cells = list(finite.cells())
    assert len({cell.hash for cell in cells}) == len(cells)
    assert all(finite.read(cell) is not None for cell in cells)


def test_also_adds_and_replaces_and_without_takes_away() -> None:
    space = Space(BASE, {"dropout": Interval(0, 0.3), "epochs": Choice((1.0,))}, {"dropout": "why", "epochs": "because"})
    more = space.also({"dropout": Choice((0.1,)), "l1": Interval(0, 1)})
    assert list(more.dimensions) == ["dropout", "epochs", "l1"]
    assert (more.dimensions["dropout"], more.notes) == (Choice((0.1,)), {"epochs": "because"})
    assert (list(more.without({"epochs": 3}).dimensions), more.without(["epochs"]).notes) == (["dropout", "l1"], {})


def test_cells_of_no_dimensions_are_the_base() -> None:
    assert list(Space(BASE, {}).cells()) == [BASE]


@pytest.mark.parametrize("spec", ["0..0.3", "1e-3..0.1:log", "1..4:int", "off|1e-3..0.1:log"])
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
