"""Points that cover a space evenly: SciPy's scrambled Sobol sequence."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from luthier.recipes.space import Space
from luthier.search.samplers.base import Suggestion
from luthier.search.study import Observation


@dataclass(frozen=True)
class QuasiRandomSampler:
    """Recipe n is point n - `first` of the sequence, one coordinate an axis of the space."""

    space: Space
    seed: int
    first: int = 0

    def suggest(self, observations: Sequence[Observation], number: int) -> Suggestion:
        """The next point of the sequence."""
        from scipy.stats import qmc

        sequence = qmc.Sobol(len(self.space.axes), scramble=True, rng=self.seed)
        if number > self.first:
            sequence.fast_forward(number - self.first)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # balance needs powers of two; single points are wanted here
            (point,) = sequence.random(1)
        return Suggestion(self.space.at(point.tolist()), "quasi-random")
