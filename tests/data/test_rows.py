"""From records to rows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.data.cells import name_of, whole_number
from luthier.data.columns import Columns
from luthier.data.findings import errors
from luthier.data.formats import Record, Table
from luthier.data.options import DataOptions
from luthier.data.row import Kind, Span, text_key
from luthier.data.rows import Reading, read_rows, read_texts
from luthier.data.tags import Scheme


def table(*values: dict[str, Any], name: str = "rows.csv") -> Table:
    return Table(name, ("text", "title", "label", "who"), [Record(line, cells) for line, cells in enumerate(values, 2)])


COLUMNS = Columns(("text",), ("label",))


def read(source: Table, columns: Columns = COLUMNS, kind: Kind = Kind.CLASS, scheme: Scheme | None = None,
         **options: Any) -> Reading:
    return read_rows(source, columns, kind, DataOptions(**options), scheme)


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


def test_spans_are_trimmed_taken_once_and_refused_where_they_overlap() -> None:
    def spans(*given: tuple[int, int, str]) -> dict[str, Any]:
        return {"text": " in New York ", "label": [{"start": low, "end": high, "label": name} for low, high, name in given]}

    reading = read(table(spans((3, 13, "city")), spans((4, 12, "city"), (4, 12, "city")), spans(),
                         spans((4, 12, "city"), (8, 12, "name"))), kind=Kind.SPANS)
    assert [row.target for row in reading.rows][:3] == [(Span(4, 12, "city"),), (Span(4, 12, "city"),), ()]
    assert [finding.code for finding in reading.findings] == ["spaced-span", "same-span", "overlap"]
    assert [[place.line for place in finding.rows] for finding in reading.findings] == [[2], [3], [5]]
    (problem,) = errors(reading.findings)
    assert "1 row with spans that overlap (line 5)" in problem and "--spans longest" in problem


def test_of_overlapping_spans_the_longest_is_kept_on_request_and_said() -> None:
    cell = "[[5, 13, 'city'], [9, 13, 'name'], [0, 2, 'word']]"
    reading = read(table({"text": "in a New York", "label": cell}), kind=Kind.SPANS, spans="longest")
    assert [row.target for row in reading.rows] == [(Span(0, 2, "word"), Span(5, 13, "city"))]
    assert errors(reading.findings) == [] and "the longest kept" in said(reading)[0]


CELLS = st.one_of(st.none(), st.text("ab ;[]'0", max_size=6), st.integers(-1, 2), st.floats(), st.lists(st.text("ab", max_size=2)),
                  st.lists(st.fixed_dictionaries({"start": st.integers(-1, 4), "end": st.integers(-1, 5), "label": st.just("x")}),
                           max_size=3), st.dictionaries(st.text("a"), st.none(), max_size=1))


@given(cells=st.lists(st.tuples(st.one_of(st.none(), st.text("ab ", max_size=5), st.lists(st.text("a"), max_size=2)), CELLS),
                      max_size=8), kind=st.sampled_from(Kind), longest=st.booleans())
def test_every_record_is_a_row_or_is_reported(cells: list[tuple[Any, Any]], kind: Kind, longest: bool) -> None:
    source = table(*[{"text": text, "label": label} for text, label in cells])
    reading = read(source, kind=kind, spans="longest" if longest else "refuse", label_separator=";")
    kept = {row.line for row in reading.rows}
    reported = {place.line for finding in reading.findings for place in finding.rows}
    assert kept | reported == {record.line for record in source.records} and len(kept) == len(reading.rows)
    kinds = {Kind.CLASS: str, Kind.LABELS: tuple, Kind.NUMBER: float, Kind.SPANS: tuple}
    assert all(isinstance(row.target, kinds[kind]) and row.text.strip() for row in reading.rows)


def test_unreadable_labels_name_five_rows_at_most_and_what_to_do() -> None:
    reading = read(table({"text": "a", "label": 1}, *[{"text": "b", "label": "high"}] * 7), kind=Kind.NUMBER)
    (problem,) = errors(reading.findings)
    assert "7 rows whose label cannot be read (column 'label'): line 3: 'high', not a number; line 4" in problem
    assert "line 7" in problem and "line 8" not in problem and "--task classification" in problem
    assert [place.line for place in reading.findings[-1].rows] == [3, 4, 5, 6, 7, 8, 9]


def test_rows_of_tokens_are_read_for_prediction_by_spaces() -> None:
    source = Table("a.csv", ("tokens",), [Record(2, {"tokens": "['in', 'Rome']"}), Record(3, {"tokens": ["x"]}), Record(4, {})])
    assert [row.text for row in read_texts(source, Columns(("tokens",), ())).rows] == ["in Rome", "x", ""]


def test_tags_on_blank_tokens_are_no_entities_and_counted() -> None:
    source = Table("a.jsonl", ("tokens", "tags"), [
        Record(1, {"tokens": ["", "a"], "tags": ["B-x", "O"]}), Record(2, {"tokens": [" a", " "], "tags": ["B-x", "I-x"]}),
        Record(3, {"tokens": ["a", "b"], "tags": ["B-x", "I-x"]}), Record(4, {"tokens": [" ", "b"], "tags": ["B-x", "B-y"]})])
    reading = read(source, Columns(("tokens",), ("tags",)), Kind.SPANS, scheme=Scheme.IOB2)
    assert [row.target for row in reading.rows] == [(), (Span(1, 2, "x"),), (Span(0, 3, "x"),), (Span(2, 3, "y"),)]
    assert {finding.code: [place.line for place in finding.rows] for finding in reading.findings} == {
        "blank-span": [1, 4], "spaced-span": [2]}


@pytest.mark.parametrize(("name", "cells", "targets", "blank"), [
    ("a.csv", ["a;b", "", " "], [("a", "b"), (), ()], [2, 3]),
    ("a.xlsx", ["a;b", None, "b"], [("a", "b"), (), ("b",)], [2]),
    ("DataFrame", ["a", float("nan")], [("a",), ()], [2]),
    ("a.jsonl", ["a", "", []], [("a",), (), ()], [2]),
])
def test_a_blank_cell_of_several_labels_is_none_of_them_in_every_table(name: str, cells: list[Any], targets: list[Any],
                                                                       blank: list[int]) -> None:
    source = Table(name, ("text", "label"), [Record(line, {"text": "t", "label": cell}) for line, cell in enumerate(cells, 1)])
    reading = read(source, kind=Kind.LABELS, label_separator=";")
    assert [row.target for row in reading.rows] == targets
    (finding,) = reading.findings
    assert (finding.code, [place.line for place in finding.rows]) == ("blank-labels", blank)


def test_null_and_a_missing_key_are_no_labels() -> None:
    source = Table("a.jsonl", ("text", "label"), [Record(1, {"text": "t", "label": None}), Record(2, {"text": "t"}),
                                                  Record(3, {"text": "t", "label": []})])
    for options in ({}, {"label_separator": ";"}):
        reading = read(source, kind=Kind.LABELS, **options)
        assert [(row.line, row.target) for row in reading.rows] == [(3, ())]
        assert [(found.code, len(found.rows)) for found in reading.findings] == [("no-label", 2)]


def test_blank_flags_are_0_and_counted() -> None:
    values = [("1.0", "0"), ("", "1"), (None, "0.0"), (1.0, True), ("2", "0")]
    source = Table("a.csv", ("text", "x", "y"), [Record(line, {"text": "t", "x": one, "y": two})
                                                 for line, (one, two) in enumerate(values, 1)])
    reading = read(source, Columns(("text",), ("x", "y")), Kind.LABELS)
    assert [row.target for row in reading.rows] == [("x",), ("y",), (), ("x", "y")]
    assert [(found.code, [place.line for place in found.rows]) for found in reading.findings] == [
        ("blank-flag", [2, 3]), ("label-kind", [5])]


@pytest.mark.parametrize("number", [np.int64, np.float32, float])
def test_offsets_may_be_whole_numbers_of_any_type(number: Any) -> None:
    for span in ({"start": number(0), "end": number(1), "label": "x"}, [number(0), number(1), "x"]):
        reading = read(table({"text": "ab", "label": [span]}), kind=Kind.SPANS)
        assert [row.target for row in reading.rows] == [(Span(0, 1, "x"),)]


@pytest.mark.parametrize(("value", "whole"), [
    (7, 7), (7.0, 7), (np.int32(7), 7), (np.float64(7), 7), (7.5, None), (True, None), ("7", None), (float("nan"), None),
    (float("inf"), None), (2**53, None), (10**400, None), (None, None), (np.bool_(True), None)])
def test_whole_number(value: Any, whole: int | None) -> None:
    assert whole_number(value) == whole


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
