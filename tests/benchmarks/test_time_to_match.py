"""`benchmarks/time_to_match.py` on made-up results: which rung matches, where the ladder ends, what is kept and not run again."""

from __future__ import annotations

import csv
import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score

from luthier.tasks.metrics import Score

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
TRUTH = ["a", "b", "a", "c", "b", "a"] * 10


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    found = importlib.import_module("time_to_match")
    monkeypatch.setattr(found, "BUDGET_STEP", 1.5)  # rungs of 30, 45, 68, 101 s, …
    return found


def rung(bench: ModuleType, budget: int, stock: float, well_set: float, seconds: float | None = None) -> Any:
    return bench.Rung(budget, seconds or budget - 2.0, 0.5, {"stock": Score(stock, stock - 0.1, stock + 0.1),
                                                             "well_set": Score(well_set, well_set - 0.1, well_set + 0.1)})


def guesses(seed: int, right: float) -> list[str]:
    random = np.random.default_rng(seed)
    return [label if random.random() < right else str(random.choice(["a", "b", "c"])) for label in TRUTH]


def test_the_least_rung_that_is_not_lower_matches(bench: ModuleType) -> None:
    refused = bench.Rung(30, None, None, {})
    rungs = [refused, rung(bench, 45, -0.01, -0.1), rung(bench, 68, 0.0, -0.05), rung(bench, 101, -0.02, 0.01)]
    assert bench.matching(rungs, "stock") is rungs[2]
    assert bench.matching(rungs, "well_set") is rungs[3]
    assert bench.matching(rungs[:2], "stock") is None
    assert bench.matching([refused], "stock") is None


def test_the_ratio_is_above_one_where_luthier_is_faster(bench: ModuleType) -> None:
    assert bench.ratio(600.0, rung(bench, 68, 0.0, 0.0, seconds=60.0)) == 10.0
    assert bench.ratio(30.0, rung(bench, 68, 0.0, 0.0, seconds=60.0)) == 0.5
    assert bench.ratio(600.0, None) is None


def test_the_ladder_ends_where_both_are_matched(bench: ModuleType) -> None:
    tried: list[int] = []

    def attempt(budget: int) -> Any:
        tried.append(budget)
        return rung(bench, budget, 0.01 if budget > 40 else -0.01, 0.01 if budget > 100 else -0.01)

    bench.climb({"stock": 2000.0, "well_set": 900.0}, attempt)
    assert tried == [30, 45, 68, 101]


def test_the_ladder_ends_at_the_time_of_the_slowest_that_is_not_matched(bench: ModuleType) -> None:
    never = bench.climb({"stock": 200.0, "well_set": 60.0}, lambda budget: rung(bench, budget, -0.1, -0.1))
    assert [found.budget for found in never] == [30, 45, 68, 101, 152]
    stock_only = bench.climb({"stock": 200.0, "well_set": 60.0}, lambda budget: rung(bench, budget, 0.1, -0.1))
    assert [found.budget for found in stock_only] == [30, 45]
    refused = bench.climb({"stock": 50.0}, lambda budget: bench.Rung(budget, None, None, {}))
    assert bench.matching(refused, "stock") is None


def test_the_difference_is_of_the_means_over_the_seeds(bench: ModuleType) -> None:
    ours, theirs = [guesses(0, 0.9), guesses(1, 0.9)], [guesses(2, 0.3), guesses(3, 0.3)]
    means = [np.mean([f1_score(TRUTH, part, average="macro") for part in side]) for side in (ours, theirs)]
    found = bench.difference(TRUTH, ours, theirs)
    assert found.value == pytest.approx(means[0] - means[1])
    assert 0 < found.low < found.value < found.high
    assert bench.mean_score(TRUTH, ours) == pytest.approx(means[0])


