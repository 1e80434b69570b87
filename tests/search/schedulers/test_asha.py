"""ASHA: the best third goes on, the bottom half stops, the default always ends, and only equals are compared."""

from __future__ import annotations

import pytest
from simulated import BASE, add_trial, new_study, peak_at_3e4, play

from luthier.recipes.trial import Stage, TrialState
from luthier.search.events import exhausted_event, stage_event, stopped_event
from luthier.search.schedulers import AshaScheduler, Ask, Done, MedianScheduler, Run, Scheduler, Stop, Wait
from luthier.search.study import Study

OTHER = BASE.replace(dropout=0.2)


def _study(*values: float, step: int = 10) -> Study:
    """A default that has run to its end with 0.5 at every level, and others paused at `step`."""
    study = new_study()
    play(AshaScheduler(1), study, [BASE], lambda recipe, step: 0.5)
    for value in values:
        add_trial(study, OTHER, value, step)
    return study


def test_asha_takes_the_default_through_the_rungs_to_the_end() -> None:
    played = play(AshaScheduler(1), new_study(), [BASE])
    assert played.stages == [(0, 0, 10), (0, 10, 30), (0, 30, 90)]


def test_asha_finishes_even_a_default_that_is_the_worst() -> None:
    study = new_study()
    play(AshaScheduler(12), study, [BASE, *[OTHER] * 11], lambda recipe, step: 0.1 if recipe == BASE else 0.9)
    assert study.records[0].state is TrialState.COMPLETE


@pytest.mark.parametrize(("values", "action"), [
    ((0.9,), Ask()),  # the best of two: a third of two is none
    ((0.9, 0.8), Run(1, 30)),
    ((0.8, 0.9), Run(2, 30)),
    ((0.4, 0.3), Ask()),  # the best of three is the default, which is there already
    ((0.9, 0.8, 0.7), Run(1, 30)),
    ((0.9, 0.8, 0.7, 0.6, 0.55), Run(1, 30)),
])
def test_asha_promotes_only_the_best_third(values: tuple[float, ...], action: object) -> None:
    assert AshaScheduler(20).next(_study(*values)) == action


@pytest.mark.parametrize(("values", "action"), [
    ((0.9,), Run(1, 30)), ((0.4,), Ask()), ((0.4, 0.3, 0.45), Run(3, 30)), ((0.9, 0.8), Run(1, 30))])
def test_generous_asha_promotes_the_better_half(values: tuple[float, ...], action: object) -> None:
    assert AshaScheduler.generous(20).next(_study(*values)) == action


def test_asha_promotes_as_many_as_a_third() -> None:
    study = _study(0.9, 0.8, 0.7, 0.6, 0.55)
    for number in (1, 2):
        action = AshaScheduler(20).next(study)
        assert action == Run(number, 30)
        study.apply(stage_event(Stage(study.records[number].trial, 10, 30, 90)))
    assert not isinstance(AshaScheduler(20).next(study), Run)


def test_asha_promotes_from_the_upper_rung_first() -> None:
    study = _study(0.9, 0.8, 0.7)
    for value in (0.95, 0.9):
        add_trial(study, OTHER, value, 30)
    assert AshaScheduler(20).next(study) == Run(4, 90)


@pytest.mark.parametrize(("values", "stopped"), [
    ((0.9, 0.4), []),  # three are too few to tell
    ((0.9, 0.4, 0.3), [2, 3]),  # the lower two of four
    ((0.9, 0.4, 0.3, 0.2), [3, 4]),  # of five, the median stays
    ((0.9, 0.8, 0.7, 0.4, 0.3), [4, 5]),  # of six, the default is the fourth: it has ended
])
def test_the_bottom_half_stops_where_that_is_asked_once_four_are_there(values: tuple[float, ...], stopped: list[int]) -> None:
    study = _study(*values)
    played = play(AshaScheduler(len(values) + 1, stops=True), study, [OTHER], lambda recipe, step: 0.95)
    assert sorted(played.stopped()) == stopped
    assert {study.records[number].state for number in stopped} <= {TrialState.STOPPED}


def test_asha_says_why_it_stops() -> None:
    action = AshaScheduler(20, stops=True).next(_study(0.45, 0.4, 0.3))
    assert action == Stop(2, "place 3 of 4 after 10 steps")
    assert AshaScheduler.generous(20).stops and not AshaScheduler(20).stops


def test_what_lags_in_plain_asha_can_go_on_later() -> None:
    study = _study(0.45, 0.4, 0.3)
    assert AshaScheduler(20).next(study) == Ask()
    for value in (0.2, 0.1):
        add_trial(study, OTHER, value, 10)
    assert AshaScheduler(20).next(study) == Run(1, 30), "of six the second is among the best third"


def test_asha_counts_stopped_trials_among_those_that_reached_the_rung() -> None:
    study = _study(0.1, 0.2, 0.3)
    for number in (1, 2, 3):
        study.apply(stopped_event(number, "far behind"))
    add_trial(study, OTHER, 0.9, 10)
    assert AshaScheduler(20).next(study) == Run(4, 30)  # the best of five; of two it could not have been told


def test_asha_leaves_failed_trials_out_of_the_comparison() -> None:
    study = _study(0.9, 0.8)
    for number in (1, 2):
        study.records[number].state = TrialState.FAILED
    add_trial(study, OTHER, 0.7, 10)
    assert AshaScheduler(4).next(study) == Done()  # of the two that are left, none is a third


