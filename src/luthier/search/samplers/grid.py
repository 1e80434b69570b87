"""Every cell of a finite space, in order.

There is no default recipe besides: a cell that equals it takes its role, and a grid without such a cell has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from luthier.recipes.recipe import Recipe
from luthier.recipes.space import Space
from luthier.search.samplers.base import Suggestion
from luthier.search.study import DEFAULT, Observation


@dataclass(frozen=True)
class GridSampler:
    """Recipe n is cell n, and begins again after the last. The base of `space` is the default recipe."""

    space: Space

    @cached_property
    def _cells(self) -> tuple[Recipe, ...]:
        return tuple(self.space.cells())

    def suggest(self, observations: Sequence[Observation], number: int) -> Suggestion:
        """The next cell."""
        cell = self._cells[number % len(self._cells)]
        return Suggestion(cell, DEFAULT if cell == self.space.base else "grid")
