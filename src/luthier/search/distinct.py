"""No recipe twice: where a sampler suggests one that the study has run, it is asked again."""

from __future__ import annotations

from itertools import chain

from luthier.search.samplers.base import AGAIN, Sampler, Suggestion
from luthier.search.study import Study

TRIES, DRAWS = 8, 1000
"""How often the sampler is asked again, and then how often the fallback; a cell that one draw in 200 hits is missed by all
of them once in 150 studies."""


def suggest(study: Study, sampler: Sampler, fallback: Sampler | None) -> Suggestion | None:
    """The next recipe of a study: what `sampler` suggests, or, where that has been run, something else.

    A recipe that failed counts as run: it would fail again. What is compared is what would really be run, since samplers give
    whole recipes with the epochs that they get.

    Args:
        fallback: draws random points of the space when the sampler knows nothing new; None: recipes are run again.

    Returns:
        None where the fallback knows nothing new either: then the space has been tried whole.
    """
    number, _ = study.next_trial()
    seen, run = study.observations(), {replicates[0].trial.recipe.hash for replicates in study.recipes()}
    first = sampler.suggest(seen, number)
    if fallback is None or first.recipe.hash not in run:
        return first
    others = chain((sampler.suggest(seen, number + turn * AGAIN) for turn in range(1, TRIES + 1)),
                   (fallback.suggest(seen, number + turn * AGAIN) for turn in range(1, DRAWS + 1)))
    return next((other for other in others if other.recipe.hash not in run), None)
