"""MAIN LOOP 2, driven by a simulated engine: the journal is the truth, and nothing that happens to a worker ends the study."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated import BASE, SHAPE, WORK, ListSampler, SimulatedEngine, new_study, peak_at_3e4

from luthier.errors import RunError
from luthier.recipes.recipe import Recipe
from luthier.recipes.seeds import HeldSeeds, Seeds
from luthier.recipes.space import parse_space
from luthier.recipes.trial import EngineEvent, Finished, Progress, Stage, StageResult, Trial, TrialState
from luthier.search.finals import Finals, decayed_total
from luthier.search.journal import Journal, read_journal
from luthier.search.loop import KEPT_CHECKPOINTS, MOST_RETRIES, Search
from luthier.search.samplers import AutoSampler, DefaultFirst, EqualWork, GridSampler, RandomSampler, Sampler, TpeSampler
from luthier.search.schedulers import AshaScheduler, FullRuns, MedianScheduler, Scheduler
from luthier.search.study import FAILURES_IN_A_ROW, Study
from luthier.sharing.quota import Quota

SPACE = parse_space({"learning_rate": "1e-5..1e-2:log", "batch_size": "8,16,32", "frozen_layers": "0..6"}, BASE)
RECIPES = 16
RANDOM = EqualWork(DefaultFirst(BASE, RandomSampler(SPACE, 3)), SHAPE, WORK)


@dataclass
class Noted:
    """A watcher that notes what it is shown."""

    running: list[dict[int, Progress]] = field(default_factory=list)
    finished: list[int] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def say(self, line: str) -> None:
        """Note it."""
        self.said.append(line)

    def update(self, study: Study, running: dict[int, Progress]) -> None:
        """Note it."""
        self.running.append(dict(running))
        self.finished.append(sum(record.state is TrialState.COMPLETE for record in study.records.values()))


def _never() -> bool:
    return False


@dataclass
class Outcome:
    """What a search left."""

    study: Study
    engine: SimulatedEngine
    folder: Path
    journal: Path
    watcher: Noted

    def events(self, kind: str) -> list[dict[str, Any]]:
        """The journal's events of a kind."""
        return [event for event in read_journal(self.journal) if event["event"] == kind]

    def checkpoints(self) -> set[int]:
        """The trials whose checkpoint files are there."""
        return {int(file.stem.split("-")[1]) for file in self.folder.glob("trial-*.safetensors")}


def _search(folder: Path, scheduler: Scheduler, sampler: Sampler = RANDOM, *, engine: SimulatedEngine | None = None,
            deadline: float | None = None, interrupted: Callable[[], bool] = _never, finals: Finals | None = None,
            journal: str = "journal.jsonl", repeats: int = 1, held: HeldSeeds = Study.held, **options: Any) -> Outcome:
    """Run a search, and its finals where asked, to their end."""
    engine, study, watcher = engine or SimulatedEngine(), new_study(repeats=repeats), Noted()
    study.held = held
    with Journal(folder / journal) as stream:
        search = Search(study, stream, engine, folder / "checkpoints", watcher, interrupted, **options)
        search.run(scheduler, sampler, deadline)
        if finals is not None:
            search.interrupted = _never
            search.run(finals, None)
    return Outcome(study, engine, folder / "checkpoints", folder / journal, watcher)


def _folded(path: Path, like: Study) -> Study:
    """The study that a journal tells of."""
    study = new_study(repeats=like.repeats)
    study.held = like.held
    for event in read_journal(path):
        study.apply(event)
    return study


def _check(outcome: Outcome) -> None:
    """What holds after any search."""
    assert _folded(outcome.journal, outcome.study) == outcome.study
    assert outcome.study.running() == []
    for record in outcome.study.records.values():
        for step, file in record.checkpoints.items():
            if record.trial.parent is None:
                assert file.read_text() == f"{record.trial.number} {step}"
            assert record.last is None or record.last.step <= record.step, "a value of weights that are gone"


@settings(max_examples=25, deadline=None)
@given(slots=st.integers(1, 4), trials=st.integers(1, 14), kind=st.sampled_from([AshaScheduler, MedianScheduler, FullRuns]),
       unlucky=st.sets(st.integers(0, 40), max_size=6), failing=st.sets(st.integers(0, 40), max_size=6),
       deadline=st.none() | st.floats(0, 6), curve_points=st.integers(0, 4), repeats=st.integers(1, 3))
