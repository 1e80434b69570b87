"""The registry of formats, by suffix, and the contract that each of them keeps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import spacy
from spacy.tokens import DocBin

from luthier.data.formats import FORMATS, read_table, unit, why_not
from luthier.errors import DataError

ROWS: list[dict[str, Any]] = [{"text": "naïve — “quoted”, 東京", "label": "a"}, {"text": "second; one", "label": "b"}]
TAGGED: list[dict[str, Any]] = [{"tokens": ["naïve", "東京"], "tags": ["O", "B-a"]}, {"tokens": ["second"], "tags": ["B-b"]}]
TAGGED_SUFFIXES = (".conll", ".conllu", ".iob", ".iob2", ".bio")
BINARY = (".xlsx", ".parquet", ".arrow", ".feather", ".spacy")


def write_rows(path: Path) -> None:
    """Write ROWS, or TAGGED, in the format of the path's suffix."""
    if path.suffix in BINARY:
        write_binary(path)
    else:
        path.write_text(as_text(path.suffix), encoding="utf-8")


def as_text(suffix: str) -> str:
    if suffix in (".csv", ".tsv"):
        sign = "\t" if suffix == ".tsv" else ","
        return "".join(f'"{text}"{sign}{label}\n' for text, label in [("text", "label"), *map(dict.values, ROWS)])
    if suffix == ".txt":
        return "".join(f"{row['text']}\n" for row in ROWS)
    if suffix in (".ft", ".fasttext"):
        return "".join(f"__label__{row['label']} {row['text']}\n" for row in ROWS)
    if suffix in TAGGED_SUFFIXES:
        return "\n".join("".join(f"{token}\t{tag}\n" for token, tag in zip(row["tokens"], row["tags"], strict=True))
                         for row in TAGGED)
    return json.dumps(ROWS) if suffix == ".json" else "".join(f"{json.dumps(row)}\n" for row in ROWS)


def write_binary(path: Path) -> None:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    elif path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        for cells in (("text", "label"), *map(dict.values, ROWS)):
            book.active.append(list(cells))
        book.save(path)
    elif path.suffix == ".spacy":
        vocab = spacy.blank("xx")
        docs = [vocab(row["text"]) for row in ROWS]
        for doc, row in zip(docs, ROWS, strict=True):
            doc.cats = {row["label"]: 1.0}
        DocBin(docs=docs).to_disk(path)
    else:
        table = pa.Table.from_pylist(ROWS)
        with pa.ipc.new_file(path, table.schema) as stream:
            stream.write_table(table)


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_gives_the_same_rows(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    write_rows(path)
    table = read_table(path)
    texts = [{"text": row["text"]} for row in ROWS]
    expected = texts if not FORMATS[suffix].labelled else TAGGED if suffix in TAGGED_SUFFIXES else ROWS
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
    ("rows.csv.gz", "Unpack it first"), ("rows.xls", "Save its sheet as .xlsx"), ("rows", "no suffix"),
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
    assert [unit(name) for name in ("a.csv", "test/b.JSONL", "c.conll", "c.json", "d.parquet", "e.xlsx",
                                       "DataFrame")] == ["line", "line", "line", "row", "row", "row", "row"]


def test_why_not_speaks_of_data_files_only() -> None:
    assert "Unpack" in why_not(Path("test.csv.gz")) and "without labels" in why_not(Path("no-such-test.txt"))
    assert why_not(Path("test.csv")) == why_not(Path("train.py")) == ""
