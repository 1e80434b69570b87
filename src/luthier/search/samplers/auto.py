"""What Luthier does when nothing else is asked: presets, wide and cheap trials, the best of these promoted, then TPE.

Wide and cheap: an even cover of the space, but with all blocks frozen save the last, whose trials share what the frozen blocks
make of the rows and learn fast. A few of the best are promoted: the same recipe with no block frozen, at a lower rate, as a new
trial. Where freezing is not searched, the cover is of the space as it is. Measured on recorded curves (benchmarks/policies.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from luthier.recipes.presets import Preset
from luthier.recipes.recipe import Recipe
from luthier.recipes.space import Interval, Space
from luthier.search.samplers.base import AGAIN, Suggestion
from luthier.search.samplers.quasi_random import QuasiRandomSampler
from luthier.search.samplers.tpe import TpeSampler
from luthier.search.study import Observation

COVER_TRIALS, WIDE_TRIALS, PROMOTED_TRIALS = 4, 12, 4
PROMOTED_RATE = 0.5
"""What the learning rate of a promoted recipe is multiplied by: more blocks are trained, and lower ones want less."""


@dataclass(frozen=True)
class AutoSampler:
    """`presets`, then wide and cheap trials, then the best of these promoted, then TPE.

    Args:
        first: the number of the first recipe that it is asked for.
    """

    space: Space
    seed: int
    presets: tuple[Preset, ...] = ()
    first: int = 0

    def suggest(self, observations: Sequence[Observation], number: int) -> Suggestion:
        """The next of the part that `number` falls into; asked again for the same, the next best to promote, or what TPE says."""
        again, own = divmod(number, AGAIN)
        position, deepest = own - self.first, self._deepest()
        if not again and position < len(self.presets):
            preset = self.presets[position]
            return Suggestion(preset.recipe, f"preset {preset.name}")
        position -= len(self.presets)
        cover = WIDE_TRIALS if deepest else COVER_TRIALS
        if not again and position < cover:
            point = QuasiRandomSampler(self.space, self.seed, self.first + len(self.presets)).suggest(observations, number)
            return Suggestion(point.recipe.replace(frozen_layers=deepest), "wide") if deepest else point
        promoted = self._promoted(observations, deepest) if deepest and 0 <= position - cover < PROMOTED_TRIALS else []
        return promoted[again] if again < len(promoted) else TpeSampler(self.space, self.seed).suggest(observations, number)

    def _deepest(self) -> int:
        """The blocks to freeze where all but one are, or all but one of those that the space would freeze; 0: it says nothing."""
        frozen = self.space.dimensions.get("frozen_layers")
        return int(frozen.high) - 1 if isinstance(frozen, Interval) and frozen.low == 0 and frozen.high > 1 else 0

    def _promoted(self, observations: Sequence[Observation], deepest: int) -> list[Suggestion]:
        """The cheap recipes that have not been promoted, the best first, with no block frozen, and slower if that is searched."""
        wide = self.first + len(self.presets)
        cheap = [seen for seen in observations
                 if seen.value is not None and seen.recipe.frozen_layers == deepest and seen.number >= wide]
        cheap.sort(key=lambda seen: (-(seen.value or 0.0), seen.number))
        rate, tried = self.space.dimensions.get("learning_rate"), [_at_one_length(seen.recipe) for seen in observations]
        found = []
        for seen in cheap:
            recipe = seen.recipe.replace(frozen_layers=0)
            if isinstance(rate, Interval):
                recipe = recipe.replace(learning_rate=max(rate.low, recipe.learning_rate * PROMOTED_RATE))
            if _at_one_length(recipe) not in tried:
                found.append(Suggestion(recipe, "promoted"))
        return found


def _at_one_length(recipe: Recipe) -> Recipe:
    """A recipe without what is set by how long it is trained, see `EqualWork`."""
    return recipe.replace(epochs=1.0, warmup_steps=1)
