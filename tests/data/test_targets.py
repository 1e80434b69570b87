"""What labels are, and how a cell becomes one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.data.columns import Columns, resolve
from luthier.data.formats import Record, Table
from luthier.data.options import DataOptions
from luthier.data.row import Kind, Span
from luthier.data.targets import (
    Unreadable,
    detect,
    longest,
    overlaps,
    read_class,
    read_labels,
    read_number,
    read_spans,
    read_tags,
    trimmed,
    unpacked,
)

ONE = Columns(("text",), ("label",))
SPANS = st.lists(st.tuples(st.integers(0, 20), st.integers(1, 6)).map(lambda p: Span(p[0], p[0] + p[1], "a")), max_size=8).map(
    lambda spans: sorted(set(spans)))


def kind_of(cells: list[Any], name: str = "label", **options: Any) -> Kind:
    table = Table("rows.csv", ("text", name), [Record(i, {"text": f"text {i}", name: cell}) for i, cell in enumerate(cells, 2)])
    asked = DataOptions(**options)
    return detect(table, resolve(table, asked), asked)


@pytest.mark.parametrize(("cells", "kind"), [
    (["a", "b"], Kind.CLASS), ([1, 0], Kind.CLASS), (["1", "2", "10"] * 30, Kind.CLASS), ([i / 2 for i in range(11)], Kind.CLASS),
    ([i / 7 for i in range(40)], Kind.NUMBER), ([f"{i / 7:.3f}" for i in range(40)], Kind.NUMBER),
    ([["a"], [], ["b", "c"]], Kind.LABELS), (["['a']", "[]", "['b', 'c']"], Kind.LABELS), ([True, False], Kind.CLASS),
    ([[{"start": 0, "end": 4, "label": "x"}], []], Kind.SPANS), ([[[0, 4, "x"]], []], Kind.SPANS), ([None, None], Kind.CLASS)])
def test_kind_is_told_by_the_cells(cells: list[Any], kind: Kind) -> None:
    assert kind_of(cells) is kind


def test_kind_is_told_by_columns_and_options() -> None:
    assert kind_of(["a;b"], label_separator=";") is Kind.LABELS
    assert kind_of([[], []], "spans") is Kind.SPANS
    table = Table("rows.csv", ("text", "a", "b"), [Record(2, {"text": "x", "a": 1, "b": 0})])
    asked = DataOptions(label_columns=("a", "b"))
    assert detect(table, resolve(table, asked), asked) is Kind.LABELS


def test_tokens_with_tags_are_entities_also_where_they_are_written_as_text() -> None:
    for tokens, tags in ((["in", "Rome"], ["O", "B-city"]), ("['in', 'Rome']", '["O", "B-city"]')):
        table = Table("rows.csv", ("tokens", "ner_tags"), [Record(2, {"tokens": tokens, "ner_tags": tags})])
        columns = resolve(table, DataOptions())
        assert columns == Columns(("tokens",), ("ner_tags",))
        assert detect(table, columns, DataOptions()) is Kind.SPANS
        from luthier.data.tags import Scheme
        assert read_tags(table.records[0], columns, Scheme.IOB2) == ("in Rome", (Span(3, 7, "city"),))


@pytest.mark.parametrize(("text", "value"), [
    ("['a', \"b\"]", ["a", "b"]), ('["a", null]', ["a", None]), ("[]", []), ("[not a list", "[not a list"), ("[x]", "[x]"),
    ("(1, 2)", "(1, 2)"), ("[" * 5000 + "]" * 5000, "[" * 5000 + "]" * 5000), (3, 3), (None, None)])
def test_lists_written_as_text_are_lists(text: Any, value: Any) -> None:
    assert unpacked(text) == value


@pytest.mark.parametrize(("cell", "separator", "labels"), [
    ("a; b ;a", ";", ("a", "b")), ("", ";", ()), (";", ";", ()), ("a,b", None, ("a,b",)), (["b", "a", "b"], None, ("a", "b")),
    ([], None, ()), (None, None, None), (float("nan"), None, None), (["", None, 1.0], None, ("1",)),
    ("['x', 'y']", None, ("x", "y"))])
def test_labels_of_a_cell_are_sorted_and_none_twice(cell: Any, separator: str | None, labels: tuple[str, ...] | None) -> None:
    assert read_labels(Record(2, {"label": cell}), ONE, separator) == labels


@pytest.mark.parametrize(("cell", "on"), [
    (1, True), (0, False), (1.0, True), ("1", True), ("0 ", False), (True, True), ("false", False), ("Yes", True), (None, False)])
def test_a_column_of_one_label_holds_0_or_1(cell: Any, on: bool) -> None:
    columns = Columns(("text",), ("joy", "anger"))
    assert read_labels(Record(2, {"joy": cell, "anger": 0}), columns, None) == (("joy",) if on else ())


@pytest.mark.parametrize(("read", "cell", "message"), [
    (lambda r: read_labels(r, Columns(("text",), ("label", "b")), None), 2, "2 in column 'label', neither 0 nor 1"),
    (lambda r: read_labels(r, ONE, None), {"a": 1}, "not a list of labels"),
    (lambda r: read_labels(r, ONE, None), [["a"]], "within"),
    (lambda r: read_number(r, ONE), "high", "'high', not a number"), (lambda r: read_number(r, ONE), "inf", "not a finite number"),
    (lambda r: read_class(r, ONE), ["a"], "a list, not one label"),
    (lambda r: read_spans(r, ONE, "in Rome"), "city", "not a list of spans"),
    (lambda r: read_spans(r, ONE, "in Rome"), [{"start": 3, "end": 9, "label": "x"}], "span 3 to 9 .x. in a text of 7 characters"),
    (lambda r: read_spans(r, ONE, "in Rome"), [{"start": 2, "end": 3, "label": "x"}], "at least one character"),
    (lambda r: read_spans(r, ONE, "in Rome"), [{"start": 3, "end": 7}], "needs a whole start, a whole end and a label"),
    (lambda r: read_spans(r, ONE, "in Rome"), [{"start": 3.5, "end": 7, "label": "x"}], "needs a whole start"),
    (lambda r: read_spans(r, ONE, "in Rome"), [["x", 3, 7]], "not a span such as")])
def test_what_is_no_label_of_the_kind_says_what_it_is(read: Any, cell: Any, message: str) -> None:
    with pytest.raises(Unreadable, match=message):
        read(Record(2, {"label": cell}))


@given(number=st.floats(-3e38, 3e38))
def test_numbers_are_read_as_they_are_written(number: float) -> None:
    assert read_number(Record(2, {"label": number}), ONE) == read_number(Record(2, {"label": f" {number!r} "}), ONE) == number


@given(spans=SPANS)
def test_the_longest_spans_do_not_overlap_and_leave_none_that_would_fit(spans: list[Span]) -> None:
    kept = longest(spans)
    assert not overlaps(kept) and set(kept) <= set(spans)
    assert all(any(one.end > span.start and one.start < span.end for one in kept) for span in spans)
    assert (kept == tuple(spans)) == (not overlaps(spans))


@given(text=st.text(" \tab\n", min_size=1), data=st.data())
def test_a_trimmed_span_is_the_stripped_text(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    span = trimmed(Span(start, data.draw(st.integers(start + 1, len(text))), "x"), text)
    assert span.start <= span.end and text[span.start:span.end] == text[span.start:span.end].strip()


@pytest.mark.parametrize("cell", ["1e300", -1e39, 10**400])
def test_numbers_beyond_a_models_own_are_refused(cell: object) -> None:
    with pytest.raises(Unreadable):
        read_number(Record(2, {"label": cell}), ONE)
