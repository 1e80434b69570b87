"""What Luthier does when nothing else is asked: presets first, then an even cover of the space, then TPE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from luthier.recipes.presets import Preset
from luthier.recipes.space import Space
from luthier.search.samplers.base import Suggestion
from luthier.search.samplers.quasi_random import QuasiRandomSampler
from luthier.search.samplers.tpe import TpeSampler
from luthier.search.study import Observation

QUASI_RANDOM_TRIALS = 4


@dataclass(frozen=True)
class AutoSampler:
    """`presets`, then a block of quasi-random trials, then TPE."""

    space: Space
    seed: int
    presets: tuple[Preset, ...] = ()
    first: int = 0

    def suggest(self, observations: Sequence[Observation], number: int) -> Suggestion:
        """The next of the part that `number` falls into."""
        position = number - self.first
        if position < len(self.presets):
            preset = self.presets[position]
            return Suggestion(preset.recipe, f"preset {preset.name}")
        start = self.first + len(self.presets)
        if number < start + QUASI_RANDOM_TRIALS:
            return QuasiRandomSampler(self.space, self.seed, start).suggest(observations, number)
        return TpeSampler(self.space, self.seed).suggest(observations, number)
