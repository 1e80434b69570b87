"""`luthier watch` and `luthier export` of folders as runs leave them: at work, killed, finished."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from luthier.api.export import export
from luthier.api.folder import RunFolder
from luthier.api.progress import Shown, read_progress
from luthier.cli import follow as module
from luthier.cli.follow import Watched, follow
from luthier.config import write_toml
from luthier.errors import ConfigError, RunError
from luthier.recipes.recipe import Recipe
from luthier.recipes.seeds import HeldSeeds
from luthier.recipes.trial import Lost, Point, Progress, Stage, StageResult, Trial
from luthier.search.budget import Plan
from luthier.search.events import dropped_event, lost_event, result_event, stage_event, stopped_event, trial_event
from luthier.search.journal import Event, Follower, Journal
from luthier.search.study import Study
from luthier.sharing.work import Shape

SHAPE = Shape(np.array([4, 9, 9, 12]), 2, models={"": Shape(np.array([5, 5]), 3)})
PLAN = Plan(work=9.0, levels=(3.0, 9.0), challengers=3, fresh=0, curve_points=0, rung_rows=10, full_run_seconds=1.0,
            finals_seconds=30.0, scoring_seconds=10.0)
BEGUN: Event = {
    "event": "study", "command": "tune", "seed": 3, "metric": "macro_f1", "repeats": 1, "held_seeds": {"order": 5},
    "plan": asdict(PLAN), "precision": "fp32", "trials": 8, "own_epochs": True, "shape": SHAPE.to_table(),
    "speed": {"training": 1.5}}
RECIPE = Recipe(epochs=10, batch_size=2)
TRIALS = [Trial(number, RECIPE, 3, role, HeldSeeds().seeds(3)) for number, role in enumerate(["default", "tpe"])]


def _result(number: int, step: int, seconds: float, name: str) -> Event:
    points = (Point(step, 1.0, 2.0, seconds, "rung", "ema", {"macro_f1": 0.1 + 0.2}),)
    return result_event(StageResult(number, step, points, Path(name)))


SEARCH: list[Event] = [
    BEGUN, trial_event(TRIALS[0]), stage_event(Stage(TRIALS[0], 0, 7, 20)), _result(0, 7, 1.5, "a"), trial_event(TRIALS[1]),
    stage_event(Stage(TRIALS[1], 0, 7, 20)), _result(1, 7, 1.5, "b"), stopped_event(1, "place 2 of 2 after 7 steps"),
    stage_event(Stage(TRIALS[0], 7, 20, 20, reached=7)), _result(0, 20, 2.0, "a")]
END: list[Event] = [{"event": "chosen", "trial": 0, "reason": "the best"},
                    {"event": "tested", "trial": 0, "test": {"value": 0.75, "low": 0.5, "high": 0.875}}]
DONE: Event = {"event": "done", "interrupted": False}


def _folder(path: Path, events: list[Event], **settings: Any) -> RunFolder:
    path.mkdir(parents=True, exist_ok=True)
    folder = RunFolder(path)
    write_toml(folder.config, {
        "command": "tune", "settings": {"seed": 3, "trials": 8, "data": f"{path}/rows.csv", **settings},
        "data": {"name": "rows", "hash": "abc", "split": "", "text": ["text"], "task": "classification", "labels": ["a", "b"],
                 "rows": {"train": 4}},
        "model": [{"key": "", "name": str(path), "origin": "here", "hash": "def", "revision": ""}], "recipe": RECIPE.to_table(),
        "machine": {"workers": 1}})
    with Journal(folder.journal, lambda: 90.5) as journal:
        for event in events:
            journal.append(event)
    return folder


def _disturbed() -> list[Event]:
    """The same search, killed again and again: while a stage ran, before it began, and when its model had been scored."""
    again: Event = {"event": "resumed"}
    found: list[Event] = []
    for event in json.loads(json.dumps([*SEARCH, *END], default=str)):
        found.append(event)
        if event["event"] == "stage":
            found += [lost_event(Lost(event["trial"], "killed")), again, event | {"start": 0}]
        elif event["event"] == "result":
            found += [again, dropped_event(event["trial"])]
            event["points"][0]["seconds"] += 1.0
            event["costs"]["peak_memory"] = 99
        elif event["event"] == "trial":
            found.append(again)
    return [*found, again, *END, DONE]


def test_runs_that_decided_alike_export_the_same_bytes(tmp_path: Path) -> None:
    calm = export(_folder(tmp_path / "calm", [*SEARCH, *END, DONE]), "decisions")
    disturbed = export(_folder(tmp_path / "elsewhere", _disturbed(), workers=2, threads=7), "decisions")
    assert calm == disturbed
    lines = [json.loads(line) for line in calm.splitlines()]
    assert [line["event"] for line in lines] == [
        "asked", "planned", "trial", "run", "trial", "run", "stopped", "run", "chosen", "tested"]
    asked = lines[0]
    assert (asked["data"]["hash"], asked["models"][0]["hash"], asked["settings"]) == ("abc", "def", {"seed": 3, "trials": 8})
    assert [(line["from"], line["to"]) for line in lines if line["event"] == "run"] == [(0, 7), (0, 7), (7, 20)]
    assert lines[3]["points"][0]["metrics"]["macro_f1"] == 0.1 + 0.2, "to the last digit"
    assert not any(word in calm for word in ("seconds", "peak_memory", '"at"', str(tmp_path), "lost", "resumed"))


def test_a_score_or_a_seed_that_differs_is_seen(tmp_path: Path) -> None:
    calm = export(_folder(tmp_path / "calm", SEARCH), "decisions")
    other = json.loads(json.dumps(SEARCH, default=str))
    other[3]["points"][0]["metrics"]["macro_f1"] = 0.3
    assert export(_folder(tmp_path / "score", other), "decisions") != calm
    assert export(_folder(tmp_path / "seed", SEARCH, seed=4), "decisions") != calm


def test_a_run_that_was_given_more_keeps_both_choices(tmp_path: Path) -> None:
    told = export(_folder(tmp_path, [*SEARCH, *END, DONE, {"event": "extended"}, *END, DONE]), "decisions").splitlines()
    assert [json.loads(line)["event"] for line in told[-5:]] == ["chosen", "tested", "extended", "chosen", "tested"]


def test_a_run_that_was_given_more_is_watched_by_its_new_limits(tmp_path: Path) -> None:
    longer = replace(PLAN, scoring_seconds=99.0)
    watched = Watched(_folder(tmp_path, [*SEARCH, *END, DONE]))
    watched.take([*SEARCH, *END, DONE])
    assert watched.finished and (watched.plan, watched.trials) == (PLAN, 8)
    watched.take([{"event": "extended", "budget": 90.0, "trials": 12, "plan": asdict(longer)}])
    assert not watched.finished and (watched.plan, watched.trials) == (longer, 12)
    with pytest.raises(RunError, match="another version"):
        watched.take([{"event": "resumed"}])


def test_what_has_only_begun_is_exported_too(tmp_path: Path) -> None:
    folder = _folder(tmp_path, [])
    assert [json.loads(line)["event"] for line in export(folder, "decisions").splitlines()] == ["asked"]
    with pytest.raises(ConfigError, match=r"decision: no such format.*decisions"):
        export(folder, "decision")
    with pytest.raises(ConfigError, match="no run has begun"):
        export(RunFolder(tmp_path / "nowhere"), "decisions")


def test_a_study_begins_as_its_first_event_says() -> None:
    study = Study.begun(BEGUN)
    assert (study.seed, study.levels, study.held, study.own_epochs) == (3, (3.0, 9.0), HeldSeeds(order=5), True)
    for recipe in (RECIPE, RECIPE.replace(max_length=8), RECIPE.replace(long_texts="windows", max_length=6)):
        assert study.shape.rows(recipe) == SHAPE.rows(recipe)
        assert study.shape.tokens_per_row(recipe) == SHAPE.tokens_per_row(recipe)
        assert study.shape.for_model("").rows(recipe) == SHAPE.for_model("").rows(recipe)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What `follow` prints, on no terminal, 100 columns wide."""
    file = io.StringIO()
    monkeypatch.setattr(module, "Console", lambda **options: Console(file=file, width=100, **options))
    return file


