"""The finals: who is in them, what they are finished with, and who is delivered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated import BASE, SHAPE, add_trial, new_study, new_trial, point

from luthier.recipes.recipe import Recipe, Schedule, steps_per_epoch
from luthier.recipes.seeds import HeldSeeds
from luthier.recipes.trial import Stage, StageResult, Trial
from luthier.search.events import dropped_event, result_event, shortened_event, stage_event, stopped_event, trial_event
from luthier.search.finals import (
    MOST_TRIES,
    Finals,
    FreshFinals,
    Refit,
    constant_steps,
    decayed_total,
    finalists,
    finished,
    missing_default,
)
from luthier.search.schedulers import Branch, Done, Replicate, Run, Wait
from luthier.search.study import FRESH, REFIT, SHORTENED, Study
from luthier.training.optimizer import rate_share

TOTAL = BASE.total_steps(SHAPE.rows(BASE))


def _study(*values: float | None, step: int = TOTAL) -> Study:
    study = new_study()
    for value in values:
        add_trial(study, BASE, value, step)
    return study


def _begin(study: Study, branch: Branch) -> int:
    """What the search does with a branch; returns its number."""
    number = len(study.records)
    trial = new_trial(number, branch.recipe, study.seed, "final", parent=branch.parent)
    study.apply(trial_event(trial))
    study.apply(stage_event(Stage(trial, study.records[branch.parent].step, branch.until_step, branch.until_step)))
    return number


def _numbers(study: Study, challengers: int) -> list[int]:
    return [record.trial.number for record in finalists(study, challengers)]


def test_finalists_are_the_default_and_the_best_others() -> None:
    study = _study(0.3, 0.5, 0.9, 0.7, 0.6)
    assert _numbers(study, 2) == [0, 2, 3]
    assert _numbers(study, 0) == [0]
    assert _numbers(study, 9) == [0, 2, 3, 4, 1]


def test_finalists_that_have_come_to_a_higher_rung_come_first() -> None:
    """An early look is noisier, and of another training."""
    study = _study(0.3, 0.5)
    for value, step in ((0.9, 30), (0.8, 10), (0.6, TOTAL)):
        add_trial(study, BASE, value, step)
    assert _numbers(study, 9) == [0, 4, 1, 2, 3]


def test_finalists_need_a_value_and_must_not_have_been_stopped() -> None:
    study = _study(0.3, 0.9, 0.8, None, 0.5)
    study.apply(stopped_event(1, "stopped"))
    assert _numbers(study, 3) == [0, 2, 4]


def test_a_default_that_was_cut_short_is_no_default_to_compare_with() -> None:
    study = new_study()
    add_trial(study, BASE, 0.5, 30)
    for value in (0.9, 0.7):
        add_trial(study, BASE, value, 30)
    assert _numbers(study, 1) == [1, 2]
    assert _numbers(study, 9) == [1, 2, 0]


def test_finalists_on_several_seeds_are_the_first_trials_of_the_best_recipes_by_their_mean() -> None:
    study = new_study(repeats=2)
    for value in (0.3, 0.3, 0.9, 0.1, 0.6, 0.8, 0.5, 0.6):
        add_trial(study, BASE, value, TOTAL)
    assert _numbers(study, 2) == [0, 4, 6]


def test_finalists_without_a_default_are_the_best() -> None:
    study = new_study()
    for number, value in enumerate((0.3, 0.9, 0.6)):
        study.apply(trial_event(new_trial(number, role="grid")))
        study.apply(result_event(StageResult(number, TOTAL, (point(TOTAL, value),), Path("there"))))
    assert _numbers(study, 1) == [1, 2]


def test_finals_branch_each_finalist_once_then_wait_then_are_done() -> None:
    study, scheduler = _study(0.3, 0.5, 0.9), Finals(challengers=1)
    first = scheduler.next(study)
    assert isinstance(first, Branch) and first.parent == 0
    _begin(study, first)
    second = scheduler.next(study)
    assert isinstance(second, Branch) and second.parent == 2
    _begin(study, second)
    for number in (3, 4):
        assert scheduler.next(study) == Wait()
        final = study.records[number]
        study.apply(result_event(StageResult(number, final.target)))
    assert scheduler.next(study) == Done()


def test_a_final_that_fails_is_tried_again_but_not_for_ever() -> None:
    study, scheduler = _study(0.3), Finals(challengers=1)
    for _ in range(MOST_TRIES):
        action = scheduler.next(study)
        assert isinstance(action, Branch)
        study.apply(result_event(StageResult(_begin(study, action), TOTAL, failure="the worker was killed")))
    assert scheduler.next(study) == Done()


def test_finals_of_nothing_are_done() -> None:
    assert Finals(challengers=3).next(new_study()) == Done()
    assert Finals(challengers=3).next(_study(None)) == Done()


CONSTANT = st.builds(Recipe, schedule=st.just("constant"), batch_size=st.integers(1, 200), decay_share=st.floats(0, 0.9),
                     warmup_steps=st.integers(0, 20), epochs=st.floats(1, 90))


def _branch_after(recipe: Recipe, share: float, *, decay: bool) -> tuple[int, Branch]:
    """The step at which `share` of the recipe's run is made, and the final of a study with that trial alone."""
    study = new_study(levels=(1e12,))
    step = max(1, round(share * recipe.total_steps(SHAPE.rows(recipe))))
    add_trial(study, recipe, 0.5, step)
    action = Finals(challengers=0, decay=decay).next(study)
    assert isinstance(action, Branch)
    return step, action


