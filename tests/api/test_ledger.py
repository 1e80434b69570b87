"""The ledger of test openings: what counts, what does not, and that nothing stops a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import filelock
import pytest

from luthier.api import ledger
from luthier.api.ledger import ledger_file, open_test


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "state"
    monkeypatch.setenv("LUTHIER_STATE", str(folder))
    return folder


def test_the_first_look_is_the_first_and_other_runs_add_to_it(tmp_path: Path) -> None:
    assert [open_test("a", tmp_path / name, ["default"], 10).count for name in ("one", "two", "three")] == [1, 2, 3]
    assert open_test("b", tmp_path / "one", ["default"], 10).count == 1


def test_the_same_models_of_the_same_run_count_once_an_extended_run_again(tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert open_test("a", run, ["trial-3", "default"], 10).count == 1
    assert open_test("a", run, ["default", "trial-3"], 10).count == 1
    assert open_test("a", run, ["default", "trial-9"], 10).count == 2
    assert len(ledger_file().read_text().splitlines()) == 2


def test_a_run_is_known_by_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_test("a", tmp_path / "run", ["m"], 10)
    monkeypatch.chdir(tmp_path)
    assert open_test("a", Path("run"), ["m"], 10).count == 1
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert open_test("a", Path("run"), ["m"], 10).count == 2


def test_the_first_day_is_the_earliest(tmp_path: Path, state: Path) -> None:
    state.mkdir()
    days = ("2026-03-01", "2025-12-31")
    ledger_file().write_text("".join(json.dumps({"hash": "a", "run": f"/{day}", "models": [], "rows": 1, "day": day}) + "\n"
                                     for day in days))
    opening = open_test("a", tmp_path, ["m"], 1)
    assert (opening.count, opening.first, opening.note) == (3, "2025-12-31", "")


@pytest.mark.parametrize("damage", [b"{\"hash\": \"a\"", b"\xff\xfe\x00", b"[1, 2]", b"null", b'{"hash": 1, "run": "r"}',
                                    b"[" * 9999])
def test_a_damaged_line_is_said_and_costs_no_other_line(tmp_path: Path, damage: bytes) -> None:
    open_test("a", tmp_path / "one", ["m"], 10)
    with ledger_file().open("ab") as stream:
        stream.write(damage)  # without a line's end, as when the disk was full
    second = open_test("a", tmp_path / "two", ["m"], 10)
    third = open_test("a", tmp_path / "three", ["m"], 10)
    assert (second.count, third.count) == (2, 3)
    assert second.note.startswith("1 of the lines") and str(ledger_file()) in second.note


def test_a_folder_that_cannot_be_made_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LUTHIER_STATE", str(tmp_path / "file" / "state"))
    opening = open_test("a", tmp_path, ["m"], 10)
    assert opening.count == 1 and "cannot be kept" in opening.note


def test_a_file_that_cannot_be_written_is_still_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_test("a", tmp_path / "one", ["m"], 10)

    opened = Path.open

    def refuse(self: Path, mode: str = "r", **options: Any) -> Any:
        if "a" in mode:
            raise PermissionError(13, "Permission denied", str(self))
        return opened(self, mode, **options)

    monkeypatch.setattr(Path, "open", refuse)
    opening = open_test("a", tmp_path / "two", ["m"], 10)
    assert opening.count == 2 and "cannot be written" in opening.note and "Permission denied" in opening.note


def test_a_ledger_that_another_process_holds_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "LOCK_SECONDS", 0.05)
    open_test("a", tmp_path / "one", ["m"], 10)
    with filelock.FileLock(f"{ledger_file()}.lock"):
        assert "another process holds" in open_test("a", tmp_path / "two", ["m"], 10).note
    assert open_test("a", tmp_path / "two", ["m"], 10).count == 2


OPEN_MANY = """
import sys
from pathlib import Path
from luthier.api.ledger import open_test
for number in range(20):
    open_test("a", Path(sys.argv[1]), [str(number)], 10)
"""


def test_processes_do_not_lose_one_another_s_openings(tmp_path: Path) -> None:
    processes = [subprocess.Popen([sys.executable, "-c", OPEN_MANY, str(tmp_path / str(number))]) for number in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    opening = open_test("a", tmp_path / "last", [], 10)
    assert (opening.count, opening.note) == (61, "")


def test_without_the_variable_it_is_the_user_s_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("LUTHIER_STATE")
    monkeypatch.setattr(ledger.platformdirs, "user_state_path", lambda name, appauthor: tmp_path / name)
    assert ledger_file() == tmp_path / "luthier" / "test-openings.jsonl"


def test_tests_have_a_state_folder_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # as conftest.py leaves it to every test, command and worker
    assert "luthier-state-" in os.environ["LUTHIER_STATE"] and Path(os.environ["LUTHIER_STATE"]).is_dir()
