"""What to search: named dimensions, each a set of values that a hyperparameter may take.

A dimension is written as a SPEC:

    1e-5..1e-3:log          an interval, uniform in the logarithm
    0..0.3                  an interval, uniform
    4..32:int               whole numbers (`4..32:int,log` for both)
    0,3,6                   these values
    grid(1e-5..1e-3,7):log  seven values, spaced evenly (here in the logarithm)
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from luthier.config import convert, field_types, shown
from luthier.errors import ConfigError, nearest
from luthier.recipes.recipe import Recipe


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
            return min(int(self.high), max(int(self.low), round(self._scaled(low, high, position))))
        return min(self.high, max(self.low, self._scaled(self.low, self.high, position)))

    def _scaled(self, low: float, high: float, position: float) -> float:
        if self.log:
            return math.exp(math.log(low) + position * (math.log(high) - math.log(low)))
        return low + position * (high - low)

    def __str__(self) -> str:
        kinds = ",".join(name for name, on in (("int", self.integer), ("log", self.log)) if on)
        return f"{self.low:g}..{self.high:g}" + (f":{kinds}" if kinds else "")


@dataclass(frozen=True)
class Choice:
    """One of a few values."""

    values: tuple[Any, ...]

    def at(self, position: float) -> Any:
        """The value at `position` in [0, 1)."""
        return self.values[min(int(position * len(self.values)), len(self.values) - 1)]

    def __str__(self) -> str:
        return ",".join(shown(value) for value in self.values)


Dimension = Interval | Choice


@dataclass(frozen=True)
class Space:
    """The recipes reachable from `base` by changing the named dimensions."""

    base: Recipe
    dimensions: Mapping[str, Dimension]

    def at(self, point: Sequence[float]) -> Recipe:
        """The recipe at a point of the unit cube, one coordinate a dimension in order."""
        values = {name: dimension.at(x) for (name, dimension), x in zip(self.dimensions.items(), point, strict=True)}
        return self.base.replace(**values)

    def cells(self) -> Iterator[Recipe]:
        """Every combination, the last dimension fastest.

        Raises:
            ConfigError: a dimension is an interval, which has no finite set of values.
        """
        endless = [name for name, dimension in self.dimensions.items() if isinstance(dimension, Interval)]
        if endless:
            raise ConfigError("\n".join(
                f"{name} = {self.dimensions[name]}: a grid needs values; write a list or {_grid_of(self.dimensions[name])}"
                for name in endless))
        axes = [dimension.values for dimension in self.dimensions.values() if isinstance(dimension, Choice)]
        for combination in itertools.product(*axes):
            yield self.base.replace(**dict(zip(self.dimensions, combination, strict=True)))




def _grid_of(dimension: Dimension) -> str:
    """The SPEC of five values of an interval."""
    ends, _, kinds = str(dimension).partition(":")
    return f"grid({ends},5)" + (f":{kinds}" if kinds else "")


MOST_GRID_VALUES = 1000
_NUMBER = r"[-+0-9.eE]+?"
_INTERVAL = re.compile(rf"^({_NUMBER})\.\.({_NUMBER})(?::([a-z,]+))?$")
_GRID = re.compile(rf"^grid\(({_NUMBER})\.\.({_NUMBER}),\s*(\d+)\)(?::([a-z,]+))?$")


def parse_space(specs: Mapping[str, str], base: Recipe) -> Space:
    """The space written as {hyperparameter: SPEC}.

    Raises:
        ConfigError: every unknown name and every SPEC that is not one or leaves the hyperparameter's range.
    """
    dimensions: dict[str, Dimension] = {}
    found = []
    for name, spec in specs.items():
        try:
            dimensions[name] = parse_dimension(name, spec, base)
        except ConfigError as error:
            found.extend(str(error).splitlines())
    if found:
        raise ConfigError("\n".join(found))
    return Space(base, dimensions)


def parse_dimension(name: str, spec: str, base: Recipe) -> Dimension:
    """One SPEC as a dimension of the hyperparameter `name`.

    Raises:
        ConfigError: see `parse_space`.
    """
    kinds = field_types(Recipe)
    if name not in kinds:
        raise ConfigError(f"--search {name}={spec}: no such hyperparameter.{nearest(name, kinds)}")
    whole = kinds[name] is int
    try:
        dimension = _parse(spec.strip(), whole, kinds[name])
    except ValueError as error:
        raise ConfigError(f"--search {name}={spec}: {error}") from None
    ends = (dimension.at(0.0), dimension.at(1.0)) if isinstance(dimension, Interval) else dimension.values
    for value in ends:
        try:
            base.replace(**{name: value})
        except ConfigError as error:
            raise ConfigError(f"--search {name}={spec}: {error}") from None
    return dimension


def _parse(spec: str, whole: bool, kind: Any) -> Dimension:
    if match := _GRID.match(spec):
        if int(match[3]) > MOST_GRID_VALUES:
            raise ValueError(f"a grid has at most {MOST_GRID_VALUES} values")
        interval = _interval(match[1], match[2], match[4], whole)
        count = int(match[3])
        if count < 2:
            raise ValueError("a grid needs at least 2 values")
        values = [interval._scaled(interval.low, interval.high, i / (count - 1)) for i in range(count)]
        exact = [float(f"{value:.6g}") for value in values]
        return Choice(tuple(dict.fromkeys(round(v) if interval.integer else v for v in exact)))
    if match := _INTERVAL.match(spec):
        return _interval(match[1], match[2], match[3], whole)
    if ".." in spec or "(" in spec:
        raise ValueError("not a range; write LOW..HIGH, LOW..HIGH:log, LOW..HIGH:int, A,B,C or grid(LOW..HIGH,COUNT)")
    values = [convert(kind, part.strip()) for part in spec.split(",") if part.strip()]
    if not values:
        raise ValueError("no values")
    return Choice(tuple(dict.fromkeys(values)))


def _interval(low_text: str, high_text: str, kinds: str | None, whole: bool) -> Interval:
    marks = set((kinds or "").split(",")) - {""}
    if marks - {"log", "int"}:
        raise ValueError(f"':{kinds}' is not a scale; use :log, :int or :int,log")
    try:
        low, high = float(low_text), float(high_text)
    except ValueError:
        raise ValueError("the ends of a range must be numbers") from None
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError("the ends of a range must be finite")
    if not low < high:
        raise ValueError(f"the lower end {low:g} must be below the upper end {high:g}")
    if "log" in marks and low <= 0:
        raise ValueError("a :log range must lie above 0")
    integer = whole or "int" in marks
    if integer and (low != int(low) or high != int(high)):
        raise ValueError("the ends of a range of whole numbers must be whole numbers")
    return Interval(low, high, log="log" in marks, integer=integer)
