"""Full runs: every trial in one stage to its end."""

from __future__ import annotations

from simulated import BASE, SHAPE, add_trial, new_study, play

from luthier.recipes.trial import TrialState
from luthier.search.schedulers import Ask, FullRuns, Run


def test_full_runs_take_one_stage_a_trial() -> None:
    study = new_study()
    recipes = [BASE, BASE.replace(schedule="linear"), BASE.replace(frozen_layers=6, epochs=27)]
    played = play(FullRuns(3), study, recipes, lambda recipe, step: 0.1)
    assert played.stages == [(0, 0, 90), (1, 0, 90), (2, 0, 270)]
    assert {record.state for record in study.records.values()} == {TrialState.COMPLETE}
    assert played.stopped() == []


def test_full_runs_take_up_a_trial_that_was_cut_short() -> None:
    study = new_study()
    add_trial(study, BASE, 0.5, 17)
    assert FullRuns(4).next(study) == Run(0, BASE.total_steps(SHAPE.rows(BASE)))
    add_trial(new_study(), BASE, 0.5, 90)
    assert FullRuns(4).next(new_study()) == Ask()
