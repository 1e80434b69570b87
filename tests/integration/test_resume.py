"""Going on with a run: from where it was ended, or with more time than it had."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import luthier
from luthier.api import session
from luthier.api.interrupt import Interrupt
from luthier.api.ledger import ledger_file
from luthier.api.observer import LogObserver
from luthier.api.public import plan_run
from luthier.api.settings import Command, Settings
from luthier.errors import ConfigError, RunError
from luthier.recipes.trial import Progress
from luthier.search.journal import read_journal
from luthier.search.study import Study

SEARCH = {"learning_rate": "1e-4..2e-3:log", "frozen_layers": "0,1"}
FIXED = {"epochs": "2", "warmup_steps": "5", "max_length": "24"}
ASKED: dict[str, Any] = {"trials": 9, "workers": 1, "threads": 1, "seed": 3, "search": SEARCH, "fixed": FIXED, "precision": "fp32"}


class Killed(Exception):
    """What stands for the end of the process."""


class Killer(LogObserver):
    """Ends the command when so many trials have been scored, or so many were made anew."""

    def __init__(self, scored: int, fresh: int = 99) -> None:
        self.scored, self.fresh = scored, fresh

    def update(self, study: Study, running: dict[int, Progress]) -> None:
        scored = [record for record in study.records.values() if record.last]
        if len(scored) >= self.scored or sum(record.trial.role == "fresh" for record in scored) >= self.fresh:
            raise Killed


def begin(data: Path, model: Path, folder: Path, observer: LogObserver, **changes: Any) -> None:
    """A `tune` that `observer` ends."""
    settings = Settings(data=str(data), model=(str(model),), output=str(folder), **ASKED | changes)
    ready = plan_run(Command.TUNE, settings, settings.given, observer, time.monotonic())
    with pytest.raises(Killed):
        session.run(ready, observer, Interrupt())


def decided(run: luthier.Run) -> tuple[Sequence[Any], Any]:
    """What was tried and scored, and what came of it."""
    trials = run.trials[["trial", "recipe", "role", "parent", "seed", "fold", "state", "reason", "score", "steps"]]
    results = {name: run.results[name] for name in ("test", "validation", "best", "fresh", "controls")}
    return trials.astype(str).to_numpy().tolist(), results


@pytest.fixture(scope="module")
def whole(tiny_model: Path, small_data: Path, tmp_path_factory: pytest.TempPathFactory) -> luthier.Run:
    """A run that nothing has ended."""
    return luthier.tune(str(small_data), model=str(tiny_model), output=tmp_path_factory.mktemp("runs") / "whole", **ASKED)


@pytest.mark.parametrize(("scored", "fresh"), [(4, 99), (99, 1)])
def test_a_run_that_was_ended_goes_on_to_the_same_end(
        scored: int, fresh: int, whole: luthier.Run, tiny_model: Path, small_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    begin(small_data, tiny_model, folder, Killer(scored, fresh))
    before = (folder / "journal.jsonl").read_bytes()
    assert (folder / "checkpoints").exists(), "what was trained is kept"
    moved = folder.rename(tmp_path / "elsewhere")
    run = luthier.resume(moved)
    assert decided(run) == decided(whole)
    assert (moved / "journal.jsonl").read_bytes().startswith(before)
    assert not (moved / "checkpoints").exists()
    assert run.model.predict(["good"]) == whole.model.predict(["good"])


def test_the_same_command_goes_on_too_and_another_is_refused(tiny_model: Path, small_data: Path, tmp_path: Path) -> None:
    folder, few = tmp_path / "run", ASKED | {"trials": 2, "refit": False}
    begin(small_data, tiny_model, folder, Killer(1), trials=2, refit=False)
    before = (folder / "journal.jsonl").read_bytes()
    with pytest.raises(ConfigError, match=r"other options \(seed, trials\).*luthier resume"):
        luthier.tune(str(small_data), model=str(tiny_model), output=folder, **few | {"seed": 4, "trials": 3})
    run = luthier.tune(str(small_data), model=str(tiny_model), output=folder, **few)
    assert (folder / "journal.jsonl").read_bytes().startswith(before) and run.results["trials"] == 2
    with pytest.raises(ConfigError, match=r"a finished run is there.*--budget"):
        luthier.tune(str(small_data), model=str(tiny_model), output=folder, **few)


def test_a_run_that_was_interrupted_goes_on_by_the_same_command(tiny_model: Path, small_data: Path, tmp_path: Path) -> None:
    interrupt = Interrupt()

    class Impatient(LogObserver):
        def update(self, study: Study, running: dict[int, Progress]) -> None:
            interrupt.asked = any(record.last for record in study.records.values())

    folder, few = tmp_path / "run", ASKED | {"trials": 3, "refit": False}
    settings = Settings(data=str(small_data), model=(str(tiny_model),), output=str(folder), **few)
    session.run(plan_run(Command.TUNE, settings, settings.given, LogObserver(), time.monotonic()), Impatient(), interrupt)
    assert luthier.open_run(folder).results["interrupted"]
    run = luthier.tune(str(small_data), model=str(tiny_model), output=folder, **few)
    assert run.results["trials"] == 3 and not run.results["interrupted"]


def test_test_rows_that_are_recorded_are_in_the_ledger_from_the_first_trial_on(
        tiny_model: Path, small_data: Path, tmp_path: Path) -> None:
    """A run that was killed has looked at them too; going on with it is no second opening."""
    data, folder = tmp_path / "rows.csv", tmp_path / "run"
    data.write_text("\n".join(small_data.read_text(encoding="utf-8").splitlines()[:-3]), encoding="utf-8")  # rows of its own
    begin(data, tiny_model, folder, Killer(1), trials=2, refit=False, record_test=True)
    entries = [json.loads(line) for line in ledger_file().read_text(encoding="utf-8").splitlines()]
    assert [entry["run"] for entry in entries].count(str(folder.resolve())) == 1
    assert luthier.resume(folder).results["opening"]["count"] == 1


def test_a_finished_run_can_be_given_more_trials(tiny_model: Path, small_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    few = luthier.tune(str(small_data), model=str(tiny_model), output=folder, **ASKED | {"trials": 3, "refit": False})
    for less in ({}, {"trials": 2}):
        with pytest.raises(ConfigError, match=r"is finished.*--trials 3|not less"):
            luthier.resume(folder, **less)
    assert few.results == json.loads((folder / "results.json").read_text(encoding="utf-8")), "nothing was touched"
    ledger_file().unlink()  # the run's own journal tells of the first opening
    more = luthier.resume(folder, trials=4)
    assert more.results["trials"] == 4 and more.results["opening"]["count"] == 2
    first = more.trials[more.trials["parent"].isna()]
    assert list(first["recipe"][:3]) == list(few.trials["recipe"][:3])
    told = [event["event"] for event in read_journal(folder / "journal.jsonl")]
    assert told.count("tested") == told.count("done") == 2 and "extended" in told
    assert more.model.predict(["good"])[0]["label"] in ("negative", "positive")


def test_a_run_whose_data_have_changed_is_refused(tiny_model: Path, small_data: Path, tmp_path: Path) -> None:
    data, folder = tmp_path / "data.csv", tmp_path / "run"
    data.write_bytes(small_data.read_bytes())
    begin(data, tiny_model, folder, Killer(1))
    with data.open("a", encoding="utf-8") as stream:
        stream.write("one more,positive\n")
    with pytest.raises(ConfigError, match="are not those that this run began with"):
        luthier.resume(folder)


def test_data_in_memory_must_be_given_again(tiny_model: Path, small_data: Path, tmp_path: Path) -> None:
    import pandas

    frame, folder = pandas.read_csv(small_data), tmp_path / "run"
    run = luthier.tune(frame, model=str(tiny_model), output=folder, **ASKED | {"trials": 2, "refit": False})
    with pytest.raises(ConfigError, match=r"given in memory; call luthier\.tune with them again"):
        luthier.resume(run, trials=3)


def test_where_nothing_has_begun_there_is_nothing_to_go_on_with(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no run has begun there"):
        luthier.resume(tmp_path / "nowhere")


def test_a_damaged_journal_is_named(tiny_model: Path, small_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    begin(small_data, tiny_model, folder, Killer(1))
    lines = (folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "journal.jsonl").write_bytes(b"".join([lines[0], b"not JSON\n", *lines[1:]]))
    with pytest.raises(RunError, match="line 2"):
        luthier.resume(folder)
