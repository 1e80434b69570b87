"""SIGKILL at random moments: nothing that was finished is lost, every resume works, and the decisions are the same."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    return importlib.import_module("kills")


def test_a_run_killed_again_and_again_decides_as_one_that_was_left_alone(bench: ModuleType, tmp_path: Path) -> None:
    ((_, run),) = bench.killed_runs(tmp_path, runs=1, kills=8, seed=5)
    assert run.troubles == []
    assert len(run.kills) == 8 and {kill.victim for kill in run.kills} == {"worker", "coordinator"}
    assert '"event": "tested"' in run.decisions and "lost" not in run.decisions and "resumed" not in run.decisions


@pytest.mark.slow
def test_two_hundred_kills_lose_nothing(bench: ModuleType, tmp_path: Path) -> None:
    runs = [run for _, run in bench.killed_runs(tmp_path, runs=26, kills=220, workers=(1, 1, 2))]
    assert [trouble for run in runs for trouble in run.troubles] == []
    kills = [kill for run in runs for kill in run.kills]
    assert len(kills) >= 200 and {kill.moment for kill in kills} == {"early", "middle", "late"}