@settings(max_examples=150, deadline=None)
@given(recipe=CONSTANT, share=st.floats(0.01, 1))
def test_a_branch_goes_on_at_full_rate_and_ends_with_its_decay(recipe: Recipe, share: float) -> None:
    step, action = _branch_after(recipe, share, decay=True)
    total = action.recipe.total_steps(SHAPE.rows(action.recipe))
    assert action.until_step == total > step
    assert action.recipe.schedule is Schedule.WARMUP_STABLE_DECAY
    assert action.recipe.replace(schedule="constant", epochs=recipe.epochs) == recipe
    for made in range(step):  # the steps that the trial has made are those that the decayed recipe would have made
        assert rate_share(action.recipe, made, total) == rate_share(recipe, made, recipe.total_steps(SHAPE.rows(recipe)))
    if recipe.warmup_steps < step:
        assert rate_share(action.recipe, total - 1, total) <= 1
        assert total == step + 1 or rate_share(action.recipe, total - 1, total) < 1


@settings(max_examples=100, deadline=None)
@given(recipe=CONSTANT, share=st.floats(0.01, 1))
def test_without_decay_a_trial_is_delivered_as_it_stands(recipe: Recipe, share: float) -> None:
    step, action = _branch_after(recipe, share, decay=False)
    assert action.until_step == step == action.recipe.total_steps(SHAPE.rows(action.recipe))
    assert action.recipe.schedule is Schedule.CONSTANT


@pytest.mark.parametrize("schedule", [Schedule.LINEAR, Schedule.WARMUP_STABLE_DECAY])
def test_a_trial_with_a_horizon_is_delivered_as_it_ended(schedule: Schedule) -> None:
    study = new_study()
    add_trial(study, BASE.replace(schedule=schedule), 0.5, TOTAL)
    assert Finals(challengers=0).next(study) == Branch(0, BASE.replace(schedule=schedule), TOTAL)


def test_a_branch_of_the_longest_valid_run_is_valid() -> None:
    study = new_study(levels=(1e12,))
    recipe = BASE.replace(epochs=1000)
    add_trial(study, recipe, 0.5, recipe.total_steps(SHAPE.rows(recipe)))
    assert isinstance(Finals(challengers=0).next(study), Branch)


@settings(max_examples=200)
@given(steps=st.integers(1, 3000), share=st.floats(0, 0.9))
def test_decayed_total_is_the_least_that_leaves_the_constant_steps(steps: int, share: float) -> None:
    def constant(total: int) -> int:
        return total - max(1, round(total * share))

    assert decayed_total(steps, share) == next(total for total in range(steps, 100 * steps + 100) if constant(total) >= steps)


def test_decayed_total_adds_a_quarter_for_a_decay_of_a_fifth() -> None:
    assert decayed_total(10**9, 0.2) == pytest.approx(1.25e9, rel=1e-6)


def test_branches_write_steps_as_epochs_of_their_own_batch_size() -> None:
    study = new_study(levels=(1e12,))
    recipe = BASE.replace(batch_size=7)
    add_trial(study, recipe, 0.5, 50)
    action = Finals(challengers=0, decay=False).next(study)
    assert isinstance(action, Branch)
    assert action.recipe.epochs == pytest.approx(50 / steps_per_epoch(SHAPE.rows(action.recipe), 7))


