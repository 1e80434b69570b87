"""`benchmarks/record_curves.py`: which runs it makes, that each is made once, and what it says without the data sets."""

from __future__ import annotations

import importlib
import json
import math
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from luthier.api.settings import Settings
from luthier.sharing.work import work_of

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
STEPS = 9


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("record_curves")


@pytest.fixture
def recorder(bench: ModuleType, tiny_model: Path, tmp_path: Path) -> Any:
    def make(until: float = math.inf, folder: str = "first") -> Any:
        settings = Settings(data="example:reviews", model=(str(tiny_model),), max_train_rows=96, rung_rows=20)
        return bench.Recorder("reviews", settings, STEPS, tmp_path / "curves.jsonl", until, tmp_path / folder)

    return make


def test_runs_differ_and_have_the_same_work(recorder: Any) -> None:
    found = recorder()
    shape, runs = found.prepared.shape, found.runs
    assert len({(run.recipe.hash, run.seed) for run in runs}) == len(runs) > 40
    for run in runs:
        steps = run.recipe.total_steps(shape.rows(run.recipe))
        one = work_of(1, run.recipe, shape)
        assert abs(work_of(steps, run.recipe, shape) - found.work) <= max(one, 1e-9)
    assert runs[0].what == "default" and {run.seed for run in runs} == {0, 1}


def test_twins_differ_in_nothing_but_the_depth(recorder: Any) -> None:
    runs = {run.what: run.recipe for run in recorder().runs if run.seed == 0}
    twins = [what for what in runs if what.endswith(" frozen")]
    assert twins
    for what in twins:
        own, twin = runs[what.split(",")[0]].to_table(), runs[what].to_table()
        assert {name for name in own if own[name] != twin[name]} <= {"frozen_layers", "epochs", "warmup_steps"}
        assert own.get("frozen_layers") != twin["frozen_layers"] == int(what.split()[-2])


def test_runs_are_kept_and_not_made_again(bench: ModuleType, recorder: Any, tmp_path: Path) -> None:
    first = recorder()
    assert first.go_on(2) == len(first.runs) - 2
    second = recorder(folder="second")
    assert second.go_on(1) == len(first.runs) - 3
    head, *lines = bench.lines_of(tmp_path / "curves.jsonl", "reviews")
    assert (head["rows"], head["layers"], head["validation"], head["metric"]) == (96, 2, 20, "macro_f1")
    assert {line["recipe"] for line in lines} == {run.recipe.hash for run in first.runs[:3]} and len(lines) == 3
    for line in lines:
        recipe = first.prepared.default.replace(**line["changes"])
        assert recipe.hash == line["recipe"]
        assert len(line["values"]) == len(line["steps"]) == len(set(line["steps"])) == bench.POINTS
        assert line["steps"][-1] == recipe.total_steps(96) and line["seconds"] > 0
    assert recorder(until=0.0, folder="third").go_on(5) == len(first.runs) - 8
    assert len(bench.lines_of(tmp_path / "curves.jsonl", "reviews")) == 4, "no run begins once the time is over"


def test_without_the_data_sets_it_says_so(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, BENCHMARKS / "record_curves.py", "--shared", tmp_path / "nowhere"],
                          capture_output=True, text=True)
    assert done.returncode == 1 and "The public data sets are not here" in done.stderr and "Traceback" not in done.stderr


def test_the_recorded_file_is_whole(bench: ModuleType) -> None:
    """What is committed: every line tells of a set or of a run of one, with as many values as steps."""
    if not bench.CURVES.exists():
        pytest.skip("no curves have been recorded")
    assert bench.CURVES.stat().st_size < 2**20
    lines = [json.loads(text) for text in bench.CURVES.read_text(encoding="utf-8").splitlines()]
    heads = {line["set"] for line in lines if "rows" in line}
    runs = [line for line in lines if "what" in line]
    assert len(heads) >= 3 and heads == {line["set"] for line in runs} and len(lines) == len(heads) + len(runs)
    assert len({(line["set"], line["recipe"], line["seed"]) for line in runs}) == len(runs)
    assert all(len(line["values"]) == len(line["steps"]) == bench.POINTS for line in runs if "failure" not in line)
