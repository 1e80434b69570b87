"""Whatever happens to a run's processes or its disk: nothing that was finished is lost, and the decisions are the same."""

from __future__ import annotations

import importlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
        return importlib.import_module("kills")


@pytest.fixture(scope="module")
def calm(bench: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return bench.undisturbed(tmp_path_factory.mktemp("calm"))


def test_a_run_killed_again_and_again_decides_as_one_that_was_left_alone(bench: ModuleType, calm: Any, tmp_path: Path) -> None:
    _, run = next(bench.killed_runs(calm, tmp_path, kills=8, seed=5))
    assert run.troubles == []
    assert len(run.kills) > 5 and {kill.victim for kill in run.kills} == {"worker", "coordinator"} and run.commands > 1
    assert '"event": "tested"' in run.decisions and "lost" not in run.decisions and "resumed" not in run.decisions


@pytest.mark.slow
def test_two_hundred_kills_lose_nothing(bench: ModuleType, calm: Any, tmp_path: Path) -> None:
    runs = [run for _, run in bench.killed_runs(calm, tmp_path, kills=200, workers=(1, 1, 2))]
    assert [trouble for run in runs for trouble in run.troubles] == []
    kills = [kill for run in runs for kill in run.kills]
    assert len(kills) >= 200
    assert {kill.moment for kill in kills} == {"early", "middle", "late"}


def _await(holds: Callable[[], object], process: subprocess.Popen[str] | None = None, seconds: float = 200) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert (process is None or process.poll() is None) and time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)


def _started(words: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)


def _gone_on_with(bench: ModuleType, calm: Any, output: Path) -> None:
    """Go on with a run that was ended, and see that it decides as one that was left alone."""
    done = subprocess.run(bench.luthier("resume", output), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert list(bench.differences(bench.exported(output), calm.decisions)) == []


def test_a_second_command_is_refused_and_a_full_disk_ends_the_first_which_can_be_gone_on_with(
        bench: ModuleType, calm: Any, tmp_path: Path) -> None:
    """The disk is full for the journal: a limit on the size of the process's files stands for it."""
    import resource

    output = tmp_path / "run"
    process = _started(calm.words(output))
    journal = output / "journal.jsonl"
    _await(lambda: any(event["event"] == "result" for event in bench.events_of(journal)), process)
    process.send_signal(signal.SIGSTOP)  # so that it has not ended when the others come
    try:
        for words in (calm.words(output), bench.luthier("resume", output)):
            second = subprocess.run(words, capture_output=True, text=True, check=False)
            assert second.returncode == 2 and f"process {process.pid} is at work" in second.stderr, second.stderr
        size = journal.stat().st_size
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size + 100, size + 100))
    finally:
        process.send_signal(signal.SIGCONT)
    said, _ = process.communicate(timeout=200)
    assert process.returncode == 1 and f"luthier resume {output}" in said and "Traceback" not in said, said
    assert journal.read_bytes().endswith(b"\n") and journal.stat().st_size <= size + 100
    _await(lambda: bench.processes(process.pid) == {})  # a worker may take a moment to see that it is alone
    _gone_on_with(bench, calm, output)


def test_a_disk_without_room_for_the_model_ends_the_run_which_can_be_gone_on_with(
        bench: ModuleType, calm: Any, tmp_path: Path) -> None:
    """The worker may write no file larger than a page or two, so its checkpoints fail too, which is borne."""
    import resource

    output = tmp_path / "run"
    process = _started(calm.words(output))
    _await(lambda: any(event["event"] == "stage" for event in bench.events_of(output / "journal.jsonl")), process)
    (worker,) = bench.workers_of(process.pid)
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (8192, 8192))
    said, _ = process.communicate(timeout=200)
    assert process.returncode == 1 and "the disk is full" in said and f"luthier resume {output}" in said, said
    _gone_on_with(bench, calm, output)