def test_a_run_at_work_is_shown_as_it_stands(tmp_path: Path, said: io.StringIO) -> None:
    folder = _folder(tmp_path, SEARCH[:9])
    with folder.held():
        folder.progress.write_text(json.dumps([asdict(Progress(0, 11, 250.0)), asdict(Progress(1, 5, 99.0))]), encoding="utf-8")
        assert follow(tmp_path, once=True) == 0
        process = folder.process()
    text = said.getvalue()
    assert "250 rows/s" in text and "11/20" in text and f"Process {process} is at work there: training." in text
    assert "2 of 8 trials: 1 running, 1 stopped" in text


def test_a_killed_run_says_how_to_go_on(tmp_path: Path, said: io.StringIO) -> None:
    folder = _folder(tmp_path, SEARCH[:9])
    folder.progress.write_text(json.dumps([asdict(Progress(0, 11, 250.0))]), encoding="utf-8")
    assert follow(tmp_path, once=True) == follow(tmp_path, once=False) == 0
    text = said.getvalue()
    assert text.count(f"luthier resume {tmp_path}") == 2 and "running" not in text and "rows/s" not in text
    assert "1 paused, 1 stopped" in text


def test_a_finished_run_says_its_figure(tmp_path: Path, said: io.StringIO) -> None:
    folder = _folder(tmp_path, [*SEARCH, *END, DONE])
    results = {"metric_title": "macro-F1", "test": {"value": 0.75, "low": 0.5, "high": 0.875, "error": 0.1}, "rows": {"test": 8}}
    for folds, rows in ((0, "8 test rows"), (5, "8 rows held out in turn")):
        folder.results.write_text(json.dumps(results | {"folds": folds}), encoding="utf-8")
        assert follow(tmp_path, once=False) == 0
        assert f"Finished: macro-F1 0.750 [0.500, 0.875] on {rows}." in said.getvalue()
    folder.results.unlink()
    assert follow(tmp_path, once=False) == 0
    assert "Finished, but its results.json is gone." in said.getvalue()


