"""Epochs are the resource of a search, not a dimension: every recipe gets the epochs that one full run's work buys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from luthier.recipes.recipe import steps_per_epoch
from luthier.search.samplers.base import Sampler, Suggestion
from luthier.search.study import Observation
from luthier.sharing.work import Shape, steps_for


@dataclass(frozen=True)
class EqualWork:
    """What `others` suggests, its `epochs` set so that a full run costs `work` (see sharing/work.py)."""

    others: Sampler
    shape: Shape
    work: float

    def suggest(self, observations: Sequence[Observation], number: int) -> Suggestion:
        """The suggestion of `others`, with its epochs."""
        suggestion = self.others.suggest(observations, number)
        steps = steps_for(self.work, suggestion.recipe, self.shape)
        per_epoch = steps_per_epoch(self.shape.rows, suggestion.recipe.batch_size)
        return Suggestion(suggestion.recipe.replace(epochs=steps / per_epoch), suggestion.role)
