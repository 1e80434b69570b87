"""What to search: named dimensions, each a set of values that a hyperparameter may take.

A dimension is written as a SPEC:

    1e-5..1e-3:log          an interval, uniform in the logarithm
    0..0.3                  an interval, uniform
    4..32:int               whole numbers (`4..32:int,log` for both)
    off|1e-3..1:log         off (0) for half of the space, else from the interval
    0,3,6                   these values; where a hyperparameter takes words, also words: 0,half,75%,all
    grid(1e-5..1e-3,7):log  seven values, spaced evenly (here in the logarithm)
    ;embeddings=0;0-2=0.1   tables and lists, between semicolons; nothing between them is the empty one

A hyperparameter that means something only beside a certain value of another (`CONDITIONS`) is asked for only there, and
has the base's value elsewhere. So is the interval of an `off|`. Everything that walks through a space does it by
`Space.build`, and back by `Space.read`.
"""

from __future__ import annotations

import math
import re
import typing
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from luthier.config import as_text, convert, field_types, optional, shown
from luthier.errors import ConfigError, nearest
from luthier.recipes.recipe import CONDITIONS, FIELDS, Recipe, applies


@dataclass(frozen=True)
class Interval:
    """All numbers from `low` to `high`."""

    low: float
    high: float
    log: bool = False
    integer: bool = False

    def at(self, position: float) -> float | int:
        """The value at `position` in [0, 1)."""
        if self.integer:
            low, high = self.low - 0.5, self.high + 0.5
            return min(int(self.high), max(int(self.low), round(self.scaled(low, high, position))))
        return min(self.high, max(self.low, self.scaled(self.low, self.high, position)))

    def scaled(self, low: float, high: float, position: float) -> float:
        """The number at `position` between `low` and `high` on this interval's scale."""
        if self.log:
            return math.exp(math.log(low) + position * (math.log(high) - math.log(low)))
        return low + position * (high - low)

    def holds(self, value: Any) -> bool:
        """Whether `value` is one of these numbers."""
        return (isinstance(value, int | float) and self.low <= value <= self.high
                and not (self.integer and value != int(value)))

    @property
    def extremes(self) -> tuple[Any, ...]:
        """Values that are all valid only where every value is."""
        return self.at(0.0), self.at(1.0)

    def __str__(self) -> str:
        kinds = ",".join(name for name, on in (("int", self.integer), ("log", self.log)) if on)
        return f"{_text(float(self.low))}..{_text(float(self.high))}" + (f":{kinds}" if kinds else "")


@dataclass(frozen=True)
class Choice:
    """One of a few values."""

    values: tuple[Any, ...]

    def at(self, position: float) -> Any:
        """The value at `position` in [0, 1)."""
        return self.values[min(int(position * len(self.values)), len(self.values) - 1)]

    def holds(self, value: Any) -> bool:
        """Whether `value` is one of them."""
        return value in self.values

    @property
    def extremes(self) -> tuple[Any, ...]:
        """Values that are all valid only where every value is."""
        return self.values

    def __str__(self) -> str:
        tables = any(isinstance(value, Mapping | tuple) for value in self.values)
        return (";" if tables else ",").join(_text(value) for value in self.values)


@dataclass(frozen=True)
class Switched:
    """Off, which is 0, or a number of the interval, which lies above 0."""

    interval: Interval

    @property
    def extremes(self) -> tuple[Any, ...]:
        """Values that are all valid only where every value is."""
        return 0, *self.interval.extremes

    def __str__(self) -> str:
        return f"off|{self.interval}"


Axis = Interval | Choice
"""One coordinate of a space."""
Dimension = Interval | Choice | Switched
SWITCH = Choice((False, True))


def switch_key(name: str) -> str:
    """The key of the axis that says whether a `Switched` hyperparameter is on."""
    return f"{name} on"


