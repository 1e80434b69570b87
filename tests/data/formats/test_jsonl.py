"""JSON lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from luthier.data.formats.jsonl import read
from luthier.errors import DataError


def write(folder: Path, text: str) -> Path:
    path = folder / "rows.jsonl"
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_read_jsonl_keeps_line_numbers_over_blank_lines(tmp_path: Path) -> None:
    table = read(write(tmp_path, '{"text": "a", "label": 1}\n\n  \n{"text": "b", "extra": null}\n'))
    assert [(record.line, record.values) for record in table.records] == [
        (1, {"text": "a", "label": 1}), (4, {"text": "b", "extra": None})]
    assert table.columns == ("text", "label", "extra")


def test_read_jsonl_with_line_separator_inside_a_string_is_one_record(tmp_path: Path) -> None:
    assert read(write(tmp_path, '{"text": "a\u2028b\x85c"}\n')).records[0].values["text"] == "a\u2028b\x85c"


def test_read_jsonl_with_broken_lines_names_each_and_why(tmp_path: Path) -> None:
    path = write(tmp_path, '{"text": "a"}\n{"text": \n[1, 2]\n{"text": "d"}\n"alone"\n')
    with pytest.raises(DataError) as error:
        read(path)
    first, second, third = str(error.value).splitlines()
    assert first.startswith(f"{path} line 2: not JSON: Expecting value at column")
    assert second.startswith(f"{path} line 3: each line must be an object") and "[1, 2]" in second
    assert third.startswith(f"{path} line 5:")


@pytest.mark.parametrize("line", ["[" * 200_000, '{"text": ' + "1" * 5000 + "}"])
def test_read_jsonl_with_hostile_line_is_a_data_error(tmp_path: Path, line: str) -> None:
    with pytest.raises(DataError, match="line 1"):
        read(write(tmp_path, line))


def test_read_jsonl_shows_ten_broken_lines_and_counts_the_rest(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        read(write(tmp_path, "broken\n" * 12))
    assert len(str(error.value).splitlines()) == 11
    assert str(error.value).endswith("and 2 more lines")