def test_finals_do_not_ask_whether_a_checkpoint_was_kept() -> None:
    study = _study(0.3, 0.5, 0.9, 0.7, 0.6)
    before = _numbers(study, 2)
    for number in (0, 2):
        study.apply(dropped_event(number))
    assert _numbers(study, 2) == before == [0, 2, 3]


def _anew(study: Study, action: Replicate) -> int:
    """What the search does with a replicate; returns its number."""
    number = len(study.records)
    trial = Trial(number, action.recipe, action.seed, FRESH, study.held.seeds(action.seed), action.parent, action.fold)
    study.apply(trial_event(trial))
    study.apply(stage_event(Stage(trial, 0, study.total_steps(action.recipe), study.total_steps(action.recipe))))
    return number


@pytest.mark.parametrize("folds", [True, False])
def test_fresh_finals_train_all_finalists_on_each_seed_before_the_next(folds: bool) -> None:
    study, scheduler = _study(0.3, 0.5, 0.9, 0.7), FreshFinals(challengers=2, number=2, folds=folds)
    made = []
    while isinstance(action := scheduler.next(study), Replicate):
        made.append((action.parent, action.seed, action.fold))
        assert action.recipe == finished(study.records[action.parent], study, decay=True)[0]
        number = _anew(study, action)
        if number % 2:  # what runs does not hold up the next
            study.apply(result_event(StageResult(number, study.total_steps(action.recipe))))
    assert made == [(0, 1, 1), (2, 1, 1), (3, 1, 1), (0, 2, 2), (2, 2, 2), (3, 2, 2)] if folds else [
        (parent, seed, 0) for seed in (1, 2) for parent in (0, 2, 3)]
    assert study.seed not in {seed for _, seed, _ in made}, "the search has chosen by that seed"
    assert action == Wait()
    for record in study.running():
        study.apply(result_event(StageResult(record.trial.number, record.target)))
    assert scheduler.next(study) == Done()
    assert _numbers(study, 2) == [0, 2, 3], "fresh finals are no finalists themselves"


def test_fresh_seeds_are_none_that_repeats_have_used() -> None:
    study = new_study(repeats=3)
    for _ in range(3):
        add_trial(study, BASE, 0.5, TOTAL)
    action = FreshFinals(challengers=1, number=1, folds=True).next(study)
    assert isinstance(action, Replicate) and action.seed == 3


@pytest.mark.parametrize("scheduler", [FreshFinals(challengers=1, number=1, folds=True), Finals(challengers=1)])
def test_what_a_killed_command_left_is_taken_up_before_anything_is_begun(scheduler: FreshFinals | Finals) -> None:
    study = _study(0.3, 0.5)
    first = scheduler.next(study)
    assert isinstance(first, Replicate | Branch)
    number = _anew(study, first) if isinstance(first, Replicate) else _begin(study, first)
    study.apply({"event": "resumed"})
    assert scheduler.next(study) == Run(number, study.total_steps(first.recipe))


@pytest.mark.parametrize("challengers", [0, 1, 2])
def test_finals_of_some_trials_alone_are_of_these_whoever_the_challengers_are(challengers: int) -> None:
    """As after an interrupt: what fresh seeds chose need not be the best challenger of the search."""
    study, scheduler = _study(0.3, 0.5, 0.9), Finals(challengers, only=(1, 0))
    parents = []
    while isinstance(action := scheduler.next(study), Branch):
        parents.append(action.parent)
        _begin(study, action)
    assert parents == [1, 0], "what is to be delivered comes first"


@pytest.mark.parametrize(("values", "step"), [
    ((0.5, 0.9, 0.6), 30), ((0.5, 0.6, 0.9), 90), ((0.9, 0.9, 0.4), 30), ((0.5, 0.9, 0.9), 90)])
def test_a_final_branches_off_where_its_recipe_was_best(values: tuple[float, ...], step: int) -> None:
    """Epochs are read off the curve; of equal values the later counts."""
    study = _study(0.3)
    trial = new_trial(1)
    study.apply(trial_event(trial))
    points = tuple(point(at, value) for at, value in zip((10, 30, 90), values, strict=True))
    study.apply(result_event(StageResult(1, TOTAL, points, Path("trial-1"))))
    recipe, total = finished(study.records[1], study, decay=True)
    assert total == decayed_total(step, BASE.decay_share) and constant_steps(recipe, total) >= step
    assert study.peak(study.records[1]) == (max(values), step)
    assert finished(study.records[1], study, decay=False)[1] == TOTAL, "as it stands"


