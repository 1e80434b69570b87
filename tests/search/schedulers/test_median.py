"""The median rule: what is below the median of its rung stops, once enough others are there to tell."""

from __future__ import annotations

import pytest
from simulated import BASE, add_trial, new_study, peak_at_3e4, play

from luthier.recipes.trial import Stage, TrialState
from luthier.search.events import stage_event
from luthier.search.schedulers import Ask, MedianScheduler, Run, Stop, Wait
from luthier.search.schedulers.median import ENOUGH_OTHERS
from luthier.search.study import Study

OTHER = BASE.replace(dropout=0.2)
DONE = (0.4, 0.5, 0.6, 0.7)
"""With the default's 0.5, five that are beyond the first rung."""


def _study(*paused: float, done: tuple[float, ...] = DONE) -> Study:
    """A default at 0.5 and others that have run to their end, and some that are paused at the first rung."""
    study = new_study()
    for value in (0.5, *done):
        add_trial(study, BASE, value, 10)
        number = len(study.records) - 1
        study.records[number].state, study.records[number].target = TrialState.COMPLETE, 90
    for value in paused:
        add_trial(study, OTHER, value, 10)
    return study


@pytest.mark.parametrize(("value", "goes_on"), [(0.49, False), (0.5, True), (0.51, True)])
def test_median_stops_what_is_below_the_median_of_all_that_are_there(value: float, goes_on: bool) -> None:
    """Of 0.4, 0.5, 0.5, 0.6, 0.7 and its own."""
    action = MedianScheduler(9).next(_study(value, done=(0.4, 0.5, 0.5, 0.5)))
    assert action == (Run(5, 30) if goes_on else Stop(5, "0.490 after 10 steps, below the median 0.500 of 6"))


def test_median_lets_the_first_few_go_on() -> None:
    assert len(DONE) + 1 == ENOUGH_OTHERS
    assert MedianScheduler(9).next(_study(0.1, done=DONE[:-1])) == Run(4, 30)
    assert isinstance(MedianScheduler(9).next(_study(0.1)), Stop)


def test_median_finishes_even_a_default_that_is_the_worst() -> None:
    study = new_study()
    play(MedianScheduler(12), study, [BASE, *[OTHER] * 11], lambda recipe, step: 0.1 if recipe == BASE else 0.9)
    assert study.records[0].state is TrialState.COMPLETE


def test_median_lets_a_trial_with_a_horizon_run_and_never_compares_it() -> None:
    study = _study(0.45, done=(0.4, 0.4, 0.4, 0.4))
    for _ in range(4):
        add_trial(study, OTHER.replace(schedule="linear"), 0.99, 90)
    assert MedianScheduler(12).next(study) == Run(5, 30)
    played = play(MedianScheduler(2), new_study(), [BASE, OTHER.replace(schedule="linear")])
    assert played.stages_of(1) == [(0, 90)]


def test_median_judges_a_recipe_on_two_seeds_by_its_mean_once_both_are_there() -> None:
    study = new_study(repeats=2)
    for value in (0.5, 0.5, 0.4, 0.4, 0.5, 0.5, 0.6, 0.6, 0.7, 0.7):
        number = add_trial(study, BASE, value, 10)
        study.records[number].state, study.records[number].target = TrialState.COMPLETE, 90
    add_trial(study, OTHER, 0.9, 10)
    assert MedianScheduler(9).next(study) == Ask()
    add_trial(study, OTHER, 0.2, 10)
    assert MedianScheduler(9).next(study) == Run(10, 30)
    study.apply(stage_event(Stage(study.records[10].trial, 10, 30, 90)))
    for _ in range(8):
        number = add_trial(study, BASE, 0.8, 10)
        study.records[number].state, study.records[number].target = TrialState.COMPLETE, 90
    assert MedianScheduler(9).next(study) == Run(11, 30), "the second follows the first"
    study.apply(stage_event(Stage(study.records[11].trial, 10, 30, 90)))
    assert MedianScheduler(9).next(study) == Wait()


def test_median_finds_the_best_at_a_part_of_the_work() -> None:
    recipes = [BASE, *(BASE.replace(learning_rate=10 ** (-5 + i * 7 % 27 / 10)) for i in range(27))]
    study = new_study()
    played = play(MedianScheduler(28), study, recipes, peak_at_3e4)
    assert study.ranked()[0].trial.recipe.learning_rate == pytest.approx(3e-4, rel=0.12)
    assert sum(until - start for _, start, until in played.stages) < 0.75 * 28 * 90