def test_it_follows_a_run_until_its_process_is_gone(tmp_path: Path, said: io.StringIO) -> None:
    folder = _folder(tmp_path, [])
    watcher = threading.Thread(target=follow, args=(tmp_path, False))
    with folder.held(), Journal(folder.journal, again=True) as journal:
        watcher.start()
        for event in [*SEARCH, END[0]]:
            journal.append(event)
            time.sleep(0.05)
        end = time.monotonic() + 20
        while "Scoring the test rows" not in said.getvalue() and time.monotonic() < end:
            time.sleep(0.05)
        assert watcher.is_alive()
    watcher.join(20)
    assert not watcher.is_alive()
    text = said.getvalue()
    assert "trial 0 (default): step 20, macro_f1 0.300" in text and "trial 1 stopped: place 2 of 2 after 7 steps" in text
    assert text.rstrip().endswith(f"luthier resume {tmp_path}")


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no run has begun"):
        follow(tmp_path / "nowhere", once=True)
    _folder(tmp_path / "old", [{"event": "study", "seed": 3}])
    with pytest.raises(RunError, match="another version"):
        follow(tmp_path / "old", once=True)


def test_a_journal_is_followed_line_by_line(tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    journal = Follower(file)
    assert journal.news() == []
    file.write_bytes(b'{"event": "a"}\n{"event"')
    assert journal.news() == [{"event": "a"}] and journal.news() == []
    with file.open("ab") as stream:
        stream.write(b': "b"}\n')
    assert journal.news() == [{"event": "b"}]


def test_progress_is_left_for_watchers_and_damage_is_none(tmp_path: Path) -> None:
    class Still:
        def say(self, line: str) -> None:
            """Nothing."""

        def update(self, study: Study, running: dict[int, Progress]) -> None:
            """Nothing."""

    file, running = tmp_path / ".progress", {3: Progress(3, 5, 7.5, 512)}
    Shown(Still(), file).update(Study.begun(BEGUN), running)
    assert read_progress(file) == running
    file.write_text('[{"trial": 3}]', encoding="utf-8")
    assert read_progress(file) == read_progress(tmp_path / "nowhere") == {}
    Shown(Still(), tmp_path / "nowhere" / ".progress").update(Study.begun(BEGUN), running)


def test_watching_loads_nothing_heavy() -> None:
    code = "import luthier.cli.follow, sys; print([name for name in ('torch', 'transformers', 'optuna') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
