"""What a run that has begun can be given more of."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from luthier.api.earlier import Begun, Earlier, check_more, open_earlier, settings_of, take_up
from luthier.api.folder import RunFolder
from luthier.api.settings import Command
from luthier.engines.local import Workforce
from luthier.errors import ConfigError
from luthier.recipes.recipe import Recipe
from luthier.recipes.seeds import Seeds
from luthier.recipes.trial import StageResult, Trial
from luthier.search.budget import Plan, Speed
from luthier.search.events import result_event, trial_event
from luthier.search.study import FRESH, Study
from luthier.sharing.quota import Quota
from luthier.sharing.work import Shape
from luthier.training.precision import Precision

PLAN = Plan(work=1.0, levels=(1.0,), challengers=1, fresh=0, curve_points=0, rung_rows=1, full_run_seconds=1.0, finals_seconds=1.0,
            scoring_seconds=1.0)


def _check(budget: tuple[float | None, float | None], trials: tuple[int | None, int | None], *, finished: bool = True) -> None:
    """Ask for more of a run: what it had, and what it is to have."""
    begun = Begun(PLAN, Speed(1.0, 1.0, 1.0), Precision.FP32, Workforce(1, 1), Quota(), True, "cpu", budget[0], trials[0])
    earlier = Earlier(RunFolder(Path("run")), [{"event": "done" if finished else "result"}], Command.TUNE, {}, "", 1.0)
    check_more(earlier, begun, budget[1], trials[1])


@pytest.mark.parametrize(("budget", "trials", "had"), [
    (None, 4, "more than --trials 4$"), (90.0, None, "more than --budget 90s$"),
    (90.0, 4, "more than --budget 90s and --trials 4$")])
def test_a_finished_run_is_refused_with_what_it_had(budget: float | None, trials: int | None, had: str) -> None:
    with pytest.raises(ConfigError, match=had):
        _check((budget, budget), (trials, trials))
    _check((budget, budget), (trials, trials), finished=False)


def test_more_is_taken_and_less_refused() -> None:
    _check((90.0, 120.0), (4, 4))
    _check((90.0, None), (4, 4))
    _check((None, None), (4, 5))
    for budget, trials in (((90.0, 60.0), (4, 4)), ((None, 60.0), (4, 4)), ((None, None), (4, 3)), ((90.0, 120.0), (4, 3))):
        with pytest.raises(ConfigError, match="not less"):
            _check(budget, trials, finished=False)


def test_what_a_run_has_is_what_it_was_last_given() -> None:
    """Else a run that was given more once could be given that again, and would train its finals anew for nothing."""
    first = {"event": "study", "plan": asdict(PLAN), "speed": asdict(Speed(1.0, 1.0, 1.0)), "precision": "fp32", "workers": 1,
             "threads": 1, "disk": 1, "trunk": True, "device": "cpu", "budget": 90.0, "trials": None}
    longer = replace(PLAN, search_until=100.0)
    more = {"event": "extended", "budget": 120.0, "trials": None, "plan": asdict(longer)}
    earlier = Earlier(RunFolder(Path("run")), [first, more, {"event": "done"}], Command.TUNE, {}, "", 1.0)
    begun = earlier.begun
    assert begun is not None and begun.budget == 120.0 and begun.plan == longer and begun.speed == Speed(1.0, 1.0, 1.0)
    with pytest.raises(ConfigError, match="more than --budget 120s"):
        check_more(earlier, begun, 120.0, None)


@pytest.mark.parametrize(("more", "closing", "kind"), [
    (False, False, "resumed"), (True, False, "resumed"), (False, True, "resumed"), (True, True, "extended")])
def test_finals_are_made_anew_where_the_search_goes_on_after_they_had_begun(
        tmp_path: Path, more: bool, closing: bool, kind: str) -> None:
    trial = Trial(0, Recipe(), 0, "default", Seeds.all(0))
    events = [trial_event(trial), result_event(StageResult(0, 1))]
    if closing:
        events += [trial_event(replace(trial, number=1, role=FRESH, parent=0))]
    study = Study(0, "accuracy", Shape(np.array([4]), 2), (1.0,))
    folder = RunFolder(tmp_path)
    folder.checkpoints.mkdir(parents=True)
    assert take_up(study, Earlier(folder, events, Command.TUNE, {}, "", 1.0), more)["event"] == kind


def test_the_finals_of_an_interrupted_run_are_not_counted_as_its_work(tmp_path: Path) -> None:
    """They are made anew, so that a bare `resume` has the time that was left of the search."""
    final, searched = {"number": 1, "parent": 0}, {"number": 0, "parent": None}
    events = [{"event": "trial", "trial": searched, "at": 1.0}, {"event": "result", "trial": 0, "at": 40.0},
              {"event": "trial", "trial": final, "at": 41.0}, {"event": "result", "trial": 1, "at": 70.0}]
    for last, seconds in (({"event": "done", "interrupted": True, "at": 90.0}, 40.0),
                          ({"event": "done", "interrupted": False, "at": 90.0}, 90.0), ({"event": "chosen", "at": 90.0}, 90.0)):
        folder = _folder(tmp_path / str(seconds) / last["event"], [*events, last])
        assert open_earlier(folder).seconds == seconds


def test_a_finished_run_whose_journal_is_gone_is_not_begun_anew(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "run", [])
    assert open_earlier(folder).events == []
    folder.results.write_text("{}", encoding="utf-8")
    with pytest.raises(ConfigError, match="its journal is gone"):
        open_earlier(folder)


def _folder(path: Path, events: list[dict[str, Any]]) -> RunFolder:
    """A run's folder with a journal of these events."""
    path.mkdir(parents=True)
    folder = RunFolder(path)
    whole = 'command = "tune"\n[settings]\n[data]\nhash = "abc"\n[recipe]\n[[model]]\nkey = ""\n'
    folder.config.write_text(whole, encoding="utf-8")
    folder.journal.write_text("".join(f"{json.dumps(event)}\n" for event in events), encoding="utf-8")
    return folder


def test_a_wrong_limit_is_not_the_fault_of_run_toml(tmp_path: Path) -> None:
    earlier = Earlier(RunFolder(tmp_path), [], Command.TUNE, {"data": "a.csv"}, "", 0.0)
    with pytest.raises(ConfigError, match=r"^trials = 0: must be at least 1"):
        settings_of(earlier, budget=None, trials=0)


@pytest.mark.parametrize(("last", "figure"), [("done", 0.7), ("result", None)])
def test_a_finished_run_tells_what_it_delivered_last(last: str, figure: float | None) -> None:
    events = [{"event": "tested", "test": {"value": value}} for value in (0.6, 0.7)]
    earlier = Earlier(RunFolder(Path("run")), [*events, {"event": last}], Command.TUNE, {}, "", 1.0)
    assert earlier.delivered == (figure and {"value": figure})
