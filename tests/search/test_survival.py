"""A search that is killed before any event of its journal can be written, and gone on with, decides as one that was not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from simulated import BASE, SHAPE, WORK, SimulatedEngine, new_study

from luthier.api.earlier import Earlier, take_up
from luthier.api.export import decided
from luthier.api.folder import RunFolder
from luthier.api.settings import Command
from luthier.recipes.space import parse_space
from luthier.recipes.trial import Progress, Stage, TrialState
from luthier.search.finals import Finals, FreshFinals
from luthier.search.journal import Event, Journal, read_journal
from luthier.search.loop import Search
from luthier.search.samplers import AutoSampler, DefaultFirst, EqualWork
from luthier.search.schedulers import AshaScheduler, FullRuns, MedianScheduler, Scheduler
from luthier.search.study import Study
from luthier.sharing.quota import Quota

SPACE = parse_space({"learning_rate": "1e-5..1e-2:log", "batch_size": "8,16,32", "frozen_layers": "0..6"}, BASE)
SAMPLER = EqualWork(DefaultFirst(BASE, AutoSampler(SPACE, 1, first=1)), SHAPE, WORK)


class Killed(BaseException):
    """What stands for SIGKILL: nothing handles it."""


class Mortal(Journal):
    """A journal whose writer is killed where it would write one event more than `lives`."""

    lives = 10**9

    def append(self, event: Event) -> None:
        """Write, or die."""
        if self.lives == 0:
            raise Killed
        self.lives -= 1
        super().append(event)


@dataclass
class Silent:
    """A watcher that hears nothing."""

    def say(self, line: str) -> None:
        """Nothing."""

    def update(self, study: Study, running: dict[int, Progress]) -> None:
        """Nothing."""


def _session(path: Path, scheduler: Scheduler, lives: int, quota: Quota, slots: int = 1, lose: Any = None) -> Study:
    """One command's work on a run, as api/session.py does it: begin or take up, search, fresh finals, finals."""
    folder, study = RunFolder(path), new_study()
    folder.checkpoints.mkdir(parents=True, exist_ok=True)
    events = list(read_journal(folder.journal)) if folder.journal.exists() else []
    engine = SimulatedEngine(slots=slots, **({"lose": lose} if lose else {}))
    with Mortal(folder.journal, again=True) as journal:
        journal.lives = lives
        if events:
            going_on = take_up(study, Earlier(folder, events, Command.TUNE, {}, "", 0.0), more=False)
            journal.append(going_on)
            study.apply(going_on)
        search = Search(study, journal, engine, folder.checkpoints, Silent(), lambda: False, curve_points=3, quota=quota)
        search.run(scheduler, SAMPLER)
        search.run(FreshFinals(2, 2, folds=True), None)
        search.run(Finals(2), None)
    return study


def _decisions(path: Path) -> list[Event]:
    return list(decided(read_journal(path / "journal.jsonl")))


@pytest.mark.parametrize(("scheduler", "quota", "every"), [
    (AshaScheduler(5), Quota(), 3), (AshaScheduler(5), Quota(24), 7), (MedianScheduler(5), Quota(24), 7),
    (FullRuns(3), Quota(), 7)])
def test_killed_before_any_event_it_decides_alike(scheduler: Scheduler, quota: Quota, every: int, tmp_path: Path) -> None:
    whole = _session(tmp_path / "calm", scheduler, 10**9, quota)
    calm = _decisions(tmp_path / "calm")
    events = len(list(read_journal(tmp_path / "calm" / "journal.jsonl")))
    assert events > 30 and {"trial", "run"} <= {event["event"] for event in calm}
    for lives in range(0, events, every):
        path = tmp_path / f"killed-{lives}"
        with pytest.raises(Killed):
            _session(path, scheduler, lives, quota)
        study = _session(path, scheduler, 10**9, quota)
        assert _decisions(path) == calm
        assert {number: record.state for number, record in study.records.items()} == {
            number: record.state for number, record in whole.records.items()}


@pytest.mark.parametrize("slots", [1, 3])
def test_killed_every_few_events_it_still_ends(slots: int, tmp_path: Path) -> None:
    deaths = 0
    while deaths < 200:
        try:
            study = _session(tmp_path, AshaScheduler(6), 5 + deaths % 4, Quota(), slots)
            break
        except Killed:
            deaths += 1
    assert 5 < deaths < 200 and study.running() == []
    assert len(study.search_records()) == 6 and all(record.state is not TrialState.FAILED for record in study.records.values())
    numbers = [event["trial"]["number"] for event in read_journal(tmp_path / "journal.jsonl") if event["event"] == "trial"]
    assert numbers == sorted(set(numbers)) == list(study.records)


def test_a_stage_whose_worker_is_lost_twice_is_run_a_third_time(tmp_path: Path) -> None:
    losses: dict[tuple[int, int], int] = {}

    def lose(stage: Stage) -> bool:
        key = (stage.trial.number, stage.until)
        losses[key] = losses.get(key, 0) + 1
        return losses[key] <= 2

    _session(tmp_path / "calm", AshaScheduler(4), 10**9, Quota())
    study = _session(tmp_path / "unlucky", AshaScheduler(4), 10**9, Quota(), lose=lose)
    assert set(losses.values()) == {3} and all(record.losses == 0 for record in study.records.values())
    assert _decisions(tmp_path / "unlucky") == _decisions(tmp_path / "calm")


def test_a_stage_whose_worker_is_lost_three_times_fails_its_trial_alone(tmp_path: Path) -> None:
    tried: list[int] = []

    def lose(stage: Stage) -> bool:
        if stage.trial.number == 1:
            tried.append(stage.until)
        return stage.trial.number == 1

    study = _session(tmp_path, FullRuns(4), 10**9, Quota(), lose=lose)
    assert len(tried) == 3 and study.records[1].state is TrialState.FAILED
    assert study.records[1].reason == "the worker was killed, 3 times"
    assert {record.state for number, record in study.records.items() if number != 1} == {TrialState.COMPLETE}
