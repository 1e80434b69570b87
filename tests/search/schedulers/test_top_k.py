"""One epoch, then the best third to the end: the control."""

from __future__ import annotations

from simulated import BASE, add_trial, new_study, peak_at_3e4, play

from luthier.recipes.trial import TrialState
from luthier.search.schedulers import Ask, Done, Run, Stop, TopKScheduler
from luthier.search.schedulers.top_k import GROUP, SHARE

OTHER = BASE.replace(dropout=0.2)
RATES = [BASE, *(BASE.replace(learning_rate=10 ** (-5 + i / 4)) for i in range(11))]


def test_every_recipe_has_one_epoch_and_the_best_third_goes_on() -> None:
    study = new_study()
    played = play(TopKScheduler(12), study, RATES, peak_at_3e4)
    complete = {number for number, record in study.records.items() if record.state is TrialState.COMPLETE}
    best = sorted(range(1, 12), key=lambda n: -peak_at_3e4(RATES[n], 10))[:4]
    assert complete == {0, *best}
    assert played.stages_of(0) == [(0, 90)], "the default is always run to its end"
    assert all(played.stages_of(number)[0] == (0, 10) for number in range(1, 12))
    assert all(played.stages_of(number)[1:] == ([(10, 90)] if number in best else []) for number in range(1, 12))
    assert set(played.stopped()) == set(range(12)) - complete


def test_an_epoch_is_fewer_steps_of_larger_batches_and_never_beyond_the_end() -> None:
    large, short = BASE.replace(batch_size=64), BASE.replace(epochs=0.5)
    played = play(TopKScheduler(3), new_study(), [BASE, large, short])
    assert played.stages_of(1)[0] == (0, 3) and played.stages_of(2) == [(0, 5)]


def test_nobody_is_judged_before_all_have_had_their_epoch() -> None:
    study = new_study()
    add_trial(study, BASE, 0.5, 90)
    add_trial(study, OTHER, 0.9, 10)
    assert TopKScheduler(3).next(study) == Ask()
    add_trial(study, OTHER, 0.8, 10)
    assert TopKScheduler(3).next(study) == Run(1, 90)


def test_where_only_time_ends_the_search_groups_of_nine_are_judged_one_after_another() -> None:
    study = new_study()
    add_trial(study, BASE, 0.5, 90)
    for value in range(1, GROUP):
        add_trial(study, OTHER, value / 10, 10)
    scheduler, gone_on = TopKScheduler(), []
    while not isinstance(action := scheduler.next(study), Ask):
        number = action.trial  # type: ignore[union-attr]
        study.records[number].state = TrialState.RUNNING if isinstance(action, Run) else TrialState.STOPPED
        study.records[number].target = 90
        gone_on += [number] if isinstance(action, Run) else []
    assert gone_on == [6, 7, 8] and len(gone_on) == GROUP // SHARE
    add_trial(study, OTHER, 0.99, 10)
    assert scheduler.next(study) == Ask(), "the next group is not whole yet"


def test_a_space_tried_whole_ends_with_the_best_third_of_what_there_is() -> None:
    study = new_study()
    add_trial(study, BASE, 0.5, 90)
    study.records[0].state = TrialState.COMPLETE
    for value in (0.1, 0.9, 0.2, 0.3, 0.8):
        add_trial(study, OTHER, value, 10)
    study.exhausted = True
    scheduler = TopKScheduler()
    kept = []
    while not isinstance(action := scheduler.next(study), Done):
        number = action.trial  # type: ignore[union-attr]
        study.records[number].state = TrialState.COMPLETE if isinstance(action, Run) else TrialState.STOPPED
        kept += [number] if isinstance(action, Run) else []
    assert kept == [2, 5]


def test_a_trial_that_was_cut_is_taken_up() -> None:
    study = new_study()
    add_trial(study, BASE, 0.5, 90)
    add_trial(study, OTHER, 0.99, 4)
    assert TopKScheduler(3).next(study) == Run(1, 10)


def test_a_recipe_that_failed_on_one_seed_stops_on_the_other() -> None:
    study = new_study(repeats=2)
    for value, step in ((0.5, 90), (0.5, 90), (0.99, 10), (0.99, 10), (0.1, 10), (0.1, 10)):
        add_trial(study, OTHER, value, step)
    study.records[3].state = TrialState.FAILED
    assert TopKScheduler(3).next(study) == Stop(2, "the recipe failed on another seed")


def test_recipes_on_two_seeds_are_judged_by_their_mean_and_go_on_together() -> None:
    study = new_study(repeats=2)
    for value, step in ((0.5, 90), (0.5, 90), (0.9, 10), (0.1, 10), (0.6, 10), (0.6, 10)):
        number = add_trial(study, OTHER, value, step)
        if number < 2:
            study.records[number].state = TrialState.COMPLETE
    stopped, on = [], []
    scheduler = TopKScheduler(3)
    while not isinstance(action := scheduler.next(study), Done):
        number = action.trial  # type: ignore[union-attr]
        study.records[number].state = TrialState.COMPLETE if isinstance(action, Run) else TrialState.STOPPED
        (on if isinstance(action, Run) else stopped).append(number)
    assert (stopped, on) == ([2, 3], [4, 5])


def test_a_schedule_with_a_horizon_is_run_to_its_end() -> None:
    played = play(TopKScheduler(3), new_study(), [BASE, OTHER.replace(schedule="linear"), OTHER])
    assert played.stages_of(1) == [(0, 90)]
