"""The last lines of a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from luthier.api.run import Run
from luthier.cli.execute import closing_lines


def run_of(folder: Path, **changes: object) -> Run:
    score = {"value": 0.7, "low": 0.6, "high": 0.8}
    results = {
        "command": "train", "task": "regression", "metric": "pearson", "metric_title": "Pearson correlation", "labels": [],
        "counts": {}, "rows": {"test": 120}, "test": score, "validation": score, "test_metrics": {"pearson": score, "rmse": score},
        "controls": {"majority": {"value": 0.0, "low": 0.0, "high": 0.0}},
        "control_titles": {"majority": "the mean of the training rows"},
        "calibration": {}, "best": {"trial": 0}, "trials": 1, "finals": 1, "seconds": 12.0, "gain": None,
        "repeats": 1, "failures": {"number": 0, "of": 2, "reason": ""}, "exhausted": False, "replay": {"steps": 0, "seconds": 0.0},
        "fresh": None, "opening": None, "refit": False, "folds": 0}
    (folder / "results.json").write_text(json.dumps(results | changes), encoding="utf-8")
    return Run(folder)


def test_closing_lines_give_every_metric_with_its_interval(tmp_path: Path) -> None:
    lines = closing_lines(run_of(tmp_path))
    assert "Pearson correlation on 120 test rows, 95 % interval:" in lines
    assert any(line.split() == ["RMSE", "0.7000", "[0.6000,", "0.8000]"] for line in lines)
    assert any("the mean of the training rows" in line and "[0.000, 0.000]" in line for line in lines)
    assert not any("does not beat" in line for line in lines)


def test_closing_lines_begin_with_a_control_that_is_not_beaten(tmp_path: Path) -> None:
    controls = {"probe": {"value": 0.75, "low": 0.7, "high": 0.8}}
    lines = closing_lines(run_of(tmp_path, controls=controls, control_titles={"probe": "frozen probe"}))
    assert "does not beat the frozen probe" in lines[1]


@pytest.mark.parametrize("confidence, there", [(0.8, True), (0.5, False)])
def test_closing_lines_give_one_operating_point(tmp_path: Path, confidence: float, there: bool) -> None:
    point = {"confidence": confidence, "answered": 0.7, "right": 0.9, "sentence": "at confidence: so many"}
    lines = closing_lines(run_of(tmp_path, calibration={"operating_points": [point]}))
    assert ("  at confidence: so many" in lines) is there


def test_closing_lines_say_nothing_of_troubles_that_there_were_not(tmp_path: Path) -> None:
    assert not [line for line in closing_lines(run_of(tmp_path)) if "failed" in line or "again" in line or "space" in line]


@pytest.mark.parametrize(("failures", "said"), [
    ({"number": 3, "of": 12, "reason": "the loss is nan"}, "3 of 12 trials failed; most often: the loss is nan"),
    ({"number": 1, "of": 12, "reason": "the loss is nan"}, "1 of 12 trials failed: the loss is nan")])
def test_closing_lines_count_failures_with_their_commonest_reason(tmp_path: Path, failures: dict[str, object], said: str) -> None:
    assert said in closing_lines(run_of(tmp_path, failures=failures))


def test_closing_lines_say_why_a_search_ended_early_and_what_was_made_again(tmp_path: Path) -> None:
    lines = closing_lines(run_of(tmp_path, exhausted=True, trials=12, repeats=2, replay={"steps": 1200, "seconds": 14.2}))
    assert "The search ended early: all 6 recipes of the space have been tried." in lines
    assert ("1,200 steps of training had to be repeated, for checkpoints were missing where trials went on; this took 14 s, summed "
            "over all workers.") in lines


def test_closing_lines_say_once_that_epochs_were_cut(tmp_path: Path) -> None:
    epochs = {"usual": 20.0, "afforded": 2.5}
    probe = {"probe": {"value": 0.75, "low": 0.7, "high": 0.8}}
    for more in ({}, {"controls": probe, "control_titles": {}}):
        assert sum("the budget afforded 2.5" in line for line in closing_lines(run_of(tmp_path, epochs=epochs, **more))) == 1


def test_closing_lines_tell_whose_figure_it_is_and_what_is_delivered(tmp_path: Path) -> None:
    best = {"trial": 6, "refit": 8, "reason": "the best"}
    lines = closing_lines(run_of(tmp_path, command="tune", folds=5, refit=True, best=best))
    assert "Pearson correlation on 120 rows held out in turn, 95 % interval:" in lines
    assert any(line.startswith("  delivered recipe") for line in lines) and not any("delivered model" in line for line in lines)
    assert ("Trial 6 was chosen: the best. What is delivered is its recipe, trained once more as trial 8 on training and "
            "validation rows together.") in lines
