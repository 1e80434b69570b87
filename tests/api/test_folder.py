"""The folder of a run: one command at a time, and names that are free."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from luthier.api.folder import RunFolder, choose_folder, make_folder, resumable
from luthier.errors import ConfigError, RunError

HOLD = """
import sys
import threading
import time
from pathlib import Path
from luthier.api.folder import RunFolder
with RunFolder(Path(sys.argv[1])).held():
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_a_second_command_on_a_folder_is_refused_with_the_process_of_the_first(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with subprocess.Popen([sys.executable, "-c", HOLD, folder.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as first:
        assert first.stdout is not None and first.stdout.readline() == "held\n"
        with pytest.raises(ConfigError, match=f"process {first.pid} is at work in this folder"), folder.held():
            pass
        first.communicate("go\n")
    with folder.held():  # it is free again
        assert (folder.path / ".process").read_text() == str(os.getpid())


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_folder_whose_command_was_killed_is_free(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with subprocess.Popen([sys.executable, "-c", HOLD, folder.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as first:
        assert first.stdout is not None and first.stdout.readline() == "held\n"
        assert folder.process() == str(first.pid)
        first.kill()
        first.wait()
    assert (folder.path / ".process").exists() and folder.process() is None
    with folder.held():
        assert folder.checkpoints.is_dir() and folder.cache.is_dir()


def test_a_finished_folder_shows_nothing_of_having_been_held(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with folder.held():
        pass
    folder.clean()
    assert list(folder.path.iterdir()) == []


def test_runs_without_a_name_of_their_own_are_numbered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert [make_folder(None, "reviews").path.name for _ in range(3)] == ["reviews-1", "reviews-2", "reviews-3"]


def test_a_folder_that_was_left_before_its_run_began_is_taken_as_empty(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with folder.held():
        assert choose_folder(str(folder.path), "x") == folder
    (folder.path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="not empty"):
        choose_folder(str(folder.path), "x")


def test_who_is_at_work_can_be_asked_and_looking_keeps_nobody_out(tmp_path: Path) -> None:
    folder, ended, seen = RunFolder(tmp_path), threading.Event(), set[str | None]()
    assert folder.process() is None and list(tmp_path.iterdir()) == [], "looking leaves no file"

    def look() -> None:
        while not ended.is_set():
            seen.add(folder.process())

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for _ in range(50):
            with folder.held():
                time.sleep(0.002)
    finally:
        ended.set()
        looking.join()
    assert str(os.getpid()) in seen and folder.process() is None


@pytest.mark.parametrize("content", ["", 'command = "tune"\n[settings]\ntrials = 3\n'])
def test_a_run_toml_that_is_cut_off_is_named(content: str, tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(content)
    with pytest.raises(ConfigError, match=r"run\.toml: not the whole run\.toml of a run: it lacks .*data, model"):
        RunFolder(tmp_path).tables()


@pytest.mark.parametrize(("error", "said"), [
    (OSError(errno.ENOSPC, "No space left on device", "run/trials.csv"), r"run/trials\.csv: cannot be written \(No space left on"),
    (Exception("No space left on device (os error 28)"), r"run: cannot be written \(No space left on device \(os error 28\)\)")])
def test_a_full_disk_names_the_file_and_how_to_go_on(error: Exception, said: str) -> None:
    """Of the second kind are the errors of libraries that are not Python's, as tokenizers."""
    with pytest.raises(RunError, match=said + r".*luthier resume run$"), resumable(Path("run")):
        raise error


def test_other_errors_stay_as_they_are() -> None:
    for error in (PermissionError(errno.EACCES, "Permission denied"), ValueError("no"), RunError("No space left on device")):
        with pytest.raises(type(error)) as seen, resumable(Path("run")):
            raise error
        assert seen.value is error


def test_a_folder_that_is_held_on_a_full_disk_says_so_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(RunError, match=rf"{tmp_path}: cannot be written .*luthier resume {tmp_path}$"), RunFolder(tmp_path).held():
        pass


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / ".lock"))

    monkeypatch.setattr("luthier.api.folder.FileLock.acquire", denied)
    with pytest.raises(ConfigError, match=rf"{tmp_path}: the run's folder cannot be written to \(Permission denied\)"), \
            RunFolder(tmp_path).held():
        pass
