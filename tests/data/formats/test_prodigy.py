"""Prodigy's tasks in the shapes that it documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from luthier.data.formats.prodigy import fits, read, task, write_guesses
from luthier.data.formats.table import Record, Table
from luthier.data.options import DataOptions
from luthier.data.row import Guess, Kind, Row

TEXTCAT = {"text": "a", "options": [{"id": "POS", "text": "Positive"}], "_input_hash": 1, "_task_hash": 2, "accept": ["POS"],
           "answer": "accept", "_view_id": "choice", "meta": {"source": "web"}}


def read_items(*items: dict[str, Any], **options: Any) -> Table:
    return read("a.jsonl", [Record(number, item) for number, item in enumerate(items, 1)], DataOptions(**options))


def test_read_choices_keeps_metadata_and_drops_the_machinery() -> None:
    assert read_items(TEXTCAT).records[0].values == {"text": "a", "meta": {"source": "web"}, "label": "POS"}


def test_read_drops_and_counts_all_but_accepted_answers() -> None:
    table = read_items(TEXTCAT, TEXTCAT | {"answer": "reject"}, TEXTCAT | {"answer": "ignore"}, {"text": "new"})
    assert [record.line for record in table.records] == [1]
    assert [str(finding) for finding in table.findings[1:]] == [
        "a.jsonl: 1 row left out: answered 'reject' (line 2).", "a.jsonl: 1 row left out: answered 'ignore' (line 3).",
        "a.jsonl: 1 row left out: without an answer (line 4)."]


def test_read_spans_ignores_prodigys_tokens() -> None:
    item = {"text": "Apple is", "tokens": [{"text": "Apple", "start": 0, "end": 5, "id": 0}], "answer": "accept",
            "spans": [{"start": 0, "end": 5, "token_start": 0, "token_end": 0, "label": "ORG"}]}
    table = read_items(item, {"text": "none", "answer": "accept", "tokens": []})
    assert [record.values for record in table.records] == [
        {"text": "Apple is", "spans": [{"start": 0, "end": 5, "label": "ORG"}]}, {"text": "none", "spans": []}]


def test_read_binary_joins_the_labels_that_were_accepted_for_a_text() -> None:
    table = read_items({"text": "a", "label": "X", "answer": "accept"}, {"text": "a", "label": "Y", "answer": "accept"},
                       {"text": "b", "label": "X", "answer": "accept"}, {"text": "b", "label": "Y", "answer": "reject"})
    assert [record.values["labels"] for record in table.records] == [["X", "Y"], ["X"]]


def test_read_settles_annotators_of_one_text() -> None:
    items = [TEXTCAT | {"_annotator_id": "d-ann"}, TEXTCAT | {"_annotator_id": "d-bob", "accept": ["NEG"]}]
    table = read_items(*items, annotators="d-bob")
    assert [record.values["label"] for record in table.records] == ["NEG"]
    assert {finding.code for finding in table.findings} == {"read-as", "left-out", "agreement"}


def test_read_keeps_texts_that_one_person_was_asked_twice() -> None:
    item = TEXTCAT | {"_annotator_id": "d-ann"}
    assert [record.line for record in read_items(item, item).records] == [1, 2]


def test_fits_needs_an_answer_and_a_form() -> None:
    assert fits([Record(1, TEXTCAT)])
    assert not fits([Record(1, {"text": "a", "answer": "accept"}), Record(2, {"question": "b", "answer": "Paris", "label": "x"})])


def test_task_says_where_several_choices_are_allowed() -> None:
    row = Row("7", "a", None, ("x",), "f", 1)
    assert task(row, Kind.LABELS, ["x", "y"]) == {
        "text": "a", "id": "7", "options": [{"id": "x", "text": "x"}, {"id": "y", "text": "y"}], "accept": ["x"],
        "config": {"choice_style": "multiple"}}


def test_guesses_offer_every_label_of_the_model(tmp_path: Path) -> None:
    row = Row("a:1", "a", None, "x", "a", 1)
    write_guesses(tmp_path / "g.jsonl", [Guess(row, 0.5)], Kind.CLASS, ("x", "y"))
    item = json.loads((tmp_path / "g.jsonl").read_text())
    assert [option["id"] for option in item["options"]] == ["x", "y"] and item["accept"] == ["x"]
