"""`check` on files of every kind of labels: findings in place of exceptions, tokens, suspects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from luthier.api.check import check
from luthier.data.findings import Severity
from luthier.errors import ConfigError, ModelError


def codes(found: Any) -> list[str]:
    return [finding.code for finding in found.findings]


def items(number: int = 200) -> list[dict[str, Any]]:
    return [{"text": f"row number {index} is {'fine' if index % 2 else 'bad'}", "label": "pn"[index % 2]}
            for index in range(number)]


def test_sound_data_have_no_problems() -> None:
    found = check(items(), model=None)
    assert found.problems == [] and found.corpus is not None and found.suspects is None
    assert sum(found.labels["p"].values()) == 100 and all(one.severity is not Severity.ERROR for one in found.findings)


def test_errors_are_findings_with_rows_and_come_first(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(item) + "\n" for item in [*items(), {"text": "", "label": "p"}]))
    (tmp_path / "test.jsonl").write_text("".join(json.dumps(item) + "\n" for item in [{"text": "a", "label": "q"}] * 3))
    found = check(str(tmp_path), model=None)
    assert codes(found)[0] == "unseen-label" and len(found.problems) == 1 and found.corpus is None
    assert [(place.file, place.line) for place in found.findings[0].rows] == [("test.jsonl", line) for line in (1, 2, 3)]
    assert "empty-text" in codes(found)


def test_to_frame_has_a_row_for_each_finding(tmp_path: Path) -> None:
    found = check([*items(60), {"text": "row number 0 is bad", "label": "n"}], model=None)
    frame = found.to_frame()
    assert list(frame.columns) == ["severity", "code", "message", "advice", "count", "rows"] and len(frame) == len(found.findings)
    own = frame[frame.code == "contradiction"].iloc[0]
    assert own["count"] == 2 and own["rows"] == ["list:1", "list:61"]
    assert json.loads(json.dumps(found.to_table()))["findings"][0]["severity"] == "warning"


@pytest.mark.parametrize(("rows", "task", "code"), [
    ([{"text": f"t {i}", "label": i / 7} for i in range(40)], "classification", "free-labels"),
    ([{"text": f"t {i}", "label": 3.0} for i in range(40)], "regression", "constant-number"),
    ([{"text": f"t {i}", "spans": []} for i in range(40)], "entities", "no-entities"),
    ([{"text": f"t {i}", "labels": []} for i in range(40)], "multilabel", "one-label")])
def test_what_cannot_be_learnt_is_found_for_every_task(rows: list[dict[str, Any]], task: str, code: str) -> None:
    assert codes(check(rows, task=task, model=None))[0] == code


def test_tokens_of_a_model_are_looked_at(tiny_model: Path) -> None:
    spans = {"start": 0, "end": 3, "label": "person"}
    rows = [{"text": f"Ana met him in the small town of Rome on day {index}", "spans": [spans]} for index in range(60)]
    found = check(rows, model=tiny_model)
    assert "uncased" in codes(found) and "uncased" not in codes(check(rows, model=None))
    russian = check([{"text": f"слово и дело номер {index}", "label": "ab"[index % 2]} for index in range(60)],
                    model=tiny_model)
    assert "unknown-tokens" in codes(russian) or "language" in codes(russian)


def test_label_errors_finds_flipped_labels(tiny_model: Path, small_data: Path) -> None:
    import pandas as pd

    frame = pd.read_csv(small_data)
    found = check(frame, model=tiny_model, label_errors=True)
    assert found.suspects is not None and "label-errors" in codes(found)
    scores = [row["score"] for row in found.suspects]
    assert scores == sorted(scores) and set(found.suspects[0]) == {"file", "line", "id", "text", "given", "suggested", "score"}
    row = found.suspects[0]
    assert frame["text"][row["line"] - 1] == row["text"] and frame["label"][row["line"] - 1] == row["given"] != row["suggested"]


def test_label_errors_says_that_entities_are_out_of_scope(tiny_model: Path) -> None:
    rows = [{"text": f"Ana {index}", "spans": [{"start": 0, "end": 3, "label": "person"}]} for index in range(60)]
    found = check(rows, model=tiny_model, label_errors=True)
    assert found.suspects is None and any("cannot judge entities" in one.message for one in found.findings)


def test_label_map_is_applied_and_counted(tmp_path: Path) -> None:
    (tmp_path / "l.toml").write_text('[labels]\n"P" = "p"\n')
    found = check([*items(), {"text": "one more", "label": "P"}], model=None, labels=str(tmp_path / "l.toml"))
    assert "label-merged" in codes(found) and set(found.labels) == {"p", "n"}


def test_wrong_options_are_refused() -> None:
    with pytest.raises(ConfigError, match="text_colum"):
        check(items(), model=None, text_colum="x")
    with pytest.raises(ConfigError, match="--task"):
        check(items(), model=None, task="regresion")
    with pytest.raises(ModelError):
        check(items(), model="./nowhere")


def test_too_few_rows_for_label_errors_leave_all_other_findings(tiny_model: Path) -> None:
    found = check(items(40), model=tiny_model, label_errors=True)
    assert found.suspects is None and found.corpus is not None and "few-rows" in codes(found)
    (own,) = [one for one in found.findings if one.code == "label-errors"]
    assert own.severity is Severity.NOTE and "40 rows are too few" in own.message


@pytest.mark.parametrize(("data", "options", "said"), [
    ("nowhere.csv", {}, "no such file"), (items(), {"text_columns": ("txet",)}, "No column 'txet'"),
    (items(), {"label_columns": ("x", "y")}, "No column 'y'"), ([], {}, "it has no rows")])
def test_data_that_cannot_be_read_are_findings_too(data: Any, options: dict[str, Any], said: str) -> None:
    found = check(data, model=None, **options)
    assert found.problems and any(said in problem for problem in found.problems) and found.corpus is None
    assert set(codes(found)) == {"unusable"}


def test_labels_that_fit_no_row_are_a_finding(tmp_path: Path) -> None:
    (tmp_path / "l.toml").write_text('[labels]\n"Q" = "p"\n')
    assert "no row has the label 'Q'" in check(items(), model=None, labels=str(tmp_path / "l.toml")).problems[0]
    with pytest.raises(ConfigError, match="no such file"):
        check(items(), model=None, labels=str(tmp_path / "m.toml"))


def test_cv_holds_the_training_rows_out_in_turn() -> None:
    found = check(items(), test="cv", model=None)
    assert found.problems == [] and found.corpus is not None and len(found.corpus.folds) == 5
    assert sum(found.corpus.totals().values()) == 200


def test_the_task_and_its_headline_are_told() -> None:
    found = check(items(), model=None)
    assert found.to_table()["task"] == "classification" and found.to_table()["metric"] == "macro_f1"
    assert check("nowhere.csv", model=None).to_table()["task"] is None
