"""Uniform random points of a space: the control that any cleverer sampler is held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from luthier.recipes.space import Space
from luthier.search.samplers.base import Suggestion
from luthier.search.study import Observation


@dataclass(frozen=True)
class RandomSampler:
    """Independent uniform points, seeded by (seed, number)."""

    space: Space
    seed: int

    def suggest(self, observations: Sequence[Observation], number: int) -> Suggestion:
        """A random point of the space."""
        point = np.random.default_rng([self.seed, number]).random(len(self.space.axes))
        return Suggestion(self.space.at(point.tolist()), "random")
