"""From records to rows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from luthier.data.cells import name_of
from luthier.data.columns import Columns
from luthier.data.findings import errors
from luthier.data.formats import Record, Table
from luthier.data.options import DataOptions
from luthier.data.row import Kind, text_key
from luthier.data.rows import Reading, read_rows, read_texts


def table(*values: dict[str, Any], name: str = "rows.csv") -> Table:
    return Table(name, ("text", "title", "label", "who"), [Record(line, cells) for line, cells in enumerate(values, 2)])


COLUMNS = Columns(("text",), ("label",))


def read(source: Table, columns: Columns = COLUMNS, kind: Kind = Kind.CLASS, **options: Any) -> Reading:
    return read_rows(source, columns, kind, DataOptions(**options))


def said(reading: Reading) -> list[str]:
    return [str(finding) for finding in reading.findings]


@pytest.mark.parametrize(("value", "name"), [
    (" spam ", "spam"), (1, "1"), (1.0, "1"), (0.5, "0.5"), (True, "true"), (False, "false"), (0, "0"), (-0.0, "0"),
    (None, None), (float("nan"), None), ("  ", None), ("", None), ("None", "None"), (Decimal("2"), "2"), (pd.NA, None),
    (pd.NaT, None), (float("inf"), "inf"), ("a\ud83d", "a\ufffd"),
])
def test_name_of_scalar_is_a_label(value: Any, name: str | None) -> None:
    assert name_of(value) == name


@pytest.mark.parametrize("value", [["a"], {"a": 1}, ("a",), {"a"}, b"a"])
def test_name_of_collection_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        name_of(value)


def test_read_rows_keeps_text_place_and_group() -> None:
    reading = read(table({"text": " a ", "label": "x", "who": 3.0}), Columns(("text",), ("label",), group="who"))
    (row,) = reading.rows
    assert (row.id, row.text, row.pair, row.target, row.file, row.line, row.group) == (
        "rows.csv:2", " a ", None, "x", "rows.csv", 2, "3")
    assert reading.findings == []


def test_read_rows_joins_columns_in_the_given_order_without_empty_ones() -> None:
    source = table({"text": "body", "title": "head", "label": 1}, {"text": "body", "title": " ", "label": 1},
                   {"text": None, "title": 7, "label": 1})
    reading = read(source, Columns(("title", "text"), ("label",)))
    assert [row.text for row in reading.rows] == ["head\nbody", "body", "7"]


def test_read_rows_reports_what_it_skips_with_lines() -> None:
    source = table({"text": " ", "label": "x"}, {"text": "a", "label": None}, {"label": "x"},
                   {"text": "a", "label": "x "})
    reading = read(source)
    assert [row.line for row in reading.rows] == [5]
    assert said(reading) == ["rows.csv: 2 rows with empty text skipped (lines 2, 4).",
                             "rows.csv: 1 row without a label skipped (line 3).",
                             "rows.csv: 1 row with spaces around the label: stripped (line 5)."]


def test_read_rows_names_ten_lines_at_most() -> None:
    (note,) = said(read(table(*[{"label": "x"}] * 12)))
    assert note == "rows.csv: 12 rows with empty text skipped (lines 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, …)."


def test_read_rows_of_a_format_without_lines_speaks_of_rows() -> None:
    (note,) = said(read(table({"label": "x"}, name="DataFrame")))
    assert note == "DataFrame: 1 row with empty text skipped (row 2)."


def test_read_rows_with_lists_gives_both_problems_at_once() -> None:
    source = table({"text": ["a"], "label": "x"}, {"text": "a", "label": ["x", "y"]}, {"text": {"a": 1}, "label": "x"})
    problems = errors(read(source).findings)
    assert "2 rows with a list, an object or bytes as text (lines 2, 4)" in problems[0]
    assert "1 row whose label cannot be read (column 'label'): line 3: a list, not one label." in problems[1]
    assert "--label-column" in problems[1] and "--task multilabel" in problems[1]


def test_read_rows_replaces_lone_surrogates_and_says_so() -> None:
    reading = read(table({"text": "hi \ud83d", "label": "x"}, {"text": "hi 😀", "label": "x"}))
    assert [row.text for row in reading.rows] == ["hi \ufffd", "hi 😀"]
    assert "1 row with half a character" in said(reading)[0] and "(line 2)" in said(reading)[0]


def test_read_texts_keeps_every_record() -> None:
    reading = read_texts(table({"text": "a"}, {"text": None}, {"text": " "}, {"text": 5}), Columns(("text",), ()))
    assert [(row.text, row.target, row.line) for row in reading.rows] == [
        ("a", None, 2), ("", None, 3), ("", None, 4), ("5", None, 5)]


@pytest.mark.parametrize(("one", "other", "same"), [
    ("Great  film\n", "great film", True), ("ﬁlm", "film", True), ("STRASSE", "straße", True),
    ("cafe\u0301", "café", True), ("a b", "ab", False), ("film!", "film", False),
])
def test_text_key_is_equal_for_equal_texts(one: str, other: str, same: bool) -> None:
    assert (text_key(one) == text_key(other)) is same
