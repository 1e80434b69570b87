"""Trial 0 is always the default recipe: what every other is held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from luthier.recipes.recipe import Recipe
from luthier.search.samplers.base import Sampler, Suggestion
from luthier.search.study import Observation


@dataclass(frozen=True)
class DefaultFirst:
    """The default recipe as trial 0, then whatever `others` suggests."""

    default: Recipe
    others: Sampler

    def suggest(self, observations: Sequence[Observation], number: int) -> Suggestion:
        """The default for number 0."""
        if number == 0:
            return Suggestion(self.default, "default")
        return self.others.suggest(observations, number)