@dataclass(frozen=True)
class Space:
    """The recipes reachable from `base` by changing the named dimensions; `notes` say why some are as they are."""

    base: Recipe
    dimensions: Mapping[str, Dimension]
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def order(self) -> list[str]:
        """The dimensions, those that others rest on before these."""
        return sorted(self.dimensions, key=lambda name: name in CONDITIONS)

    @property
    def axes(self) -> dict[str, Axis]:
        """The coordinates: one for each plain dimension, two for a `Switched`."""
        found: dict[str, Axis] = {}
        for name in self.order:
            dimension = self.dimensions[name]
            if isinstance(dimension, Switched):
                found |= {switch_key(name): SWITCH, name: dimension.interval}
            else:
                found[name] = dimension
        return found

    def build(self, pick: Callable[[str, Axis], Any]) -> Recipe:
        """The recipe whose values `pick` gives for each axis that is active there, in order."""
        changes: dict[str, Any] = {}
        for name in self.order:
            dimension = self.dimensions[name]
            if not self._is_active(name, changes):
                continue
            if isinstance(dimension, Switched):
                changes[name] = pick(name, dimension.interval) if pick(switch_key(name), SWITCH) else 0
            else:
                changes[name] = pick(name, dimension)
        return self.base.replace(**changes)

    def read(self, recipe: Recipe) -> dict[str, Any] | None:
        """The values with which `build` makes these dimensions of `recipe`; None where it lies outside of the space."""
        found: dict[str, Any] = {}
        values = {name: getattr(recipe, name) for name in FIELDS}
        if recipe.attention_dropout is None:
            values["attention_dropout"] = recipe.dropout
        for name in self.order:
            dimension, value = self.dimensions[name], values[name]
            if not self._is_active(name, values):
                continue
            if isinstance(dimension, Switched):
                found[switch_key(name)] = value != 0
                if value == 0:
                    continue
                dimension = dimension.interval
            if not dimension.holds(value):
                return None
            found[name] = value
        return found

    def _is_active(self, name: str, values: Mapping[str, Any]) -> bool:
        """Whether the hyperparameter means something beside these values, and the base's for what they leave out."""
        return applies(name, {**vars(self.base), **values})

    def at(self, point: Sequence[float]) -> Recipe:
        """The recipe at a point of the unit cube, one coordinate an axis; those of inactive axes are passed over."""
        positions = dict(zip(self.axes, point, strict=True))
        return self.build(lambda key, axis: axis.at(positions[key]))

    def cells(self) -> Iterator[Recipe]:
        """Every different combination, the last dimension fastest.

        Raises:
            ConfigError: a dimension is an interval, which has no finite set of values.
        """
        endless = {name: d for name, d in self.dimensions.items() if not isinstance(d, Choice)}
        if endless:
            raise ConfigError("\n".join(f"{name} = {dimension}: a grid needs values; write a list or {_grid_of(dimension)}"
                                        for name, dimension in endless.items()))
        yield from self._combinations(self.order, {})

    def _combinations(self, names: Sequence[str], changes: dict[str, Any]) -> Iterator[Recipe]:
        if not names:
            yield self.base.replace(**changes)
        elif not self._is_active(names[0], changes):
            yield from self._combinations(names[1:], changes)
        else:
            for value in self.dimensions[names[0]].extremes:
                yield from self._combinations(names[1:], changes | {names[0]: value})

    def also(self, more: Mapping[str, Dimension]) -> Space:
        """With more dimensions, or others in the place of some."""
        return Space(self.base, {**self.dimensions, **more}, _without(self.notes, more))

    def without(self, names: Collection[str]) -> Space:
        """Without these dimensions."""
        return Space(self.base, _without(self.dimensions, names), _without(self.notes, names))


def _without(table: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in table.items() if name not in names}


def _text(value: Any) -> str:
    """A value as it is written in a SPEC: exactly, and shortly where that is the same."""
    return shown(value) if isinstance(value, float) and float(shown(value)) == value else as_text(value)


def _grid_of(dimension: Dimension) -> str:
    """The SPEC of five values of an interval."""
    ends, _, kinds = str(dimension).removeprefix("off|").partition(":")
    return f"grid({ends},5)" + (f":{kinds}" if kinds else "")


MOST_GRID_VALUES = 1000
_NUMBER = r"[-+0-9.eE]+?"
_INTERVAL = re.compile(rf"^({_NUMBER})\.\.({_NUMBER})(?::([a-z,]+))?$")
_GRID = re.compile(rf"^grid\(({_NUMBER})\.\.({_NUMBER}),\s*(\d+)\)(?::([a-z,]+))?$")
_FORMS = "LOW..HIGH, LOW..HIGH:log, LOW..HIGH:int, off|LOW..HIGH, A,B,C or grid(LOW..HIGH,COUNT)"


def parse_space(specs: Mapping[str, str], base: Recipe, option: str = "--search") -> Space:
    """The space written as {hyperparameter: SPEC}, as given to `option`.

    Raises:
        ConfigError: every unknown name, every SPEC that is not one or leaves the hyperparameter's range, and every
            hyperparameter that would mean nothing anywhere in the space.
    """
    dimensions: dict[str, Dimension] = {}
    found = []
    for name, spec in specs.items():
        try:
            dimensions[name] = parse_dimension(name, spec, base, option)
        except ConfigError as error:
            found.extend(str(error).splitlines())
    found.extend(f"{option} {name}={specs[name]}: {problem}" for name in dimensions
                 if (problem := _meaningless(name, specs, dimensions, base)))
    if found:
        raise ConfigError("\n".join(found))
    return Space(base, dimensions)


def _meaningless(name: str, specs: Mapping[str, str], dimensions: Mapping[str, Dimension], base: Recipe) -> str:
    """Why the hyperparameter means nothing anywhere in the space; empty where it does mean something."""
    if name not in CONDITIONS:
        return ""
    other, wanted = CONDITIONS[name]
    there = dimensions.get(other)
    if (wanted in there.extremes if there else other in specs or getattr(base, other) is wanted):
        return ""
    word = as_text(wanted)
    return f"means something only where {other} is {word}; add --set {other}={word}, or search {other} with {word} among others"


