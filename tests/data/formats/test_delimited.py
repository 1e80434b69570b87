"""CSV and TSV: line numbers, separators, and files that are broken."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.data.formats.delimited import read
from luthier.errors import DataError

FIELD = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=12)


def write(folder: Path, text: str, name: str = "rows.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def test_read_csv_gives_the_line_on_which_each_record_starts(tmp_path: Path) -> None:
    table = read(write(tmp_path, 'text,label\n"two\nlines",a\n\nlast,b\n'))
    assert [(record.line, record.values) for record in table.records] == [
        (2, {"text": "two\nlines", "label": "a"}), (5, {"text": "last", "label": "b"})]


def test_read_csv_with_windows_line_ends_counts_each_line_once(tmp_path: Path) -> None:
    table = read(write(tmp_path, "text,label\r\none,a\r\ntwo,b\r\n"))
    assert [(record.line, record.values["label"]) for record in table.records] == [(2, "a"), (3, "b")]


def test_read_csv_strips_bom_and_header_space(tmp_path: Path) -> None:
    assert read(write(tmp_path, "\ufefftext , label\nx,y\n")).columns == ("text", "label")


def test_read_csv_takes_semicolons_only_without_comma_in_the_header(tmp_path: Path) -> None:
    semicolons = read(write(tmp_path, "text;label\na, b;x\n"))
    assert semicolons.records[0].values == {"text": "a, b", "label": "x"}
    commas = read(write(tmp_path, "text,my;label\na;b,x\n"))
    assert commas.records[0].values == {"text": "a;b", "my;label": "x"}


def test_read_tsv_leaves_commas_in_the_text(tmp_path: Path) -> None:
    assert read(write(tmp_path, "text\tlabel\na, b;c\tx\n", "rows.tsv")).records[0].values["text"] == "a, b;c"


def test_read_csv_with_huge_field_reads_it_and_restores_the_limit(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    assert len(read(write(tmp_path, f"text,label\n{'x' * 300_000},a\n")).records[0].values["text"]) == 300_000
    assert csv.field_size_limit() == before


@pytest.mark.parametrize(("header", "message"), [
    ("text,text,label", "more than one column is called 'text'"),
    (",text,label", "column 1 has no name"),
    ("text,label, ", "column 3 has no name"),
])
def test_read_csv_with_bad_header_is_refused(tmp_path: Path, header: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(write(tmp_path, f"{header}\na,b,c\n"))


def test_read_csv_with_rows_of_other_widths_names_all_lines(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"2 fields of the header.*line 3 has 3, line 5 has 1"):
        read(write(tmp_path, "text,label\na,b\nc,d,e\nf,g\nh\n"))


def test_read_csv_with_unclosed_quote_names_the_line_where_it_opens(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 3: a field opens with a double quote that is never closed"):
        read(write(tmp_path, 'text,label\na,b\n"open,c\nd,e\n'))


def test_read_csv_with_text_after_a_closing_quote_names_the_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 2: a quoted field goes on after its closing quote"):
        read(write(tmp_path, 'text,label\n"so called" film,b\n'))


def test_read_csv_with_tabs_says_how_to_name_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Name the file \.tsv"):
        read(write(tmp_path, "text\tlabel\na\tb\n"))


def test_read_csv_of_a_header_alone_has_no_records(tmp_path: Path) -> None:
    assert read(write(tmp_path, "text,label\n")).records == []


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.tuples(FIELD, FIELD), max_size=5))
def test_read_csv_returns_what_the_csv_module_wrote(tmp_path_factory: pytest.TempPathFactory,
                                                    rows: list[tuple[str, str]]) -> None:
    path = tmp_path_factory.getbasetemp() / "round.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([("text", "label"), *rows])
    assert [(record.values["text"], record.values["label"]) for record in read(path).records] == rows
