"""Doccano's exports."""

from __future__ import annotations

from typing import Any

from luthier.data.formats.doccano import fits, read
from luthier.data.formats.table import Record
from luthier.data.options import DataOptions


def records(*items: dict[str, Any]) -> list[Record]:
    return [Record(number, item) for number, item in enumerate(items, 1)]


def test_read_names_and_triples() -> None:
    table = read("a.jsonl", records({"id": 1, "text": "a", "label": ["pos"], "Comments": []}), DataOptions())
    assert table.records[0].values == {"text": "a", "id": 1, "label": "pos"}
    table = read("a.jsonl", records({"text": "EU", "labels": [[0, 2, "ORG"]]}, {"text": "b", "labels": []}), DataOptions())
    assert [record.values["spans"] for record in table.records] == [[{"start": 0, "end": 2, "label": "ORG"}], []]
    assert "1 row without any label" in str(table.findings[-1])


def test_read_offsets_of_the_browser() -> None:
    item = {"text": "\U0001f600 EU", "entities": [{"id": 1, "label": "ORG", "start_offset": 3, "end_offset": 5}], "relations": []}
    table = read("a.jsonl", records(item), DataOptions())
    assert table.records[0].values == {"text": "\U0001f600 EU", "spans": [{"start": 2, "end": 4, "label": "ORG"}]}
    assert table.findings[-1].code == "utf16-offsets"


def test_fits_leaves_lists_of_several_names_to_the_plain_format() -> None:
    assert fits(records({"text": "a", "label": ["x"]}, {"text": "b", "label": []}))
    assert not fits(records({"text": "a", "label": ["x", "y"]})) and not fits(records({"text": "a", "label": []}))
    assert not fits(records({"text": "a", "label": "x"})) and not fits(records({"text": "a", "labels": ["x"]}))
    assert fits(records({"text": "a", "label": [[0, 1, "x"]]}))