def test_equal_answers_differ_by_nothing(bench: ModuleType) -> None:
    found = bench.difference(TRUTH, [guesses(0, 0.5)], [guesses(0, 0.5)])
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_the_verdict_says_what_could_be_noise(bench: ModuleType) -> None:
    assert "could be noise" in bench.verdict("stock", 600.0, rung(bench, 68, 0.01, 0.01), "stock")
    assert "more than noise" in bench.verdict("stock", 600.0, rung(bench, 68, 0.2, 0.01), "stock")
    assert "does not match" in bench.verdict("stock", 600.0, None, "stock")


def test_answers_are_read_in_the_order_of_their_lines(bench: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / "test.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerows([["line", "text", "predicted"], [10, "x", "b"], [2, "two\nlines", "a"], [1, "y", "c"]])
    assert bench.read_answers(file) == ["c", "a", "b"]


@pytest.fixture
def kept(bench: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shared folder of made-up rows, and a results folder in which every part of one set and two seeds is finished."""
    data, results = tmp_path / "shared" / "data" / "vader_3class", tmp_path / "results"
    data.mkdir(parents=True)
    results.mkdir()
    for split in ("train", "validation", "test"):
        (data / f"{split}.jsonl").write_text("".join(json.dumps({"text": str(n), "label": label}) + "\n"
                                                     for n, label in enumerate(TRUTH)), encoding="utf-8")
    for seed in (13, 14):
        for peer, seconds in (("stock", 600.0), ("well_set", 300.0)):
            (results / f"match-{peer}-vader_3class-1000-{seed}-20.json").write_text(
                json.dumps({"seconds": seconds, "answers": guesses(seed, 0.5)}), encoding="utf-8")
        (results / f"match-luthier-vader_3class-1000-{seed}-30.json").write_text(
            json.dumps({"refused": "too short", "seconds": 15.0}), encoding="utf-8")
        for budget, right in ((45, 0.1), (68, 1.0)):
            (results / f"match-luthier-vader_3class-1000-{seed}-{budget}.json").write_text(
                json.dumps({"seconds": budget - 8.0, "answers": guesses(seed, right)}), encoding="utf-8")

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("run again")

    monkeypatch.setattr(bench, "SHARED", tmp_path / "shared")
    monkeypatch.setattr(subprocess, "run", refuse)
    return results


def test_what_is_kept_is_not_run_again(bench: ModuleType, kept: Path, monkeypatch: pytest.MonkeyPatch,
                                       capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["time_to_match.py", "--sets", "vader_3class", "--seeds", "13", "14", "--results", str(kept)])
    bench.main()
    said = capsys.readouterr().out
    found = json.loads(said.splitlines()[-1])["vader_3class"]
    assert list(found) == ["vs_stock", "vs_well_set", "test_luthier", "test_stock", "test_well_set"]
    assert (found["vs_stock"], found["vs_well_set"], found["test_luthier"]) == (10.0, 5.0, 1.0)
    theirs = [f1_score(TRUTH, guesses(seed, 0.5), average="macro") for seed in (13, 14)]
    assert found["test_stock"] == pytest.approx(np.mean(theirs))
    assert "refused" in said


def test_what_is_missing_is_run(bench: ModuleType, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    next(kept.glob("match-luthier-*-14-68.json")).unlink()
    monkeypatch.setattr(bench, "write_rows", lambda cell: kept)
    monkeypatch.setattr(sys, "argv", ["time_to_match.py", "--sets", "vader_3class", "--seeds", "13", "14", "--results", str(kept)])
    with pytest.raises(AssertionError, match="run again"):
        bench.main()


def test_answers_that_do_not_give_the_score_said_are_refused(bench: ModuleType, kept: Path) -> None:
    cell = bench.Cell("vader_3class", 1000, 13, 30, kept)
    with pytest.raises(SystemExit, match="macro-F1"):
        bench._keep(kept / "new.json", cell, 1.0, guesses(0, 0.5), 0.99, {})
    assert not (kept / "new.json").exists()
    bench._keep(kept / "new.json", cell, 1.0, TRUTH, 1.0, {})
    assert bench._kept(kept / "new.json") == bench.Part(1.0, TRUTH)
