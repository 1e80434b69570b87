"""Checks of texts, pairs and rows that belong together."""

from __future__ import annotations

import pytest

from luthier.data.checks import texts
from luthier.data.columns import Columns
from luthier.data.formats import Record, Table
from luthier.data.row import Kind, Row, Span, Target

COLUMNS = Columns(("text",), ("label",))


def rows(*pairs: tuple[str, Target]) -> list[Row]:
    return [Row(str(line), text, None, target, "train.csv", line) for line, (text, target) in enumerate(pairs, 2)]


def pairs(*both: tuple[str, str]) -> list[Row]:
    return [Row(str(line), one, two, "a", "train.csv", line) for line, (one, two) in enumerate(both, 2)]


def table(*values: dict[str, object], columns: tuple[str, ...]) -> Table:
    return Table("train.csv", columns, [Record(line, dict(cells)) for line, cells in enumerate(values, 2)])


def test_few_rows_is_loud_below_a_hundred() -> None:
    assert texts.few_rows(rows(*[("x", "a")] * 99))[0].message.startswith("Only 99 training rows.")
    assert texts.few_rows(rows(*[("x", "a")] * 100)) == []


def test_duplicates_tell_exact_from_normalised_from_near() -> None:
    given = rows(("one", "a"), ("one", "a"), ("Two", "a"), ("two ", "a"), ("three!", "a"), ("three", "a"), ("other", "a"))
    found = texts.duplicates(given, [(0, 1), (2, 3), (4, 5)])
    assert [one.code for one in found] == ["duplicate", "duplicate-but-for-case", "near-duplicate"]
    assert [[place.line for place in one.rows] for one in found] == [[2, 3], [4, 5], [6, 7]]


@pytest.mark.parametrize(("kind", "one", "other", "same"), [
    (Kind.CLASS, "a", "b", "a"), (Kind.LABELS, ("a",), ("a", "b"), ("a",)), (Kind.NUMBER, 1.0, 4.0, 1.2),
    (Kind.SPANS, (Span(0, 4, "x"),), (), (Span(0, 4, "x"),))])
def test_contradictions_are_equal_texts_with_other_labels(kind: Kind, one: Target, other: Target, same: Target) -> None:
    (found,) = texts.contradictions(kind, rows(("Fine day", one), ("fine day ", other), ("good", one), ("good", same)))
    assert found.message.startswith("1 text with more than one ")
    assert "in 2 rows (train.csv lines 2, 3), such as 'Fine day': " in found.message
    assert texts.contradictions(kind, rows(("Fine day", one), ("fine day ", same), ("x", other))) == []


def test_contradictions_of_entities_do_not_rest_on_spaces() -> None:
    given = rows(("New  York", (Span(0, 9, "x"),)), ("New York", (Span(0, 8, "x"),)))
    assert texts.contradictions(Kind.SPANS, given) == []


def test_contradictions_of_pairs_need_both_texts() -> None:
    given = [Row("1", "one", "two", "a", "f", 1), Row("2", "one", "three", "b", "f", 2)]
    assert texts.contradictions(Kind.CLASS, given) == []


def test_pair_findings_are_pairs_of_one_text_and_pairs_turned_round() -> None:
    found = texts.pair_findings(pairs(("a", "A "), ("x", "y"), ("y", "x"), ("p", "q")))
    assert [(one.code, [place.line for place in one.rows]) for one in found] == [("pair-of-one", [2]), ("swapped-pair", [3, 4])]
    assert texts.pair_findings(pairs(("a", "b"))) == []


@pytest.mark.parametrize("name", ["user_id", "userId", "Author", "thread", "patient_number", "document_id"])
def test_group_columns_recommends_repeating_names_of_groups(name: str) -> None:
    source = table(*[{"text": str(index), "label": "ab"[index % 2], name: index // 3} for index in range(12)],
                   columns=("text", "label", name))
    (found,) = texts.group_columns(source, COLUMNS)
    assert f"--group-column {name}" in found.advice
    assert texts.group_columns(source, Columns(("text",), ("label",), group=name)) == []


@pytest.mark.parametrize("values", [
    [f"u{index}" for index in range(12)],           # each its own
    ["same"] * 12,                                  # one for all
    ["0", "1"] * 6,                                 # the label by another name
    [None] * 12, [["u"]] * 12,
])
def test_group_columns_leaves_values_that_group_nothing(values: list[object]) -> None:
    source = table(*[{"text": str(index), "label": "ab"[index % 2], "user_id": value}
                     for index, value in enumerate(values)], columns=("text", "label", "user_id"))
    assert texts.group_columns(source, COLUMNS) == []


def test_group_columns_leaves_other_names() -> None:
    source = table(*[{"text": str(index), "label": "ab"[index % 2], "language": index // 3} for index in range(12)],
                   columns=("text", "label", "language"))
    assert texts.group_columns(source, COLUMNS) == []