def test_the_default_is_taken_where_it_stands() -> None:
    study = new_study()
    study.apply(trial_event(new_trial(0, role="default")))
    study.apply(result_event(StageResult(0, TOTAL, (point(30, 0.9), point(TOTAL, 0.5)), Path("trial-0"))))
    assert study.peak(study.records[0]) == (0.5, TOTAL)


def _default_with(*values: float, seeds: int = 1) -> Study:
    """A study of the default alone, with these values at its three rungs."""
    study = new_study(repeats=seeds)
    for number in range(seeds):
        study.apply(trial_event(new_trial(number, seed=number, role="default")))
        points = tuple(point(at, value + 0.1 * number) for at, value in zip((10, 30, 90), values, strict=True))
        study.apply(result_event(StageResult(number, TOTAL, points, Path(f"trial-{number}"))))
    return study


@pytest.mark.parametrize("seeds", [1, 2])
def test_a_default_that_was_better_on_its_way_is_a_challenger_with_as_many_epochs(seeds: int) -> None:
    """One run serves all shorter ones: nothing is trained for it, and its final branches off there."""
    study = _default_with(0.5, 0.9, 0.6, seeds=seeds)
    shorter = study.shortened_default()
    assert shorter is not None
    study.apply(shortened_event(*shorter))
    record = study.records[seeds]
    assert record.trial.role == SHORTENED and record.trial.parent == 0 and record.trial.seed == study.records[0].trial.seed
    assert record.step == 30 == study.total_steps(record.trial.recipe)
    assert [seen.step for seen in record.points] == [10, 30] and record.costs.seconds == 0
    assert study.peak(record) == (pytest.approx(0.9 + 0.05 * (seeds - 1)), 30)
    assert _numbers(study, 1) == [0, seeds], "the default stays, as it stands"
    recipe, total = finished(record, study, decay=True)
    assert total == decayed_total(30, BASE.decay_share) < study.total_steps(finished(study.records[0], study, decay=True)[0])
    assert recipe.replace(epochs=BASE.epochs, schedule=BASE.schedule) == BASE
    assert len(study.search_records()) == seeds and len(study.recipes()) == 1, "it is no trial that was asked for"
    assert study.shortened_default() is None, "once is enough"


def test_a_shortened_default_is_trained_on_fresh_seeds_as_the_others_are() -> None:
    study = _default_with(0.5, 0.9, 0.6)
    study.apply(shortened_event(*(study.shortened_default() or pytest.fail("it was better on its way"))))
    scheduler = FreshFinals(1, 1, folds=True)
    steps = {}
    while isinstance(action := scheduler.next(study), Replicate):
        steps[action.parent] = study.total_steps(action.recipe)
        trial = Trial(len(study.records), action.recipe, action.seed, FRESH, HeldSeeds().seeds(action.seed), action.parent, 1)
        study.apply(trial_event(trial))
        study.apply(stage_event(Stage(trial, 0, steps[action.parent], steps[action.parent])))
    assert steps == {0: decayed_total(90, BASE.decay_share), 1: decayed_total(30, BASE.decay_share)}


def test_a_default_that_is_best_at_its_end_or_has_not_got_there_is_not_shortened() -> None:
    assert _default_with(0.5, 0.6, 0.9).shortened_default() is None
    assert _default_with(0.5, 0.9, 0.9).shortened_default() is None, "of equal values the later counts"
    assert new_study().shortened_default() is None
    cut = new_study()
    cut.apply(trial_event(new_trial(0, role="default")))
    cut.apply(result_event(StageResult(0, 30, (point(10, 0.9), point(30, 0.5)), Path("trial-0"))))
    assert cut.shortened_default() is None


def test_epochs_that_were_asked_for_stay_as_they_are() -> None:
    """Set or searched, they are somebody's choice."""
    study = replace(_default_with(0.5, 0.9, 0.6), own_epochs=True)
    assert study.shortened_default() is None
    study.apply(trial_event(new_trial(1)))
    study.apply(result_event(StageResult(1, TOTAL, (point(30, 0.9), point(TOTAL, 0.5)), Path("trial-1"))))
    assert study.peak(study.records[1]) == (0.5, TOTAL)


def test_the_peak_of_several_seeds_is_where_their_mean_is() -> None:
    """A seed that was cut short says nothing of the steps that it did not make."""
    study = new_study(repeats=2)
    for number, values in enumerate(((0.5, 0.9, 0.6), (0.5, 0.9))):
        study.apply(trial_event(new_trial(number, seed=number, role="default")))
        points = tuple(point(at, value) for at, value in zip((10, 30, 90), values, strict=False))
        study.apply(result_event(StageResult(number, points[-1].step, points, Path(f"trial-{number}"))))
    assert study.best_on_the_way(study.records[0]) == (pytest.approx(0.9), 30)
    assert study.shortened_default() is None, "it may still be best at its end"