def test_the_journal_folded_afresh_is_the_live_study(
        slots: int, trials: int, kind: Callable[[int], Scheduler], unlucky: set[int], failing: set[int],
        deadline: float | None, curve_points: int, repeats: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever the slots, the scheduler, the workers lost, the trials failed, and the time given."""
    def among(chosen: set[int]) -> Callable[[Stage], bool]:
        return lambda stage: engine.submitted.index(stage) in chosen

    engine = SimulatedEngine(slots=slots, lose=among(unlucky), fail=among(failing))
    outcome = _search(tmp_path_factory.mktemp("search"), kind(trials), engine=engine, deadline=deadline,
                      finals=Finals(challengers=2), curve_points=curve_points, repeats=repeats)
    _check(outcome)
    assert len(outcome.study.search_records()) <= trials * repeats


@pytest.mark.parametrize("repeats", [1, 2])
@pytest.mark.parametrize("scheduler", [AshaScheduler.generous(RECIPES), MedianScheduler(RECIPES), FullRuns(RECIPES)])
@pytest.mark.parametrize("others", [AutoSampler(SPACE, 1, first=1), TpeSampler(SPACE, 1)])
def test_every_sampler_goes_with_every_scheduler(
        others: Sampler, scheduler: Scheduler, repeats: int, tmp_path: Path) -> None:
    sampler = EqualWork(DefaultFirst(BASE, others), SHAPE, WORK)
    outcome = _search(tmp_path, scheduler, sampler, engine=SimulatedEngine(slots=2), finals=Finals(2), repeats=repeats)
    _check(outcome)
    recipes = outcome.study.recipes()
    assert [len(replicates) for replicates in recipes] == [repeats] * RECIPES
    for replicates in recipes:
        assert [record.trial.seed for record in replicates] == list(range(repeats))
        assert [record.trial.seeds for record in replicates] == [Seeds.all(seed) for seed in range(repeats)]
        assert len({(record.trial.recipe.hash, record.trial.role, record.step) for record in replicates}) == 1
    assert {record.state for record in recipes[0]} == {TrialState.COMPLETE}
    assert any(record.state is TrialState.STOPPED for record in outcome.study.records.values()) or scheduler == FullRuns(RECIPES)
    finals = [record.trial for record in outcome.study.records.values() if record.trial.parent is not None]
    assert finals[0].parent == 0
    assert {final.seed for final in finals} == {0}


def test_a_grid_of_12_cells_on_3_seeds_is_36_trials_of_which_none_is_stopped(tmp_path: Path) -> None:
    space = parse_space({"learning_rate": "grid(1e-5..1e-3,3):log", "dropout": "0,0.1", "frozen_layers": "0,half"}, BASE)
    sampler = EqualWork(GridSampler(space), SHAPE, WORK)
    outcome = _search(tmp_path, FullRuns(12), sampler, engine=SimulatedEngine(slots=2), finals=Finals(2), repeats=3)
    _check(outcome)
    search = outcome.study.search_records()
    assert len(search) == 36
    assert {record.state for record in search} == {TrialState.COMPLETE}
    assert len({record.trial.recipe.hash for record in search}) == 12
    assert Counter(record.trial.seed for record in search) == {0: 12, 1: 12, 2: 12}
    assert Counter(record.trial.role for record in search) == {"default": 3, "grid": 33}
    default = outcome.study.default
    assert default is not None and default.trial.recipe.replace(epochs=9, warmup_steps=30) == BASE
    assert next(record.trial.parent for record in outcome.study.records.values() if record.trial.role == "final") == (
        default.trial.number)


def test_sources_of_randomness_can_be_held_in_every_trial(tmp_path: Path) -> None:
    outcome = _search(tmp_path, FullRuns(2), repeats=2, held=HeldSeeds(order=5), finals=Finals(1))
    assert [record.trial.seeds for record in outcome.study.records.values()] == [
        Seeds(0, 5, 0), Seeds(1, 5, 1), Seeds(0, 5, 0), Seeds(1, 5, 1), Seeds(0, 5, 0), Seeds(0, 5, 0)]


def test_a_sampler_is_asked_once_a_recipe(tmp_path: Path) -> None:
    asked: list[tuple[int, list[int]]] = []

    @dataclass(frozen=True)
    class Asked:
        def suggest(self, observations: Any, number: int) -> Any:
            asked.append((number, [seen.number for seen in observations]))
            return ListSampler([BASE]).suggest(observations, number)

    _search(tmp_path, FullRuns(3), Asked(), repeats=3)
    assert asked == [(0, []), (1, [0]), (2, [0, 1])]


def test_a_search_tries_every_trial_and_ends(tmp_path: Path) -> None:
    outcome = _search(tmp_path, FullRuns(5))
    _check(outcome)
    assert [record.state for record in outcome.study.records.values()] == [TrialState.COMPLETE] * 5
    assert outcome.study.records[0].trial.role == "default"
    told = [event["event"] for event in read_journal(outcome.journal) if event["event"] != "dropped"]
    assert told == ["trial", "stage", "result"] * 5


def test_asha_saves_work_and_still_finishes_the_default_and_the_best(tmp_path: Path) -> None:
    recipes = [BASE, *(BASE.replace(learning_rate=rate) for rate in (1e-5, 3e-5, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 6e-2))]
    sampler = ListSampler(recipes)
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    full, asha = _search(tmp_path / "a", FullRuns(9), sampler), _search(tmp_path / "b", AshaScheduler(9), sampler)
    assert asha.engine.now() < 0.6 * full.engine.now()
    best = asha.study.ranked()[0]
    assert best.trial.recipe.learning_rate == 3e-4
    assert {asha.study.records[0].state, best.state} == {TrialState.COMPLETE}
    assert full.study.ranked()[0].trial.recipe == best.trial.recipe


@pytest.mark.parametrize("scheduler", [AshaScheduler(12), FullRuns(12)])
def test_two_runs_on_one_slot_write_equal_journals(scheduler: Scheduler, tmp_path: Path) -> None:
    sampler = EqualWork(DefaultFirst(BASE, AutoSampler(SPACE, 1, first=1)), SHAPE, WORK)
    written = []
    for name in ("a.jsonl", "b.jsonl"):
        outcome = _search(tmp_path, scheduler, sampler, finals=Finals(2), journal=name, curve_points=3)
        written.append(outcome.journal.read_bytes())
        shutil.rmtree(outcome.folder)  # the second begins as the first did
    assert written[0] == written[1]
    assert len(written[0].splitlines()) > 36


def test_decisions_do_not_rest_on_the_clock(tmp_path: Path) -> None:
    """A machine of another speed takes the same decisions, with the same scores."""
    told = []
    for name, speed in (("slow", WORK / 7), ("fast", WORK * 5)):
        (tmp_path / name).mkdir()
        outcome = _search(tmp_path / name, AshaScheduler(10), engine=SimulatedEngine(speed=speed))
        told.append([(event["event"], event.get("until"), event.get("step"), event.get("reason"))
                     for event in read_journal(outcome.journal)])
    assert told[0] == told[1]


def test_slots_are_all_used_and_never_more(tmp_path: Path) -> None:
    alone, three = (tmp_path / name for name in ("one", "three"))
    alone.mkdir(), three.mkdir()
    one = _search(alone, FullRuns(9), ListSampler([BASE])).engine.now()
    assert _search(three, FullRuns(9), ListSampler([BASE]), engine=SimulatedEngine(slots=3)).engine.now() == pytest.approx(one / 3)


def test_the_deadline_ends_what_runs_and_begins_nothing_more(tmp_path: Path) -> None:
    outcome = _search(tmp_path, FullRuns(None), engine=SimulatedEngine(slots=2), deadline=2.3)
    _check(outcome)
    assert len(outcome.engine.cancelled) == 2
    assert 2.3 <= outcome.engine.now() < 2.3 + 0.2 + 0.1  # one wait, and one step
    cut = [outcome.study.records[number] for number in outcome.engine.cancelled]
    assert all(record.state is TrialState.PAUSED and 0 < record.step < record.target for record in cut)
    assert all(record.last is not None and record.last.step == record.step for record in cut)
    assert len(outcome.study.records) == len(outcome.engine.submitted) == 8


def test_a_deadline_that_has_passed_begins_nothing(tmp_path: Path) -> None:
    outcome = _search(tmp_path, FullRuns(3), deadline=0.0)
    assert outcome.study.records == {}
    assert list(read_journal(outcome.journal)) == []


def test_an_interrupt_ends_what_runs_and_the_finals_can_still_be_run(tmp_path: Path) -> None:
    engine = SimulatedEngine()
    outcome = _search(tmp_path, FullRuns(None), engine=engine, interrupted=lambda: engine.now() > 2.3,
                      finals=Finals(challengers=1, decay=False))
    _check(outcome)
    assert engine.cancelled == [2]
    assert outcome.study.records[2].state is TrialState.PAUSED
    finals = [record for record in outcome.study.records.values() if record.trial.parent is not None]
    assert {record.trial.parent for record in finals} >= {0}
    assert all(record.state is TrialState.COMPLETE for record in finals)


def test_stages_are_cancelled_only_once(tmp_path: Path) -> None:
    engine = SimulatedEngine(speed=WORK / 500)  # a step takes many waits
    outcome = _search(tmp_path, FullRuns(1), engine=engine, deadline=1.0)
    assert engine.cancelled == [0]
    assert outcome.study.records[0].step == 1


def test_a_stage_whose_worker_is_lost_every_time_makes_a_failed_trial_and_the_study_goes_on(tmp_path: Path) -> None:
    engine = SimulatedEngine(slots=2, lose=lambda stage: stage.trial.number == 1)
    outcome = _search(tmp_path, FullRuns(4), engine=engine)
    _check(outcome)
    lost = outcome.study.records[1]
    assert (lost.state, lost.reason, lost.step, lost.checkpoints) == (TrialState.FAILED, "the worker was killed, 3 times", 0, {})
    assert [event["trial"] for event in outcome.events("lost")] == [1] * (1 + MOST_RETRIES)
    assert [outcome.study.records[number].state for number in (0, 2, 3)] == [TrialState.COMPLETE] * 3
    (seen,) = [seen for seen in outcome.study.observations() if seen.number == 1]
    assert seen.value is None


def test_a_stage_whose_worker_is_lost_is_run_again_to_the_same_end(tmp_path: Path) -> None:
    """What was lost shows in the journal alone: decisions and scores are those of a study that lost nothing."""
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    times: Counter[tuple[int, int]] = Counter()

    def twice(stage: Stage) -> bool:
        times[stage.trial.number, stage.until] += 1
        return stage.trial.number in (0, 2, 5) and times[stage.trial.number, stage.until] <= MOST_RETRIES

    smooth = _search(tmp_path / "a", AshaScheduler(6), finals=Finals(1))
    rough = _search(tmp_path / "b", AshaScheduler(6), engine=SimulatedEngine(lose=twice), finals=Finals(1))
    _check(rough)
    assert len(rough.events("lost")) >= 3 * MOST_RETRIES
    assert [(record.trial, record.state, record.step, [(p.step, p.metrics) for p in record.points])
            for record in rough.study.records.values()] == [
        (record.trial, record.state, record.step, [(p.step, p.metrics) for p in record.points])
        for record in smooth.study.records.values()]
    assert any("Its stage is run again" in line for line in rough.watcher.said)


def test_a_stage_lost_while_the_search_ends_is_ended_too(tmp_path: Path) -> None:
    engine = SimulatedEngine(lose=lambda stage: engine.now() > 0.45 and engine.submitted.count(stage) == 1)
    outcome = _search(tmp_path, FullRuns(None), engine=engine, deadline=0.5)
    _check(outcome)
    assert engine.cancelled == [0, 0]
    assert outcome.study.records[0].state is TrialState.PAUSED and outcome.study.records[0].step < 10


@pytest.mark.parametrize("events", [3, 7, 12, 20, 30])
def test_a_search_that_goes_on_from_a_cut_journal_decides_as_one_that_was_never_cut(events: int, tmp_path: Path) -> None:
    """On one slot, wherever the journal ends: what was under way is run again."""
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    sampler = EqualWork(DefaultFirst(BASE, AutoSampler(SPACE, 1, first=1)), SHAPE, WORK)
    whole = _search(tmp_path / "a", AshaScheduler(7), sampler, finals=Finals(2), curve_points=3)
    cut = tmp_path / "b" / "journal.jsonl"
    shutil.copytree(whole.folder, tmp_path / "b" / "checkpoints")
    cut.write_bytes(b"".join(whole.journal.read_bytes().splitlines(keepends=True)[:events]) + b'{"event": "resu')
    study = new_study()
    for event in read_journal(cut):
        study.apply(event)
    for record in study.records.values():
        record.checkpoints = {step: tmp_path / "b" / "checkpoints" / file.name for step, file in record.checkpoints.items()}
        for step, file in record.checkpoints.items():
            file.write_text(f"{record.trial.number} {step}")
    for model in (tmp_path / "b" / "checkpoints").glob("model-*"):
        model.rmdir()
    with Journal(cut, again=True) as stream:
        stream.append({"event": "resumed"})
        study.apply({"event": "resumed"})
        search = Search(study, stream, SimulatedEngine(), tmp_path / "b" / "checkpoints", Noted(), _never, curve_points=3)
        search.run(AshaScheduler(7), sampler)
        search.run(Finals(2), None)

    def decided(found: Study) -> list[Any]:
        return [(record.trial, record.state, record.reason, record.step, [(p.step, p.metrics) for p in record.points])
                for record in found.records.values()]

    assert decided(study) == decided(whole.study)


def test_a_full_disk_ends_the_search_and_says_how_to_go_on(tmp_path: Path) -> None:
    class Full(SimulatedEngine):
        """What the second trial makes cannot be written."""

        def _outcome(self, running: Any) -> Any:
            event = super()._outcome(running)
            number = running.stage.trial.number
            return Finished(StageResult(number, 0, failure="OSError: no room", disk_full=True)) if number == 1 else event

    with pytest.raises(RunError, match=r"Trial 1 cannot be written: the disk is full.*luthier resume"):
        _search(tmp_path, FullRuns(4), engine=Full())
    told = [event["trial"] for event in read_journal(tmp_path / "journal.jsonl") if event["event"] == "result"]
    assert told == [0], "the trial that could not be written did not fail: it is run again by whoever goes on"


def test_a_trial_lost_after_a_rung_keeps_what_it_had_reached(tmp_path: Path) -> None:
    engine = SimulatedEngine(lose=lambda stage: stage.trial.number == 0 and stage.start == 30)
    outcome = _search(tmp_path, AshaScheduler(1), engine=engine)
    _check(outcome)
    record = outcome.study.records[0]
    assert (record.state, record.step, record.value("macro_f1")) == (TrialState.FAILED, 30, peak_at_3e4(record.trial.recipe, 30))
    assert outcome.checkpoints() == {0}


@pytest.mark.parametrize("start", [0, 30])
def test_a_stage_that_fails_on_the_way_leaves_no_value_beyond_its_checkpoint(start: int, tmp_path: Path) -> None:
    """The weights of the evaluations after the last checkpoint are gone, so nothing may be chosen by them."""
    engine = SimulatedEngine(fail=lambda stage: stage.trial.number == 0 and stage.start == start)
    outcome = _search(tmp_path, AshaScheduler(1), engine=engine, curve_points=5)
    record = outcome.study.records[0]
    assert (record.state, record.step) == (TrialState.FAILED, start)
    assert record.last is None or record.last.step <= start
    _check(outcome)


def test_a_search_in_which_everything_fails_gives_up(tmp_path: Path) -> None:
    outcome = _search(tmp_path, AshaScheduler(None), engine=SimulatedEngine(fail=lambda stage: True))
    _check(outcome)
    assert len(outcome.study.records) == FAILURES_IN_A_ROW


def test_a_stopped_trial_gives_its_checkpoint_back(tmp_path: Path) -> None:
    outcome = _search(tmp_path, AshaScheduler.generous(9), ListSampler(
        [BASE, *(BASE.replace(learning_rate=rate) for rate in (3e-4, 2e-4, 4e-4, 1e-2, 3e-2, 1e-1, 2e-1, 3e-1))]))
    stopped = {event["trial"] for event in outcome.events("stopped")}
    assert stopped
    assert not stopped & outcome.checkpoints()
    assert {record.trial.number for record in outcome.study.records.values() if record.checkpoints} == outcome.checkpoints()


def test_only_the_checkpoints_that_may_be_wanted_are_kept(tmp_path: Path) -> None:
    outcome = _search(tmp_path, FullRuns(12))
    best = [record.trial.number for record in outcome.study.ranked()]
    assert outcome.checkpoints() == {0, *best[:KEPT_CHECKPOINTS]}
    assert len(outcome.events("dropped")) == 12 - len(outcome.checkpoints())


def test_finals_branch_off_the_weights_of_their_parents_and_leave_them(tmp_path: Path) -> None:
    outcome = _search(tmp_path, AshaScheduler(9), finals=Finals(challengers=2))
    _check(outcome)
    finals = [record for record in outcome.study.records.values() if record.trial.parent is not None]
    assert len(finals) == 3
    for record in finals:
        assert record.trial.parent is not None
        parent = outcome.study.records[record.trial.parent]
        stage = next(stage for stage in outcome.engine.submitted if stage.trial == record.trial)
        assert (stage.start, stage.checkpoint) == (parent.step, parent.checkpoints[parent.step])
        assert stage.until == stage.total_steps == record.step
        assert stage.save is None
        assert stage.deliver == outcome.folder / f"model-{record.trial.number}"
        assert stage.deliver.is_dir()
        assert record.trial.seed == parent.trial.seed
        assert [point.rows for point in record.points] == ["rung", "all"]


def test_stages_look_at_every_rung_on_their_way_and_at_the_curve_where_asked(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir(), (tmp_path / "curve").mkdir()
    plain = _search(tmp_path / "plain", FullRuns(1), ListSampler([BASE]))
    assert [point.step for point in plain.study.records[0].points] == [10, 30, 90]
    curve = _search(tmp_path / "curve", FullRuns(1), ListSampler([BASE]), curve_points=9)
    assert [point.step for point in curve.study.records[0].points] == [10, 20, 30, 40, 50, 60, 70, 80, 90]


def test_samplers_are_asked_with_what_is_known_at_that_moment(tmp_path: Path) -> None:
    asked: list[tuple[int, int]] = []

    @dataclass(frozen=True)
    class Asked:
        def suggest(self, observations: Any, number: int) -> Any:
            asked.append((number, len(observations)))
            return ListSampler([BASE]).suggest(observations, number)

    _search(tmp_path, FullRuns(5), Asked(), engine=SimulatedEngine(slots=2))
    assert asked == [(0, 0), (1, 0), (2, 2), (3, 2), (4, 4)]


def test_the_watcher_sees_progress_only_of_what_runs(tmp_path: Path) -> None:
    watcher = _search(tmp_path, FullRuns(4), engine=SimulatedEngine(slots=2, speed=WORK / 2)).watcher
    assert {number for running in watcher.running for number in running} == {0, 1, 2, 3}
    assert max(len(running) for running in watcher.running) == 2
    assert watcher.running[-1] == {}
    assert watcher.finished == sorted(watcher.finished)
    assert watcher.finished[-1] == 4


def test_every_line_of_the_journal_is_an_event_with_its_trial(tmp_path: Path) -> None:
    outcome = _search(tmp_path, AshaScheduler(6), finals=Finals(1))
    for line in outcome.journal.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        assert event["event"] in {"trial", "stage", "result", "stopped", "dropped"}
        number = event["trial"]["number"] if event["event"] == "trial" else event["trial"]
        assert number in outcome.study.records


def test_recipes_in_the_journal_are_whole(tmp_path: Path) -> None:
    outcome = _search(tmp_path, FullRuns(3))
    for event in outcome.events("trial"):
        assert Recipe.from_table(event["trial"]["recipe"]) == outcome.study.records[event["trial"]["number"]].trial.recipe
        assert set(event["trial"]["recipe"]) == set(Recipe().to_table())


KEPT_BYTES = 12
"""Room for two or three of the simulated engine's checkpoints, of four or five bytes each."""
TUNED = EqualWork(DefaultFirst(BASE, AutoSampler(SPACE, 1, first=1)), SHAPE, WORK)


def _decided(outcome: Outcome) -> list[tuple[Any, ...]]:
    """What was decided and seen, without where stages went on from."""
    return [(event["event"], event.get("trial"), event.get("until"), event.get("step"), event.get("reason"),
             [{name: value for name, value in point.items() if name != "seconds"} for point in event.get("points", ())])
            for event in read_journal(outcome.journal) if event["event"] != "dropped"]


@pytest.mark.parametrize("most", [0, 2 * KEPT_BYTES])
@pytest.mark.parametrize("repeats", [1, 2])
@pytest.mark.parametrize("scheduler", [AshaScheduler(12), MedianScheduler(12), FullRuns(12)])
def test_a_quota_changes_no_decision_and_no_point(scheduler: Scheduler, repeats: int, most: int, tmp_path: Path) -> None:
    found = []
    for name, quota in (("plenty", Quota()), ("little", Quota(most))):
        (tmp_path / name).mkdir()
        found.append(_search(tmp_path / name, scheduler, TUNED, finals=Finals(3), curve_points=4, repeats=repeats, quota=quota))
        _check(found[-1])
    plenty, little = found
    assert _decided(little) == _decided(plenty)
    assert sum(stage.reached > stage.start for stage in little.engine.submitted) > 0
    assert all(stage.reached == stage.start for stage in plenty.engine.submitted)
    for record in little.study.records.values():
        steps = [(point.step, point.rows) for point in record.points]
        assert len(set(steps)) == len(steps), "a point that was looked at twice"
        assert record.costs.seconds == pytest.approx(plenty.study.records[record.trial.number].costs.seconds, abs=1e-6)
    assert sum(record.costs.replay_seconds for record in little.study.records.values()) > 0


def test_a_quota_keeps_the_default_and_the_best(tmp_path: Path) -> None:
    outcome = _search(tmp_path, AshaScheduler(12), TUNED, quota=Quota(2 * KEPT_BYTES))
    kept, paused = outcome.checkpoints(), {record.trial.number for record in outcome.study.records.values()
                                           if record.state in (TrialState.PAUSED, TrialState.COMPLETE)}
    best = [record.trial.number for record in outcome.study.ranked() if record.trial.number in paused]
    assert 2 <= len(kept) < len(paused) and kept == {0, *best[:len(kept) - (0 not in best[:len(kept)])]}
    assert sum(file.stat().st_size for file in outcome.folder.iterdir()) <= KEPT_BYTES


def test_a_checkpoint_that_a_running_stage_goes_on_from_is_never_dropped(tmp_path: Path) -> None:
    """The simulated engine refuses to begin without it; the real one reads it some time after it was told to."""
    seen: list[set[Path]] = []

    @dataclass
    class Watched(SimulatedEngine):
        def events(self, timeout: float) -> Any:
            found = list(super().events(timeout))
            yield from found
            for running in self._running.values():
                if running.stage.checkpoint:
                    seen.append({running.stage.checkpoint})
                    assert running.stage.checkpoint.exists()

    _check(_search(tmp_path, AshaScheduler(14), engine=Watched(slots=3), finals=Finals(3), quota=Quota(20)))
    assert seen


@pytest.mark.parametrize("deadline", [0.6, 1.3, 1.75, 2.2, 3.1])
def test_a_replay_that_the_deadline_ends_leaves_the_trial_where_it_was(deadline: float, tmp_path: Path) -> None:
    outcome = _search(tmp_path, AshaScheduler(None), engine=SimulatedEngine(slots=2), deadline=deadline, finals=Finals(2),
                      quota=Quota(0), curve_points=3)
    _check(outcome)
    for record in outcome.study.records.values():
        assert record.last is None or record.step == record.last.step
        assert len({(point.step, point.rows) for point in record.points}) == len(record.points)
    finals = [record for record in outcome.study.records.values() if record.trial.parent is not None]
    assert finals and all(record.state is TrialState.COMPLETE for record in finals)


@pytest.mark.parametrize(("sampler", "repeats", "scheduler"), [
    (TpeSampler, 1, AshaScheduler(None)), (RandomSampler, 2, FullRuns(40)), (AutoSampler, 1, MedianScheduler(None))])
def test_no_recipe_is_run_twice_and_a_space_that_was_tried_whole_ends_the_search(
        tmp_path: Path, sampler: Any, repeats: int, scheduler: Any) -> None:
    space = parse_space({"batch_size": "8,16,32", "frozen_layers": "0..1"}, BASE)
    outcome = _search(tmp_path, scheduler, EqualWork(DefaultFirst(BASE, sampler(space, 1)), SHAPE, WORK), finals=Finals(2),
                      engine=SimulatedEngine(slots=2), repeats=repeats, fallback=EqualWork(RandomSampler(space, 5), SHAPE, WORK))
    _check(outcome)
    recipes = [replicates[0].trial.recipe.hash for replicates in outcome.study.recipes()]
    assert len(recipes) == len(set(recipes)) == 6
    assert [event["recipes"] for event in outcome.events("exhausted")] == [6]
    assert outcome.study.exhausted
    assert not any(record.state is TrialState.PAUSED for record in outcome.study.records.values())


def test_a_recipe_that_fails_is_not_tried_again(tmp_path: Path) -> None:
    space = parse_space({"batch_size": "8,16,32,64"}, BASE)
    outcome = _search(tmp_path, AshaScheduler(20), EqualWork(DefaultFirst(BASE, TpeSampler(space, 1)), SHAPE, WORK),
                      engine=SimulatedEngine(fail=lambda stage: stage.trial.recipe.batch_size == 64),
                      fallback=EqualWork(RandomSampler(space, 1), SHAPE, WORK))
    _check(outcome)
    assert sorted(record.trial.recipe.batch_size for record in outcome.study.records.values()) == [8, 16, 32, 64]
    failures = outcome.study.failures()
    assert (failures["number"], failures["of"], failures["reason"]) == (1, 4, "the loss is not finite")


def test_what_is_new_is_suggested_alike_each_time(tmp_path: Path) -> None:
    space = parse_space({"batch_size": "8,16,32", "frozen_layers": "0..3"}, BASE)
    written = []
    for name in ("a.jsonl", "b.jsonl"):
        outcome = _search(tmp_path, AshaScheduler(9), EqualWork(DefaultFirst(BASE, TpeSampler(space, 1)), SHAPE, WORK),
                          fallback=EqualWork(RandomSampler(space, 1), SHAPE, WORK), journal=name)
        written.append(outcome.journal.read_bytes())
        shutil.rmtree(outcome.folder)
    assert written[0] == written[1] and not outcome.study.exhausted
    assert len({record.trial.recipe.hash for record in outcome.study.records.values()}) == 9


def test_memory_that_runs_short_is_said_once_a_trial_and_kept(tmp_path: Path) -> None:
    class Short(SimulatedEngine):
        def _outcome(self, running: Any) -> EngineEvent:
            event = super()._outcome(running)
            return Finished(replace(event.result, part_tokens=512)) if isinstance(event, Finished) else event

    outcome = _search(tmp_path, AshaScheduler(3), engine=Short())
    trials = outcome.study.records
    assert sorted(outcome.watcher.said) == [
        f"  Trial {number}: parts of 512 tokens, for memory; the batch stays at {record.trial.recipe.batch_size} rows."
        for number, record in sorted(trials.items())]
    again = [stage for stage in outcome.engine.submitted if stage.start]
    assert again and all(stage.part_tokens == 512 for stage in again)
    assert all(event["part_tokens"] == 512 for event in outcome.events("result"))


def _overfits(trial: Trial, step: int) -> float:
    """Best after 30 steps, but for the default."""
    return 0.8 - abs(step - 30) / 200 if trial.recipe.learning_rate > BASE.learning_rate else 0.5


def test_a_final_of_an_earlier_rung_goes_on_from_there(tmp_path: Path) -> None:
    """The checkpoint of the rung where a trial was best is kept beside the newest one."""
    sampler = ListSampler([BASE, BASE.replace(learning_rate=2 * BASE.learning_rate)])
    outcome = _search(tmp_path, MedianScheduler(2), sampler, engine=SimulatedEngine(curve=_overfits), finals=Finals(1))
    _check(outcome)
    parent = outcome.study.records[1]
    assert parent.state is TrialState.COMPLETE and list(parent.checkpoints) == [30, parent.step]
    assert list(outcome.study.records[0].checkpoints) == [parent.step], "it never was better than at its end"
    (stage,) = [stage for stage in outcome.engine.submitted if stage.deliver and stage.trial.parent == 1]
    assert (stage.start, stage.reached, stage.checkpoint) == (30, 30, parent.checkpoints[30])
    assert stage.until == stage.total_steps == decayed_total(30, BASE.decay_share)
    assert outcome.study.records[stage.trial.number].costs.replayed_steps == 0


def test_a_final_of_an_earlier_rung_without_a_checkpoint_is_trained_again_up_to_there(tmp_path: Path) -> None:
    """Whole runs leave none on their way, so the steps before the decay are replayed, and not counted."""
    sampler = ListSampler([BASE, BASE.replace(learning_rate=2 * BASE.learning_rate)])
    outcome = _search(tmp_path, FullRuns(2), sampler, engine=SimulatedEngine(curve=_overfits), finals=Finals(1))
    _check(outcome)
    (stage,) = [stage for stage in outcome.engine.submitted if stage.deliver and stage.trial.parent == 1]
    assert (stage.start, stage.reached, stage.checkpoint) == (0, 30, None)
    assert stage.until == stage.total_steps == decayed_total(30, BASE.decay_share)
    final = outcome.study.records[stage.trial.number]
    assert final.state is TrialState.COMPLETE and final.costs.replayed_steps == 30
