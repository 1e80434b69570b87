"""`Sampler`: suggests what to try next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from luthier.recipes.recipe import Recipe
from luthier.search.study import Observation

AGAIN = 1_000_000
"""What is added to the number of a recipe each time it is asked for again, the last suggestion having been run before."""


@dataclass(frozen=True)
class Suggestion:
    """A recipe to try, and where it comes from ("default", "preset top-half", "quasi-random", "tpe", …)."""

    recipe: Recipe
    role: str


class Sampler(Protocol):
    """Suggests recipes. The same observations and number give the same suggestion."""

    def suggest(self, observations: Sequence[Observation], number: int) -> Suggestion:
        """Recipe `number` of the study, counted from 0, given what is known of the others.

        Asked once a recipe, however many seeds it is trained on.
        """
