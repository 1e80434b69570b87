"""The contract of every scheduler: it comes to an end, and no trial ever goes backwards, twice, or one too many."""

from __future__ import annotations

import copy
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated import BASE, SHAPE, new_study, play

from luthier.recipes.recipe import Recipe
from luthier.recipes.trial import TrialState
from luthier.search.schedulers import Action, AshaScheduler, Ask, Done, FullRuns, MedianScheduler, Scheduler, TopKScheduler
from luthier.search.schedulers.top_k import first_epoch
from luthier.search.study import FAILURES_IN_A_ROW, Study

SCHEDULERS: dict[str, Callable[[int | None], Scheduler]] = {
    "auto": AshaScheduler.generous, "asha": AshaScheduler, "median": MedianScheduler, "full": FullRuns, "top-k": TopKScheduler}
RECIPES = st.lists(
    st.builds(BASE.replace, learning_rate=st.floats(1e-5, 1e-2), batch_size=st.sampled_from([8, 16, 64]),
              frozen_layers=st.integers(0, 6), epochs=st.floats(0.1, 12),
              schedule=st.sampled_from(["constant", "constant", "constant", "linear"])), min_size=1, max_size=20)
LEVELS = st.sampled_from([3, 2, 1])


@pytest.mark.parametrize("name", SCHEDULERS)
@settings(max_examples=60, deadline=None)
@given(recipes=RECIPES, trials=st.integers(1, 20), slots=st.integers(1, 4), order=st.integers(0, 100), rungs=LEVELS,
       failing=st.sets(st.tuples(st.integers(0, 20), st.integers(1, 3)), max_size=10), noise=st.integers(0, 3),
       repeats=st.integers(1, 3))
def test_a_scheduler_ends_and_no_trial_goes_backwards(
        name: str, recipes: list[Recipe], trials: int, slots: int, order: int, rungs: int, failing: set[tuple[int, int]],
        noise: int, repeats: int) -> None:
    study = new_study(repeats=repeats)
    study.levels = study.levels[-rungs:]
    scheduler = SCHEDULERS[name](trials)
    played = play(scheduler, study, recipes, lambda recipe, step: (int(recipe.hash, 16) + 5 * step * noise) % 7 / 7,
                  slots=slots, failing=lambda trial, stage: (trial, stage) in failing, order=order)
    assert scheduler.next(study) == Done()
    assert len(study.records) <= trials * repeats
    failed = [number for number, record in study.records.items() if record.state is TrialState.FAILED]
    assert len(study.records) == trials * repeats or len(failed) >= FAILURES_IN_A_ROW * repeats
    for number, record in study.records.items():
        assert record.state in (TrialState.COMPLETE, TrialState.STOPPED, TrialState.FAILED, TrialState.PAUSED)
        stages = played.stages_of(number)
        assert all(start < until <= record.trial.recipe.total_steps(SHAPE.rows(record.trial.recipe)) for start, until in stages)
        assert stages[0][0] == 0
        assert all(later[0] == earlier[1] for earlier, later in pairwise(stages))
        ends = {*study.steps_at(record), *([first_epoch(study, record)] if name == "top-k" else [])}
        assert all(until in ends for _, until in stages)
    assert len(set(played.stopped())) == len(played.stopped())
    for replicates in study.recipes():
        assert all(record.trial.recipe == replicates[0].trial.recipe for record in replicates)
        assert [record.trial.seed for record in replicates] == list(range(len(replicates)))
    for record in study.recipes()[0]:
        assert record.state in (TrialState.COMPLETE, TrialState.FAILED), "the default is always finished"


@pytest.mark.parametrize("name", SCHEDULERS)
def test_deciding_changes_nothing_and_is_repeatable(name: str) -> None:
    study = new_study()
    recipes = [BASE, *(BASE.replace(learning_rate=rate) for rate in (1e-5, 1e-4, 1e-3, 1e-2))]
    scheduler = SCHEDULERS[name](8)

    class Checked:
        def next(self, _: Study) -> Action:
            before = copy.deepcopy(study.records)
            first, second = scheduler.next(study), SCHEDULERS[name](8).next(study)
            assert first == second
            assert study.records == before
            return first

    play(Checked(), study, recipes, slots=2)


@pytest.mark.parametrize("name", SCHEDULERS)
@settings(max_examples=30, deadline=None)
@given(recipes=RECIPES, slots=st.integers(1, 4), order=st.integers(0, 100), noise=st.integers(0, 3))
def test_the_replicates_of_a_recipe_go_equally_far(
        name: str, recipes: list[Recipe], slots: int, order: int, noise: int) -> None:
    study = new_study(repeats=2)
    play(SCHEDULERS[name](12), study, recipes, lambda recipe, step: (int(recipe.hash, 16) + 5 * step * noise) % 7 / 7,
         slots=slots, order=order)
    for replicates in study.recipes():
        assert len({record.step for record in replicates}) == 1
        assert len({record.state for record in replicates}) == 1


@pytest.mark.parametrize("name", SCHEDULERS)
def test_without_a_limit_a_scheduler_always_asks_for_more(name: str) -> None:
    study = new_study()
    play(SCHEDULERS[name](12), study, [BASE])
    assert SCHEDULERS[name](None).next(study) == Ask()
    assert SCHEDULERS[name](13).next(study) == Ask()


@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_scheduler_gives_up_when_everything_fails(name: str) -> None:
    study = new_study()
    play(SCHEDULERS[name](None), study, [BASE], failing=lambda trial, stage: True)
    assert len(study.records) == FAILURES_IN_A_ROW


@pytest.mark.parametrize("name", SCHEDULERS)
@pytest.mark.parametrize("slots", [1, 3])
def test_one_trial_is_run_to_its_end(name: str, slots: int) -> None:
    study = new_study()
    play(SCHEDULERS[name](1), study, [BASE], slots=slots)
    assert [record.state for record in study.records.values()] == [TrialState.COMPLETE]
