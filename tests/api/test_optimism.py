"""What the search's own figure is worth, from its trials."""

from __future__ import annotations

import numpy as np

from luthier.api.optimism import search_optimism
from luthier.recipes.recipe import Recipe
from luthier.recipes.seeds import Seeds
from luthier.recipes.trial import Point, StageResult, Trial
from luthier.search.events import result_event, trial_event
from luthier.search.honest import optimism
from luthier.search.study import Study
from luthier.sharing.work import Shape, step_work
from luthier.tasks.metrics import Score

RECIPE = Recipe(schedule="constant", batch_size=16, epochs=9.0)  # type: ignore[arg-type]
LEVELS = tuple(step_work(RECIPE, Shape(np.full(160, 20), 6)) * steps for steps in (10, 30, 90))


def test_what_a_search_overstates_is_told_by_recipes_at_the_same_rung() -> None:
    """Else what more training brings would pass for how far recipes are apart, and no luck would be seen in the best."""
    study = Study(0, "macro_f1", Shape(np.full(160, 20), 6), LEVELS)
    apart = (0.70, 0.72, 0.71, 0.73)
    for number, value in enumerate((*apart, 0.3, 0.31, 0.29, 0.3)):
        trial = Trial(number, RECIPE, 0, "tpe" if number else "default", Seeds.all(0))
        step = 90 if number < len(apart) else 10
        seen = Point(step, 1.0, 1.0, 0.0, "rung", "raw", {"macro_f1": value})
        study.apply(trial_event(trial))
        study.apply(result_event(StageResult(number, step, (seen,))))
    found = search_optimism(study, 3, Score(0.72, 0.70, 0.74, 0.01), [], 100, 100)
    assert found == optimism(apart, 3, 0.01, 0.0, tried=8)
    assert found.expected > optimism(apart, 3, 0.01).expected > 0, "it is the best of eight, by figures of the same noise"
    assert found.shrunk.value < 0.725