def test_recipes_whose_values_cannot_be_compared_come_last() -> None:
    study = new_study(repeats=2)
    for value in (0.3, 0.3, 0.99):
        add_trial(study, BASE, value, TOTAL)
    study.apply(trial_event(new_trial(3, seed=1)))
    study.apply(result_event(StageResult(3, 0, failure="the loss is nan")))
    for value in (0.5, 0.5):
        add_trial(study, BASE, value, TOTAL)
    assert _numbers(study, 2) == [0, 4, 2]


def test_what_is_delivered_as_it_stands_ranks_by_where_it_stands() -> None:
    study = _study(0.3, 0.6)
    study.apply(trial_event(new_trial(2)))
    study.apply(result_event(StageResult(2, TOTAL, (point(30, 0.9), point(TOTAL, 0.5)), Path("trial-2"))))
    assert [record.trial.number for record in finalists(study, 1, decay=False)] == [0, 1]
    assert [record.trial.number for record in finalists(study, 1, decay=True)] == [0, 2]


def test_a_shortened_default_passes_its_rows_as_the_default_did() -> None:
    """In the same parts, and so with the same dropout."""
    study = new_study()
    study.apply(trial_event(new_trial(0, role="default")))
    points = tuple(point(at, value) for at, value in ((30, 0.9), (TOTAL, 0.5)))
    study.apply(result_event(StageResult(0, TOTAL, points, Path("trial-0"), part_tokens=64)))
    study.apply(shortened_event(*(study.shortened_default() or pytest.fail("it was better on its way"))))
    assert study.records[1].part_tokens == 64


def test_fresh_finals_that_were_cut_short_are_gone_on_with() -> None:
    """A command that was interrupted leaves them paused; the next one takes them up before it begins others."""
    study, scheduler = _study(0.3, 0.9), FreshFinals(1, 1, folds=False)
    action = scheduler.next(study)
    assert isinstance(action, Replicate)
    trial = Trial(2, action.recipe, action.seed, FRESH, HeldSeeds().seeds(action.seed), action.parent, action.fold)
    total = study.total_steps(action.recipe)
    for event in (trial_event(trial), stage_event(Stage(trial, 0, total, total)),
                  result_event(StageResult(2, 12, (point(12, 0.2),), None))):
        study.apply(event)
    assert scheduler.next(study) == Run(2, total)


def test_an_extended_study_has_other_fresh_seeds() -> None:
    """By those of the time before it has chosen."""
    study, scheduler = _study(0.3, 0.9), FreshFinals(1, 1, folds=False)
    first = scheduler.next(study)
    study.apply({"event": "extended"})
    again = scheduler.next(study)
    assert isinstance(first, Replicate) and isinstance(again, Replicate)
    assert first.parent == again.parent and first.seed != again.seed


def test_a_final_fit_is_of_the_final_that_is_delivered() -> None:
    """Not of one that an earlier choice had delivered."""
    study = _study(0.3, 0.9)
    for number, parent in ((2, 0), (3, 1)):
        study.apply(trial_event(new_trial(number, role="final", parent=parent)))
        study.apply(result_event(StageResult(number, TOTAL, (point(TOTAL, 0.5),), None)))
    study.apply(trial_event(new_trial(4, role=REFIT, parent=2)))
    study.apply(result_event(StageResult(4, TOTAL, (), None)))
    assert Refit(2).next(study) == Done()
    other = Refit(3).next(study)
    assert isinstance(other, Replicate) and other.parent == 3


def test_missing_default_says_why() -> None:
    study = new_study()
    assert missing_default(study) == "is not a cell of the grid"
    add_trial(study, BASE, 0.5, 30)
    assert missing_default(study) == "was not run to its end"
    study.apply(trial_event(new_trial(1, role=FRESH, parent=0)))
    study.apply(result_event(StageResult(1, 0, failure="the loss is nan")))
    assert missing_default(study) == "failed when it was trained again"


def test_finalists_rank_by_their_peaks() -> None:
    study = _study(0.3, 0.6)
    study.apply(trial_event(new_trial(2)))
    study.apply(result_event(StageResult(2, TOTAL, (point(30, 0.9), point(TOTAL, 0.5)), Path("trial-2"))))
    assert _numbers(study, 1) == [0, 2]
