"""The registry of formats, by suffix, and the contract that each of them keeps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from luthier.data.formats import FORMATS, read_table, unit, why_not
from luthier.errors import DataError

ROWS: list[dict[str, Any]] = [{"text": "naïve — “quoted”, 東京", "label": "a"}, {"text": "second; one", "label": "b"}]


def write_rows(path: Path) -> None:
    """Write ROWS in the format of the path's suffix."""
    if path.suffix in (".csv", ".tsv"):
        sign = "\t" if path.suffix == ".tsv" else ","
        content = "".join(f'"{text}"{sign}{label}\n' for text, label in [("text", "label"), *map(dict.values, ROWS)])
    elif path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path)
        return
    elif path.suffix == ".txt":
        content = "".join(f"{row['text']}\n" for row in ROWS)
    else:
        content = json.dumps(ROWS) if path.suffix == ".json" else "".join(f"{json.dumps(row)}\n" for row in ROWS)
    path.write_text(content, encoding="utf-8")


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_gives_the_same_rows(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    write_rows(path)
    table = read_table(path)
    expected = ROWS if FORMATS[suffix].labelled else [{"text": row["text"]} for row in ROWS]
    assert [record.values for record in table.records] == expected
    assert (table.name, table.columns) == (path.name, tuple(expected[0]))


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_refuses_an_empty_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    path.touch()
    with pytest.raises(DataError, match="the file is empty"):
        read_table(path)


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_refuses_bytes_that_it_cannot_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    path.write_bytes(b"text,label\n\xff\xfe\x81\n")
    with pytest.raises(DataError, match=path.name):
        read_table(path)


def test_read_table_takes_suffixes_in_any_case(tmp_path: Path) -> None:
    path = tmp_path / "ROWS.CSV"
    path.write_text("text,label\na,b\n")
    assert len(read_table(path).records) == 1


@pytest.mark.parametrize(("name", "message"), [
    ("rows.csv.gz", "Unpack it first"), ("rows.xlsx", "Save its sheet as CSV"), ("rows", "no suffix"),
    ("rows.dat", r"ending in '\.dat' are not read\. Known: \.csv, \.tsv"),
])
def test_read_table_of_unknown_suffix_says_what_to_do(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(DataError, match=message):
        read_table(tmp_path / name)


def test_read_table_of_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.csv: no such file"):
        read_table(tmp_path / "none.csv")


def test_read_text_file_keeps_blank_lines_as_empty_texts(tmp_path: Path) -> None:
    path = tmp_path / "texts.txt"
    path.write_text("a\n\nb\n")
    assert [(record.line, record.values["text"]) for record in read_table(path).records] == [
        (1, "a"), (2, ""), (3, "b")]


def test_unit_is_line_where_a_file_has_lines() -> None:
    assert [unit(name) for name in ("a.csv", "test/b.JSONL", "c.json", "d.parquet", "DataFrame")] == [
        "line", "line", "row", "row", "row"]


def test_why_not_speaks_of_data_files_only() -> None:
    assert "Unpack" in why_not(Path("test.csv.gz")) and "without labels" in why_not(Path("test.txt"))
    assert why_not(Path("test.csv")) == why_not(Path("train.py")) == ""
