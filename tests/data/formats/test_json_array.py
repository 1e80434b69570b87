"""JSON arrays of objects."""

from __future__ import annotations

from pathlib import Path

import pytest

from luthier.data.formats.json_array import read
from luthier.errors import DataError


def write(folder: Path, text: str) -> Path:
    path = folder / "rows.json"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("text", ['[{"text": "a"}, {"text": "b"}]',
                                  '{"version": 2, "tags": ["x"], "data": [{"text": "a"}, {"text": "b"}]}'])
def test_read_json_numbers_the_objects(tmp_path: Path, text: str) -> None:
    table = read(write(tmp_path, text))
    assert [(record.line, record.values) for record in table.records] == [(1, {"text": "a"}), (2, {"text": "b"})]


def test_read_json_of_empty_array_has_no_records(tmp_path: Path) -> None:
    assert read(write(tmp_path, "[]")).records == []


def test_read_json_with_syntax_error_names_line_and_column(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 2 column 15: not JSON"):
        read(write(tmp_path, '[{"text": "a"},\n {"text": "b" "label": 1}]'))


def test_read_json_with_json_lines_says_how_to_name_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"name it \.jsonl"):
        read(write(tmp_path, '{"text": "a"}\n{"text": "b"}\n'))


@pytest.mark.parametrize(("text", "found"), [
    ('{"a": [{"x": 1}], "b": [{"x": 1}]}', r"an object with 2 of them \(a, b\)"),
    ('{"text": "a"}', "an object without one"),
    ('"text"', "a single str"),
])
def test_read_json_without_one_array_of_objects_says_what_is_there(tmp_path: Path, text: str, found: str) -> None:
    with pytest.raises(DataError, match=found):
        read(write(tmp_path, text))


def test_read_json_with_an_item_that_is_no_object_names_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match='1 are not: the first is row 2, "b"'):
        read(write(tmp_path, '[{"text": "a"}, "b"]'))
