"""Every cell of a finite space, in order.

There is no default recipe besides: a cell that equals it takes its role, and a grid without such a cell has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from luthier.recipes.space import Space
from luthier.search.samplers.base import Suggestion
from luthier.search.study import DEFAULT, Observation


@dataclass(frozen=True)
class GridSampler:
    """Recipe n is cell n, and begins again after the last. The base of `space` is the default recipe."""

    space: Space

    def suggest(self, observations: Sequence[Observation], number: int) -> Suggestion:
        """The next cell."""
        cells = list(self.space.cells())
        cell = cells[number % len(cells)]
        return Suggestion(cell, DEFAULT if cell == self.space.base else "grid")
