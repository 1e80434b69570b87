"""Which tool wrote a file's records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from luthier.data.formats import in_memory, read_table
from luthier.data.formats.plain import has_labels

LABEL_STUDIO = {"data": {"text": "a"}, "annotations": [{"result": [
    {"type": "choices", "from_name": "c", "value": {"choices": ["x"]}}]}]}
ITEMS: dict[str, Any] = {
    "Label Studio tasks": LABEL_STUDIO, "Prodigy tasks": {"text": "a", "label": "x", "answer": "accept"},
    "Doccano examples": {"text": "a", "label": ["x"]}, "Argilla records": {"text": "a", "label.responses": ["x"]},
    "spaCy training tuples": ["a", {"cats": {"x": 1}}],
}


@pytest.mark.parametrize("tool", ITEMS)
def test_records_are_read_alike_from_json_lines_and_lists(tmp_path: Path, tool: str) -> None:
    (tmp_path / "a.json").write_text(json.dumps([ITEMS[tool]]))
    (tmp_path / "a.jsonl").write_text(json.dumps(ITEMS[tool]))
    tables = [read_table(tmp_path / "a.json"), read_table(tmp_path / "a.jsonl"), in_memory.read([ITEMS[tool]])]
    assert [table.records[0].values for table in tables] == [{"text": "a", "label": "x"}] * 3
    assert all(table.findings[0].message == f"{table.name}: read as {tool}." for table in tables)


def test_records_of_two_tools_are_read_as_the_first_and_it_is_said() -> None:
    table = in_memory.read([{"text": "a", "label": ["x"], "answer": "accept"}])
    assert str(table.findings[-1]) == "list: its records have keys of Doccano too; they are read as those of Prodigy."


def test_plain_records_stay_as_they_are() -> None:
    table = in_memory.read([{"text": "a", "labels": ["x"], "data": {"k": 1}}])
    assert table.findings == () and table.records[0].values == {"text": "a", "labels": ["x"], "data": {"k": 1}}


def test_marked_spans_are_converted_only_on_evidence() -> None:
    rows = [{"text": "\U0001f600 EU", "spans": [{"start": 3, "end": 5, "label": "X"}]}, {"text": "b", "spans": None}]
    table = in_memory.read(rows)
    assert table.records[0].values["spans"] == [{"start": 2, "end": 4, "label": "X"}] and table.records[1].values == rows[1]
    kept = [{"text": "\U0001f600 I live", "spans": [{"start": 2, "end": 5, "label": "X"}]}]
    assert in_memory.read(kept).records[0].values == kept[0]


def test_a_single_label_studio_task_is_a_row(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(LABEL_STUDIO))
    assert len(read_table(tmp_path / "a.json").records) == 1


@pytest.mark.parametrize(("content", "found"), [
    (b"__label__a x\n", True), (b"EU\tB-X\nx\tO\n", True), (b"words\n", False), (b"\xff\n", False), (b"", False)])
def test_text_files_with_labels_are_told_by_their_beginning(tmp_path: Path, content: bytes, found: bool) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    assert has_labels(tmp_path / "a.txt") is found
