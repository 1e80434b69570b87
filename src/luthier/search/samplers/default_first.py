"""The default recipe comes first: it is what every other is held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from luthier.recipes.recipe import Recipe
from luthier.search.samplers.base import Sampler, Suggestion
from luthier.search.study import DEFAULT, Observation


@dataclass(frozen=True)
class DefaultFirst:
    """The default recipe as number 0, then whatever `others` suggests."""

    default: Recipe
    others: Sampler

    def suggest(self, observations: Sequence[Observation], number: int) -> Suggestion:
        """The default for number 0."""
        if number == 0:
            return Suggestion(self.default, DEFAULT)
        return self.others.suggest(observations, number)