def parse_dimension(name: str, spec: str, base: Recipe, option: str = "--search") -> Dimension:
    """One SPEC as a dimension of the hyperparameter `name`.

    Raises:
        ConfigError: see `parse_space`.
    """
    said = f"{option} {name}={spec}"
    if name not in FIELDS:
        raise ConfigError(f"{said}: no such hyperparameter.{nearest(name, FIELDS)}")
    try:
        dimension = _parse(spec.strip(), name)
    except ValueError as error:
        raise ConfigError(f"{said}: {error}") from None
    for value in dimension.extremes:
        try:
            base.replace(**{name: value})
        except ConfigError as error:
            raise ConfigError(f"{said}: {error}") from None
    return dimension


def _parse(spec: str, name: str) -> Dimension:
    kind = field_types(Recipe)[name]
    if typing.get_origin(kind) in (dict, tuple):
        return Choice(_distinct(convert(kind, part.strip()) for part in spec.split(";")))
    switch, bar, rest = spec.partition("|")
    if bar:
        return _switched(switch.strip(), rest.strip(), name)
    if match := _GRID.match(spec):
        return _grid(_interval(match[1], match[2], match[4], _number_kind(name)), int(match[3]))
    if match := _INTERVAL.match(spec):
        return _interval(match[1], match[2], match[3], _number_kind(name))
    if ".." in spec or "(" in spec:
        raise ValueError(f"not a range; write {_FORMS}")
    values = [convert(kind, part.strip()) for part in spec.split(",") if part.strip()]
    if not values:
        raise ValueError(f"no values; write {_FORMS}")
    return Choice(_distinct(values))


def _number_kind(name: str) -> type:
    """int or float.

    Raises:
        ValueError: the hyperparameter has words alone.
    """
    kind, _ = optional(field_types(Recipe)[name])
    if typing.get_origin(kind) is Annotated:
        (kind,) = [part for part in typing.get_args(typing.get_args(kind)[0]) if part is not str]
    if kind not in (int, float):
        raise ValueError(f"{name} is not a number, so it has no range; write its values with commas between them")
    return kind  # type: ignore[no-any-return]  # one of the two


def _distinct(values: Iterable[Any]) -> tuple[Any, ...]:
    """Each value once. They may be tables, which cannot be hashed."""
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return tuple(found)


def _switched(switch: str, spec: str, name: str) -> Switched:
    match, limits = _INTERVAL.match(spec), FIELDS[name].metadata["limits"]
    if switch != "off" or not match:
        raise ValueError("not a switch and a range; write off|LOW..HIGH or off|LOW..HIGH:log")
    interval = _interval(match[1], match[2], match[3], _number_kind(name))
    if not limits.admits(0):
        raise ValueError(f"off means 0, but {name} must be {limits}; write {spec}")
    if interval.low <= 0:
        raise ValueError(f"off means 0, so the range after it must lie above 0; raise {interval.low:g}, or leave out off|")
    return Switched(interval)


def _grid(interval: Interval, count: int) -> Choice:
    if count > MOST_GRID_VALUES:
        raise ValueError(f"a grid has at most {MOST_GRID_VALUES} values; ask for fewer than {count}")
    if count < 2:
        raise ValueError("a grid needs at least 2 values; write grid(LOW..HIGH,COUNT) with a COUNT of 2 or more")
    exact = [float(f"{interval.scaled(interval.low, interval.high, i / (count - 1)):.6g}") for i in range(count)]
    exact[0], exact[-1] = interval.low, interval.high
    return Choice(_distinct(round(v) if interval.integer else v for v in exact))


def _interval(low_text: str, high_text: str, kinds: str | None, kind: type) -> Interval:
    marks = set((kinds or "").split(",")) - {""}
    if marks - {"log", "int"}:
        raise ValueError(f"':{kinds}' is not a scale; use :log, :int or :int,log")
    try:
        low, high = float(low_text) + 0.0, float(high_text) + 0.0  # minus zero is zero
    except ValueError:
        raise ValueError("the ends of a range must be numbers; write LOW..HIGH, such as 0.1..0.3") from None
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError("the ends of a range must be finite; write smaller numbers")
    if not low < high:
        raise ValueError(f"the lower end {low:g} must be below the upper end {high:g}; write the smaller number first")
    if "log" in marks and low <= 0:
        raise ValueError("a :log range must lie above 0; raise its lower end, or write off|LOW..HIGH:log to try 0 too")
    integer = kind is int or "int" in marks
    if integer and (low != int(low) or high != int(high)):
        raise ValueError("the ends of a range of whole numbers must be whole numbers")
    return Interval(low, high, log="log" in marks, integer=integer)
