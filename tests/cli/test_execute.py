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
        "calibration": {}, "best": {"trial": 0}, "trials": 1, "finals": 1, "seconds": 12.0, "gain": None}
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
