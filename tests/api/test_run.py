"""A run's tables of what it explains, read from its folder."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from luthier.api.run import Run
from luthier.errors import ConfigError, RunError


@pytest.fixture
def run(tmp_path: Path) -> Run:
    results = {"command": "tune", "metric": "macro_f1", "best": {"trial": 11}, "trials": 12, "rows": {"validation": 300}}
    trials = [{"trial": i, "role": "random", "parent": "", "state": "complete", "score": 0.6 + i / 100, "seed": 0,
               "learning_rate": 1e-5 * (i + 1), "averaging": ("none", "ema")[i % 2]} for i in range(12)]
    curves = [{"trial": i, "split": "validation", "rows": "rung", "weights": "averaged", "step": place, "epoch": place,
               "work": place, "metric": "macro_f1", "value": 0.5 + place * i / 100} for i in range(12) for place in (1, 2, 3)]
    (tmp_path / "results.json").write_text(json.dumps(results), encoding="utf-8")
    for name, rows in (("trials", trials), ("curves", curves)):
        with (tmp_path / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return Run(tmp_path)


def test_verdicts_are_a_table_of_the_trials(run: Run) -> None:
    assert list(run.verdicts.columns) == ["trial", "verdict", "evidence"]
    assert run.verdicts["verdict"].tolist() == ["good"] * 12


def test_importance_is_a_table_with_the_reason_where_it_is_empty(run: Run) -> None:
    found = run.importance()
    assert found["name"].tolist() == ["learning_rate", "averaging"]
    assert found["importance"].is_monotonic_decreasing and found["p"].between(0, 1).all()
    assert found.attrs["reason"] == ""
    few = run.folder.trials.read_text(encoding="utf-8").splitlines()[:3]
    run.folder.trials.write_text("\n".join([*few, ""]), encoding="utf-8")
    run.folder.results.write_text(json.dumps(run.results | {"trials": 2, "best": {"trial": 1}}), encoding="utf-8")
    empty = Run(run.path).importance()
    assert len(empty) == 0 and "p" in empty.columns and "too few recipes" in empty.attrs["reason"]


def test_response_is_a_table_of_values(run: Run) -> None:
    found = run.response("averaging")
    assert found["label"].tolist() == ["none", "ema"] and found["runs"].tolist() == [6, 6]
    assert len(run.response("learning_rate")) == 5


def test_response_to_what_was_not_searched_is_refused(run: Run) -> None:
    with pytest.raises(ConfigError, match=r"learning_rat: not among the searched.*learning_rate"):
        run.response("learning_rat")


@pytest.mark.parametrize(("name", "content"), [
    ("results.json", "{"), ("results.json", "{}"), ("results.json", "[]"), ("trials.csv", "trial,score\n"), ("trials.csv", ""),
    ("curves.csv", None), ("curves.csv", "a,b\n"), ("curves.csv", "trial,split,step,metric,value\n"),
    ("curves.csv", "trial,split,step,metric,value\n0,train,1,f1,0.5\n0,tr"),
    ("curves.csv", "trial,split,step,metric,value\n0,train,1,f1,0.5")])
def test_a_damaged_run_is_one_clear_error(run: Run, tmp_path: Path, name: str, content: str | None) -> None:
    file = tmp_path / name
    file.write_text(content) if content is not None else file.unlink()
    with pytest.raises(RunError, match=name):
        _ = Run(run.path).explanation


@pytest.mark.parametrize("task, expected", [("regression", (3.0, 2.75)), ("classification", ("3", "2.75"))])
def test_predictions_are_numbers_where_labels_are(run: Run, task: str, expected: tuple[object, object]) -> None:
    run.folder.results.write_text(json.dumps(run.results | {"task": task}), encoding="utf-8")
    file = run.folder.predictions("test")
    file.parent.mkdir(exist_ok=True)
    file.write_text("file,line,id,text,text_pair,label,predicted\na.csv,2,007,12,34,3,2.75\n", encoding="utf-8")
    found = Run(run.path).predictions("test").iloc[0]
    assert (found["label"], found["predicted"]) == expected
    assert (found["id"], found["text"], found["text_pair"], found["line"]) == ("007", "12", "34", 2)
