"""Every cell of a finite space, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from luthier.recipes.space import Space
from luthier.search.samplers.base import Suggestion
from luthier.search.study import Observation


@dataclass(frozen=True)
class GridSampler:
    """Trial n is cell n - `first`."""

    space: Space
    first: int = 0

    def suggest(self, observations: Sequence[Observation], number: int) -> Suggestion:
        """The next cell."""
        cells = list(self.space.cells())
        return Suggestion(cells[(number - self.first) % len(cells)], "grid")
