"""The finals as they are scored: what is known of each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from luthier.api.scoring import Final
from luthier.recipes.recipe import Recipe, Schedule
from luthier.recipes.seeds import Seeds
from luthier.recipes.trial import StageResult, Trial
from luthier.search.events import result_event, trial_event
from luthier.search.study import DEFAULT, FINAL, SHORTENED, Study
from luthier.sharing.work import Shape

CONSTANT = Recipe(schedule="constant", batch_size=1, epochs=8)
DECAYED = CONSTANT.replace(schedule=Schedule.WARMUP_STABLE_DECAY, decay_share=0.2)


@pytest.mark.parametrize(("role", "recipe", "epochs", "shortened"), [
    (DEFAULT, CONSTANT, 10, False), ("tpe", CONSTANT, 5, True), (SHORTENED, CONSTANT, 10, True), ("trained", DECAYED, 8, False)])
def test_epochs_were_chosen_where_a_final_branched_off_before_the_end(
        role: str, recipe: Recipe, epochs: int, shortened: bool) -> None:
    """Eight epochs of a hundred steps, and a final of so many epochs with a decay in its last fifth."""
    study = Study(0, "accuracy", Shape(np.full(100, 4), 2), (1.0,))
    study.apply(trial_event(Trial(0, recipe, 0, role, Seeds.all(0))))
    study.apply(result_event(StageResult(0, 800)))
    study.apply(trial_event(Trial(1, DECAYED.replace(epochs=epochs), 0, FINAL, Seeds.all(0), parent=0)))
    assert Final(study.records[1], Path("model-1"), np.ones((1, 2))).is_shortened(study) == shortened