def test_asha_never_compares_a_trial_with_a_horizon_at_a_rung() -> None:
    """Its value is that of a full run: beside it every trial at the first rung would look bad."""
    study = _study()
    for _ in range(6):
        add_trial(study, OTHER.replace(schedule="linear"), 0.95, 90)
    for value in (0.7, 0.6):
        add_trial(study, OTHER, value, 10)
    assert AshaScheduler(20).next(study) == Run(7, 30)


def test_asha_runs_a_trial_with_a_horizon_in_one_stage() -> None:
    recipes = [BASE, OTHER.replace(schedule="linear"), OTHER.replace(schedule="warmup-stable-decay")]
    played = play(AshaScheduler(3), new_study(), recipes)
    assert [played.stages_of(number) for number in (1, 2)] == [[(0, 90)], [(0, 90)]]


def test_asha_compares_at_equal_work_not_at_equal_steps() -> None:
    study = new_study()
    cheap = BASE.replace(frozen_layers=6, epochs=27)  # a third of the work a step
    played = play(AshaScheduler(3), study, [BASE, cheap, OTHER], lambda recipe, step: 0.9 if recipe == cheap else 0.5)
    assert played.stages_of(1) == [(0, 30), (30, 90)]
    assert played.stages_of(2) == [(0, 10)]


def _repeated(*values: tuple[float, ...]) -> Study:
    """As `_study`, on two seeds: the others' values at the first rung, one a seed."""
    study = new_study(repeats=2)
    play(AshaScheduler(1), study, [BASE], lambda recipe, step: 0.5)
    for both in values:
        for value in both:
            add_trial(study, OTHER, value, 10)
    return study


def test_asha_judges_a_recipe_by_its_mean_and_takes_all_its_trials_along() -> None:
    study = _repeated((0.9, 0.2), (0.6, 0.7), (0.3, 0.3))
    for number in (4, 5):
        assert AshaScheduler(4, stops=True).next(study) == Run(number, 30)
        study.apply(stage_event(Stage(study.records[number].trial, 10, 30, 90)))
    stops = []
    while isinstance(action := AshaScheduler(4, stops=True).next(study), Stop):
        stops.append(action.trial)
        study.apply(stopped_event(action.trial, action.reason))
    assert stops == [6, 7]
    assert action == Wait()


def test_asha_lets_the_second_trial_follow_the_first_although_better_ones_have_come_since() -> None:
    study = _repeated((0.9, 0.8), (0.6, 0.7))
    assert AshaScheduler(9).next(study) == Run(2, 30)
    study.apply(stage_event(Stage(study.records[2].trial, 10, 30, 90)))
    for _ in range(2):
        add_trial(study, OTHER, 0.95, 10)
    assert AshaScheduler(9).next(study) == Run(6, 30)
    for number in (6, 7):
        study.apply(stage_event(Stage(study.records[number].trial, 10, 30, 90)))
    assert AshaScheduler(9).next(study) == Run(3, 30)


def test_asha_asks_for_the_second_trial_before_it_judges_the_first() -> None:
    study = _repeated((0.9, 0.8), (0.95,))
    assert AshaScheduler(3).next(study) == Ask()
    add_trial(study, OTHER, 0.95, 10)
    assert AshaScheduler(3).next(study) == Run(4, 30)


def test_asha_does_not_promote_a_recipe_that_failed_on_a_seed() -> None:
    study = _repeated((0.9, 0.1), (0.6, 0.6))
    study.records[3].state = TrialState.FAILED
    assert AshaScheduler(2).next(study) == Done()


def test_asha_waits_for_what_runs_when_no_more_trials_may_begin() -> None:
    study = _study(0.9)
    study.apply(stage_event(Stage(study.records[1].trial, 10, 30, 90)))
    assert AshaScheduler(2).next(study) == Wait()


def test_asha_finds_the_best_of_many_at_a_fraction_of_the_work() -> None:
    rates = [10 ** (-5 + i / 10) for i in range(27)]
    recipes = [BASE, *(BASE.replace(learning_rate=rate) for rate in rates)]
    study = new_study()
    played = play(AshaScheduler(28), study, recipes, peak_at_3e4)
    assert study.ranked()[0].trial.recipe.learning_rate == pytest.approx(3e-4, rel=0.12)
    assert sum(until - start for _, start, until in played.stages) < 0.55 * 28 * 90


def test_asha_lets_all_go_on_where_no_other_recipe_is_left() -> None:
    study = _study(0.4, 0.6, 0.3)
    assert AshaScheduler(None).next(study) == Run(2, 30), "the best third"
    study = _study(0.4, 0.3)
    assert AshaScheduler(None).next(study) == Ask()
    study.apply(exhausted_event(3))
    assert AshaScheduler(None).next(study) == Run(1, 30)
    play(AshaScheduler(None), study, [BASE])
    assert {record.state for record in study.records.values()} == {TrialState.COMPLETE}


@pytest.mark.parametrize("scheduler", [AshaScheduler(9), AshaScheduler.generous(9), MedianScheduler(9)])
def test_a_trial_that_was_cut_between_rungs_is_taken_up(scheduler: Scheduler) -> None:
    """As the end of a search, or Ctrl-C, cuts it: nothing judges it where it stands, so nothing else would ever take it on."""
    study = _study(0.6, 0.4)
    add_trial(study, OTHER, 0.1, 17)
    assert scheduler.next(study) == Run(3, 30)
