"""`Study`: a fold over the journal's events."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated import BASE, LEVELS, METRIC, SHAPE, add_trial, new_study, new_trial, point

from luthier.config import plain
from luthier.recipes.recipe import Recipe
from luthier.recipes.trial import Costs, Lost, Stage, StageResult, Trial, TrialState
from luthier.search.events import dropped_event, exhausted_event, lost_event, result_event, stage_event, stopped_event, trial_event
from luthier.search.finals import finalists
from luthier.search.journal import Event
from luthier.search.study import FINAL, FRESH, Record, Study
from luthier.sharing.work import Shape, step_work

TOTAL = BASE.total_steps(SHAPE.rows(BASE))


def _record(study: Study, number: int = 0) -> Record:
    return study.records[number]


def test_a_new_trial_waits() -> None:
    study = new_study()
    study.apply(trial_event(new_trial(0, BASE, 5, "default")))
    record = _record(study)
    assert (record.state, record.step, record.points, record.checkpoints) == (TrialState.WAITING, 0, [], {})
    assert record.trial == new_trial(0, BASE, 5, "default")
    assert study.running() == []


def test_a_trial_given_to_an_engine_runs_towards_its_target() -> None:
    study = new_study()
    trial = new_trial(0, BASE, 0, "default")
    study.apply(trial_event(trial))
    study.apply(stage_event(Stage(trial, 0, 10, TOTAL)))
    assert (_record(study).state, _record(study).target) == (TrialState.RUNNING, 10)
    assert study.running() == [_record(study)]


@pytest.mark.parametrize(("step", "state"), [
    (1, TrialState.PAUSED), (10, TrialState.PAUSED), (TOTAL - 1, TrialState.PAUSED), (TOTAL, TrialState.COMPLETE)])
def test_a_trial_is_complete_at_its_last_step_and_paused_before(step: int, state: TrialState) -> None:
    study = new_study()
    add_trial(study, BASE, 0.5, step)
    assert _record(study).state is state
    assert _record(study).step == step


def test_a_failed_trial_keeps_its_reason_and_no_checkpoint() -> None:
    study = new_study()
    add_trial(study, BASE, 0.5, 10, failure="out of memory", checkpoint=None)
    assert (_record(study).state, _record(study).reason) == (TrialState.FAILED, "out of memory")
    assert _record(study).checkpoints == {}


def test_a_failure_at_the_last_step_is_still_a_failure() -> None:
    study = new_study()
    add_trial(study, BASE, None, TOTAL, failure="could not save", checkpoint=None)
    assert _record(study).state is TrialState.FAILED


def test_a_stopped_trial_keeps_its_points_but_no_checkpoint() -> None:
    study = new_study()
    add_trial(study, BASE, 0.5, 10)
    study.apply(stopped_event(0, "place 4 of 4"))
    record = _record(study)
    assert (record.state, record.reason, record.checkpoints) == (TrialState.STOPPED, "place 4 of 4", {})
    assert record.value(METRIC) == 0.5


def test_stages_add_up() -> None:
    study = new_study()
    trial = new_trial(0, BASE, 0, "default")
    study.apply(trial_event(trial))
    for start, until, memory, rate in ((0, 10, 700, 50.0), (10, 30, 500, 60.0)):
        study.apply(stage_event(Stage(trial, start, until, TOTAL)))
        points = tuple(point(step, step / 100, seconds=float(step - start)) for step in range(start + 5, until + 1, 5))
        costs = Costs(until - start + 2.0, rate, peak_memory=memory)
        study.apply(result_event(StageResult(0, until, points, Path(f"{until}"), costs)))
    record = _record(study)
    assert [p.step for p in record.points] == [5, 10, 15, 20, 25, 30]
    assert [p.seconds for p in record.points] == [5.0, 10.0, 17.0, 22.0, 27.0, 32.0]  # the first stage took 12 s
    assert (record.costs.seconds, record.costs.peak_memory) == (34.0, 700)
    assert record.costs.rows_per_second == 60.0
    assert record.checkpoints[30] == Path("30")


def test_values_are_those_of_the_rung_rows() -> None:
    study = new_study()
    add_trial(study, BASE, None, 10)
    record = _record(study)
    assert record.last is None
    assert record.value(METRIC) is None
    record.points.extend([point(5, 0.4), point(10, 0.6), point(10, 0.9, rows="all")])
    assert record.last == point(10, 0.6)
    assert record.value(METRIC) == 0.6
    assert [record.value_at(step, METRIC) for step in (5, 7, 10)] == [0.4, None, 0.6]


@pytest.mark.parametrize("kind", ["study", "chosen", "tested", "done", "of a later version"])
def test_events_that_are_not_of_trials_change_nothing(kind: str) -> None:
    study = new_study()
    add_trial(study, BASE, 0.5, 10)
    before = repr(study)
    study.apply({"event": kind, "trial": 0})
    assert repr(study) == before


RECIPES = st.builds(
    Recipe, schedule=st.sampled_from(["constant", "constant", "linear", "warmup-stable-decay"]),
    batch_size=st.sampled_from([4, 8, 16, 64, 512]), frozen_layers=st.integers(0, 9), epochs=st.floats(0.01, 40),
    max_length=st.integers(4, 64))
SHAPES = st.builds(lambda lengths, layers: Shape(np.array(lengths), layers),
                   st.lists(st.integers(3, 60), min_size=1, max_size=200), st.integers(0, 24))


@settings(max_examples=150, deadline=None)
@given(recipe=RECIPES, shape=SHAPES, work=st.floats(10, 1e6))
def test_steps_at_climb_within_the_run_and_cost_their_level(recipe: Recipe, shape: Shape, work: float) -> None:
    study = Study(0, METRIC, shape, (work / 9, work / 3, work))
    steps = study.steps_at(Record(new_trial(0, recipe, 0, "made up")))
    total = recipe.total_steps(shape.rows(recipe))
    assert len(steps) == len(study.levels)
    assert list(steps) == sorted(steps)
    assert all(1 <= step <= total for step in steps)
    if not recipe.horizon_free:
        assert set(steps) == {total}
        return
    cost = step_work(recipe, shape)
    for step, level in zip(steps, study.levels, strict=True):
        assert step in (1, total) or abs(step * cost - level) <= 0.51 * cost


def test_cheaper_recipes_make_more_steps_for_a_level() -> None:
    study = new_study()
    number = add_trial(study, BASE.replace(frozen_layers=6, epochs=100), 0.5, 10)
    assert study.steps_at(_record(study, number)) == (30, 90, 270)  # a third of the work a step
    number = add_trial(study, BASE.replace(batch_size=32, epochs=100), 0.5, 10)
    assert study.steps_at(_record(study, number)) == (5, 15, 45)


def test_ranked_is_best_first_then_earliest_and_leaves_out_what_has_no_value() -> None:
    study = new_study()
    for value in (0.5, 0.7, 0.0, 0.7, None):
        add_trial(study, BASE, value, 10)
    assert [record.trial.number for record in study.ranked()] == [1, 3, 0, 2]


def test_ranked_puts_trials_of_a_higher_rung_first_and_those_cut_before_their_first_last() -> None:
    study = new_study()
    for value, step in ((0.5, 10), (0.9, 9), (0.4, 90), (0.8, 3)):
        add_trial(study, BASE, value, step)
    assert [record.trial.number for record in study.ranked()] == [2, 0, 1, 3]


def test_a_trial_that_failed_after_a_rung_keeps_its_place_by_the_value_it_reached() -> None:
    study = new_study()
    add_trial(study, BASE, 0.5, 10)
    add_trial(study, BASE, 0.7, 10)
    study.apply(stage_event(Stage(study.records[1].trial, 10, 30, TOTAL)))
    study.apply(result_event(StageResult(1, 10, checkpoint=Path("trial-1.safetensors"), failure="the worker was killed")))
    assert [record.trial.number for record in study.ranked()] == [1, 0]
    assert study.records[1].state is TrialState.FAILED


def test_out_of_the_running_are_ended_trials_beyond_the_best_but_never_the_default() -> None:
    study = new_study()
    for value in (0.1, 0.9, 0.2, 0.8, 0.3):
        add_trial(study, BASE, value, TOTAL)
    add_trial(study, BASE, 0.05, 10)  # paused: it may go on
    assert [record.trial.number for record in study.out_of_the_running(2)] == [2, 4]
    study.apply(dropped_event(4))
    assert study.records[4].checkpoints == {}
    assert [record.trial.number for record in study.out_of_the_running(2)] == [2]
    assert study.out_of_the_running(5) == []


def test_what_was_best_on_its_way_keeps_its_checkpoint_as_it_will_be_a_finalist() -> None:
    """Finals rank by peaks, so checkpoints go by them too: one that was dropped would have to be replayed."""
    study = new_study()
    for end in (0.5, 0.80, 0.82, 0.83):
        add_trial(study, BASE, end, TOTAL)
    study.records[1].points.insert(0, point(30, 0.9, BASE))
    assert [record.trial.number for record in study.out_of_the_running(1)] == [2, 3]
    assert [record.trial.number for record in study.least_wanted_first()] == [2, 3, 1, 0]
    assert [record.trial.number for record in finalists(study, 1)] == [0, 1]


def test_a_study_is_hopeless_after_four_failures_in_a_row() -> None:
    study = new_study()
    add_trial(study, BASE, 0.5, TOTAL)
    for count in range(1, 5):
        add_trial(study, BASE, None, 0, failure="the loss is not finite", checkpoint=None)
        assert study.hopeless() == (count == 4)
    add_trial(study, BASE, 0.5, 10)
    assert not study.hopeless()


def test_finals_are_not_trials_of_the_search() -> None:
    study = new_study()
    add_trial(study, BASE, 0.5, TOTAL)
    study.apply(trial_event(new_trial(1, BASE.replace(epochs=12), 0, "final", parent=0)))
    study.apply(result_event(StageResult(1, 120, (point(120, 0.9),))))
    assert [record.trial.number for record in study.search_records()] == [0]
    assert [record.trial.number for record in study.ranked()] == [0]
    assert [seen.number for seen in study.observations()] == [0]


def test_observations_say_value_level_and_whether_complete() -> None:
    study = new_study()
    add_trial(study, BASE, 0.5, 10)
    add_trial(study, BASE, 0.6, 29)
    add_trial(study, BASE, 0.7, TOTAL)
    add_trial(study, BASE, 0.8, 30, failure="lost")
    add_trial(study, BASE, None, 3)
    study.apply(trial_event(new_trial(5, BASE, 0, "waiting")))
    add_trial(study, BASE, 0.4, 10)
    study.apply(stopped_event(6, "far behind"))
    assert [(seen.number, seen.value, seen.level, seen.complete) for seen in study.observations()] == [
        (0, 0.5, 1, False), (1, 0.6, 1, False), (2, 0.7, 3, True), (3, None, 2, False), (6, 0.4, 1, False)]


def _numbers(records: list[Record]) -> list[int]:
    return [record.trial.number for record in records]


def _repeated(*values: float | None, step: int = TOTAL, repeats: int = 2) -> Study:
    study = new_study(repeats=repeats)
    for value in values:
        add_trial(study, BASE, value, step)
    return study


def test_recipes_are_the_trials_of_the_search_in_blocks_of_the_replicates() -> None:
    study = _repeated(0.1, 0.2, 0.3)
    study.apply(trial_event(new_trial(3, role="final", parent=0)))
    assert [_numbers(replicates) for replicates in study.recipes()] == [[0, 1], [2]]
    assert study.next_trial() == (1, 1)
    assert study.default is study.records[0]
    assert [record.is_default for record in study.records.values()] == [True, True, False, False]


def test_a_study_may_have_no_default() -> None:
    study = new_study()
    study.apply(trial_event(new_trial(0, role="grid")))
    assert study.default is None


def test_recipes_rank_by_their_mean_and_are_led_by_their_first_trial() -> None:
    study = _repeated(0.5, 0.5, 0.95, 0.0, 0.6, 0.7, 0.9)
    assert _numbers(study.ranked()) == [6, 4, 0, 2]
    assert study.score(study.ranked()[1]) == pytest.approx(0.65)


def test_means_are_taken_at_the_highest_level_that_all_replicates_have_reached() -> None:
    study = new_study(repeats=3)
    for _ in range(3):
        add_trial(study, BASE, 0.5, 10)
    study.apply(stage_event(Stage(study.records[0].trial, 10, 30, TOTAL)))
    study.apply(result_event(StageResult(0, 30, (point(30, 0.9),))))
    assert study.mean(study.records.values()) == (1, 0.5)
    assert study.mean([study.records[0]]) == (2, 0.9)
    assert study.mean([]) is None


def test_a_replicate_that_was_cut_before_its_first_rung_says_nothing_of_its_recipe() -> None:
    study = _repeated(0.9, step=TOTAL)
    add_trial(study, BASE, 0.1, 3)
    assert study.mean(study.recipes()[0]) == (3, 0.9)
    assert study.mean([study.records[1]]) == (0, 0.1)


def test_a_recipe_on_several_seeds_is_one_observation() -> None:
    study = _repeated(0.4, 0.6, 0.7)
    add_trial(study, BASE, None, 0, failure="lost", checkpoint=None)
    for _ in range(2):
        add_trial(study, BASE, None, 0, failure="lost", checkpoint=None)
    add_trial(study, BASE, 0.3, TOTAL)
    assert [(seen.number, seen.value, seen.level, seen.complete) for seen in study.observations()] == [
        (0, 0.5, 3, True), (1, None, 3, False), (2, None, 0, False), (3, 0.3, 3, False)]


def test_mean_at_a_level_waits_for_all_replicates() -> None:
    study = _repeated(0.4, step=10)
    assert study.mean_at(study.recipes()[0], 0) is None
    add_trial(study, BASE, 0.6, 10)
    assert study.mean_at(study.recipes()[0], 0) == 0.5
    assert study.mean_at(study.recipes()[0], 1) is None
    study.records[0].state = TrialState.FAILED
    assert study.mean_at(study.recipes()[0], 0) is None


def test_a_recipe_that_failed_on_one_of_its_seeds_comes_last() -> None:
    """Its mean over the other seeds would hide that it fails."""
    study = _repeated(0.4, 0.4, 0.9, 0.9)
    assert _numbers(study.ranked()) == [2, 0]
    study.records[3].state = TrialState.FAILED
    assert _numbers(study.ranked()) == [0, 2]
    assert [seen.value for seen in study.observations()] == [0.4, None]


def test_epochs_that_were_chosen_are_a_recipes_own_full_run() -> None:
    study = new_study()
    longer = BASE.replace(epochs=3 * BASE.epochs)
    record = study.records[add_trial(study, longer, 0.5, 10)]
    assert study.steps_at(record)[-1] == TOTAL
    study.own_epochs = True
    assert study.steps_at(record)[-1] == 3 * TOTAL == longer.total_steps(study.shape.rows(longer))


def test_checkpoints_of_other_replicates_are_dropped_and_those_of_leads_once_their_recipes_have_ended() -> None:
    study = _repeated(0.1, 0.1, 0.5, 0.5, 0.6, 0.6, 0.2)
    assert _numbers(study.out_of_the_running(1)) == [2, 1, 3, 5]  # 0 is the default, 6 waits for its second
    add_trial(study, BASE, 1.0, TOTAL)
    assert _numbers(study.out_of_the_running(1)) == [2, 6, 1, 3, 5, 7]


def test_a_study_on_several_seeds_is_hopeless_after_four_recipes() -> None:
    study = new_study(repeats=2)
    for count in range(1, 9):
        add_trial(study, BASE, None, 0, failure="the loss is not finite", checkpoint=None)
        assert study.hopeless() == (count == 8)


@st.composite
def _histories(draw: st.DrawFn) -> list[Event]:
    """Events as a search might write them."""
    events: list[Event] = []
    steps: dict[int, int] = {}
    for _ in range(draw(st.integers(1, 12))):
        kind = draw(st.sampled_from(["trial", "run", "run", "run", "stop", "drop"]))
        if kind == "trial" or not steps:
            number = len(steps)
            steps[number] = 0
            parent = draw(st.none() | st.integers(0, number - 1)) if number else None
            events.append(trial_event(new_trial(number, draw(RECIPES), draw(st.integers(0, 2**31)), "made up", parent)))
            continue
        number = draw(st.sampled_from(sorted(steps)))
        if kind == "stop":
            events.append(stopped_event(number, draw(st.text())))
            continue
        if kind == "drop":
            events.append(dropped_event(number))
            continue
        until = steps[number] + draw(st.integers(1, 50))
        points = tuple(point(step, draw(st.floats(0, 1)), seconds=draw(st.floats(0, 9)),
                             rows=draw(st.sampled_from(["rung", "all"])))
                       for step in draw(st.sets(st.integers(steps[number], until), max_size=3)))
        failure = draw(st.none() | st.just("lost"))
        trial = Trial.from_table(next(e["trial"] for e in events if e["event"] == "trial" and e["trial"]["number"] == number))
        events.append(stage_event(Stage(trial, steps[number], until, until)))
        events.append(result_event(StageResult(
            number, until, points, draw(st.none() | st.just(Path("checkpoints") / "a.safetensors")), Costs(
                draw(st.floats(0, 99)), draw(st.floats(0, 99)), peak_memory=draw(st.integers(0, 10**12))), failure)))
        steps[number] = until
    return events


@settings(max_examples=100, deadline=None)
@given(events=_histories())
def test_the_fold_over_events_read_from_disk_is_the_live_study(events: list[Event]) -> None:
    live, folded = new_study(), new_study()
    for event in events:
        live.apply(event)
        folded.apply(json.loads(json.dumps(plain(event))))
    assert folded == live
    assert live.levels == LEVELS
    assert folded.observations() == live.observations()
    assert [record.trial.number for record in folded.ranked()] == [record.trial.number for record in live.ranked()]


def test_a_quota_takes_the_worst_first_and_the_default_last() -> None:
    study = new_study()
    for value, step in ((0.2, TOTAL), (0.9, 10), (0.5, 10), (0.7, TOTAL), (None, 3)):
        add_trial(study, BASE, value, step)
    assert _numbers(study.least_wanted_first()) == [4, 2, 1, 3, 0]
    study.apply(stage_event(Stage(study.records[2].trial, 10, 30, TOTAL)))
    study.apply(dropped_event(3))
    assert _numbers(study.least_wanted_first()) == [4, 1, 0], "one runs, one has been dropped"


def test_a_quota_takes_a_recipes_other_replicates_before_its_first() -> None:
    assert _numbers(_repeated(0.5, 0.5, 0.9, 0.9, 0.1, 0.1).least_wanted_first()) == [5, 4, 3, 2, 1, 0]


def test_failures_are_told_by_the_commonest_kind_of_reason() -> None:
    study = new_study()
    for reason in ("the worker was killed", "the loss is nan at step 31, learning rate 3.1e-05",
                   "the loss is nan at step 7, learning rate 0.1"):
        add_trial(study, BASE, None, 0, failure=reason, checkpoint=None)
    add_trial(study, BASE, 0.5, TOTAL)
    assert study.failures() == {"number": 3, "of": 4, "reason": "the loss is nan at step 31, learning rate 3.1e-05"}
    assert new_study().failures() == {"number": 0, "of": 0, "reason": ""}


def test_replayed_steps_are_told_apart() -> None:
    study = new_study()
    trial = study.records[add_trial(study, BASE, 0.5, 10, costs=Costs(seconds=4.0))].trial
    study.apply(dropped_event(0))
    study.apply(stage_event(Stage(trial, 0, 30, TOTAL, reached=10)))
    study.apply(result_event(StageResult(0, 30, (point(30, 0.6, seconds=8.0),), costs=Costs(
        seconds=8.0, replayed_steps=10, replay_seconds=4.5))))
    costs = _record(study).costs
    assert (costs.seconds, costs.replayed_steps, costs.replay_seconds) == (12.0, 10, 4.5)
    assert [seen.seconds for seen in _record(study).points] == [0.0, 12.0]


def test_a_space_that_was_tried_whole_is_known_from_the_journal() -> None:
    study = new_study()
    study.apply(exhausted_event(6))
    assert study.exhausted


def _running(study: Study, until: int) -> None:
    """Trial 0 is on its way to a step."""
    study.apply(stage_event(Stage(_record(study).trial, _record(study).step, until, TOTAL)))


@pytest.mark.parametrize("steps", [0, 10])
def test_a_command_that_goes_on_finds_trials_as_they_were_before_the_stage_that_was_killed(steps: int) -> None:
    study = new_study()
    if steps:
        add_trial(study, BASE, 0.5, steps)
    else:
        study.apply(trial_event(new_trial(0, BASE, 0, "default")))
    before = (_record(study).state, _record(study).target, _record(study).step)
    _running(study, 30)
    assert _record(study).state is TrialState.RUNNING
    study.apply({"event": "resumed"})
    assert (_record(study).state, _record(study).target, _record(study).step) == before


def test_losses_count_for_one_stage_alone() -> None:
    study = new_study()
    study.apply(trial_event(new_trial(0, BASE, 0, "default")))
    _running(study, 10)
    for count in (1, 2):
        study.apply(lost_event(Lost(0, "killed")))
        assert (_record(study).losses, _record(study).state) == (count, TrialState.RUNNING)
    study.apply(result_event(StageResult(0, 10, (point(10, 0.5),))))
    assert _record(study).losses == 0


def test_what_ended_trials_before_a_study_was_extended_is_of_the_past() -> None:
    study = new_study()
    add_trial(study, BASE, 0.5, TOTAL)
    for role in (FINAL, FRESH):
        study.apply(trial_event(new_trial(len(study.records), role=role, parent=0)))
    assert [record.trial.number for record in study.ends(FINAL)] == [1]
    assert [record.trial.number for record in study.ends(FRESH)] == [2]
    study.apply({"event": "resumed"})
    assert len(study.ends(FINAL)) == 1
    study.apply({"event": "extended"})
    assert study.ends(FINAL) == study.ends(FRESH) == []
    study.apply(trial_event(new_trial(3, role=FINAL, parent=0)))
    assert [record.trial.number for record in study.ends(FINAL)] == [3]
    assert [record.trial.number for record in study.search_records()] == [0]
