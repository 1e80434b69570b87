"""Argilla's records, flattened and not."""

from __future__ import annotations

from typing import Any

from luthier.data.formats.argilla import fits, read
from luthier.data.formats.table import Record, Table
from luthier.data.options import DataOptions


def flat(text: str, values: Any, statuses: Any, users: Any) -> dict[str, Any]:
    return {"id": "1", "status": "completed", "_server_id": "s", "review": text, "stars": 4, "label.responses": values,
            "label.responses.status": statuses, "label.responses.users": users, "label.suggestion": "old",
            "label.suggestion.score": 0.4, "label.suggestion.agent": "m"}


def read_items(*items: dict[str, Any], **options: Any) -> Table:
    return read("a.jsonl", [Record(number, item) for number, item in enumerate(items, 1)], DataOptions(**options))


def test_read_takes_submitted_responses_alone() -> None:
    table = read_items(flat("a", ["x", "pos"], ["draft", "submitted"], ["u1", "u2"]), flat("b", ["x"], ["discarded"], ["u1"]),
                       flat("c", None, None, None))
    assert [record.values for record in table.records] == [
        {"text": "a", "id": "1", "status": "completed", "_server_id": "s", "stars": 4, "label": "pos"}]
    assert [(finding.code, [place.line for place in finding.rows]) for finding in table.findings] == [
        ("read-as", []), ("left-out", [2]), ("left-out", [3])]


def test_read_settles_users() -> None:
    item = flat("a", ["x", "y"], ["submitted", "submitted"], ["u1", "u2"])
    assert read_items(item, annotators="u2").records[0].values["label"] == "y"


def test_read_ratings_lists_and_spans() -> None:
    assert read_items(flat("a", [4], ["submitted"], ["u"])).records[0].values["label"] == 4
    assert read_items(flat("a", [["x"]], ["submitted"], ["u"])).records[0].values["labels"] == ["x"]
    spans = [{"start": 0, "end": 2, "label": "ORG"}]
    assert read_items(flat("EU", [spans], ["submitted"], ["u"])).records[0].values["spans"] == spans


def test_read_records_that_are_not_flattened() -> None:
    item = {"id": "1", "fields": {"text": "a"}, "metadata": {"source": "web"}, "suggestions": {}, "vectors": {},
            "responses": {"label": [{"value": "pos", "user_id": "u"}]}, "status": "completed"}
    assert read_items(item).records[0].values == {"text": "a", "source": "web", "id": "1", "status": "completed", "label": "pos"}
    assert fits([Record(1, item)]) and not fits([Record(1, {"text": "a", "responses": {}})])
