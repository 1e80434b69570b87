"""Epochs are the resource of a search, not a dimension: every recipe gets the epochs that one full run's work buys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from luthier.recipes.recipe import Recipe, steps_per_epoch
from luthier.search.samplers.base import Sampler, Suggestion
from luthier.search.study import Observation
from luthier.sharing.work import Shape, steps_for

WARMUP_SHARE = 0.04
"""Warmup over the steps of a full run; the first rung is at a ninth or a third of it."""


@dataclass(frozen=True)
class EqualWork:
    """What `others` suggests, its `epochs` set so that a full run costs `work` (see sharing/work.py).

    Unless `keep_warmup`, warmup is set to a share of that run too: in steps of their own, large batches would meet their
    first rung still warming up.
    """

    others: Sampler
    shape: Shape
    work: float
    keep_warmup: bool = False

    def suggest(self, observations: Sequence[Observation], number: int) -> Suggestion:
        """The suggestion of `others`, with its epochs."""
        suggestion = self.others.suggest(observations, number)
        return Suggestion(with_epochs(suggestion.recipe, self.shape, self.work, self.keep_warmup), suggestion.role)


def with_epochs(recipe: Recipe, shape: Shape, work: float, keep_warmup: bool = False) -> Recipe:
    """The recipe with the epochs that `work` buys, and a warmup that suits them; see `EqualWork`."""
    steps = steps_for(work, recipe, shape)
    per_epoch = steps_per_epoch(shape.rows(recipe), recipe.batch_size)
    warmup = recipe.warmup_steps if keep_warmup else max(1, round(WARMUP_SHARE * steps))
    return recipe.replace(epochs=steps / per_epoch, warmup_steps=warmup)
