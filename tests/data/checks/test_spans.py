"""Checks of entities."""

from __future__ import annotations

import pytest

from luthier.data.checks import spans
from luthier.data.row import Row, Span, Split


def row(text: str, *names: tuple[str, str], line: int = 1) -> Row:
    return Row(str(line), text, None, tuple(Span(text.index(name), text.index(name) + len(name), label) for name, label in names),
               "train.jsonl", line)


def parts(*rows: Row) -> dict[Split, list[Row]]:
    return {Split.TRAIN: list(rows), Split.VALIDATION: [], Split.TEST: []}


def test_no_entities_wants_one_at_least() -> None:
    assert spans.no_entities([row("a"), row("b")])[0].code == "no-entities"
    assert spans.no_entities([row("a"), row("Rome", ("Rome", "place"))]) == []


def test_inventory_counts_mentions_and_empty_rows() -> None:
    given = parts(row("Rome and Ana", ("Rome", "place"), ("Ana", "person")), row("Oslo", ("Oslo", "place")), row("x"))
    (found,) = spans.inventory(given)
    assert "3 entities of 2 labels in 3 training rows: 'place' (2), 'person' (1); 33 % of the rows have none." in found.message


@pytest.mark.parametrize("name", ["Rome,", " Rome", "(Rome", "“Rome”", ",", "Rome)", "Rome (", ") Rome"])
def test_edges_that_begin_or_end_no_name(name: str) -> None:
    (found,) = spans.edges(parts(row(f"in {name} today", (name, "place"))))
    assert found.code == "span-edge" and "1 entity" in found.message


@pytest.mark.parametrize("name", ["Rome", "St. John's", "U.S.", "#rome", "@ana", "C++", "$5", "Smith (Jr)", "10 %", "(Rome)"])
def test_edges_of_names_are_left_alone(name: str) -> None:
    assert spans.edges(parts(row(f"in {name} now", (name, "x")))) == []


def test_long_spans_have_very_many_words() -> None:
    assert spans.long_spans(parts(row("a " * 15 + "x", ("a " * 14 + "a", "x")))) == []
    assert spans.long_spans(parts(row("a " * 16 + "x", ("a " * 15 + "a", "x"))))[0].code == "long-span"


def test_inconsistent_names_have_several_labels() -> None:
    given = [row("Paris is big", ("Paris", "place"), line=line) for line in range(3)]
    given.append(row("Paris sings", ("Paris", "person"), line=9))
    (found,) = spans.inconsistent(parts(*given))
    assert found.code == "mixed-span" and "'Paris' place (3), person (1)" in found.message
    assert [place.line for place in found.rows] == [9]


def test_inconsistent_names_are_often_left_unlabelled() -> None:
    named = [row("we saw New York", ("New York", "place"), line=line) for line in range(3)]
    missed = [row("New York, again", line=line) for line in range(10, 13)]
    (found,) = spans.inconsistent(parts(*named, *missed))
    assert found.code == "unlabelled-span" and "'New York' 3 times labelled, 3 times not" in found.message
    assert [place.line for place in found.rows] == [10, 11, 12]
    assert spans.inconsistent(parts(*named, *missed[:2])) == []


def test_inconsistent_leaves_words_that_are_no_names() -> None:
    named = [row("table for two", ("two", "people"), line=line) for line in range(3)]
    assert spans.inconsistent(parts(*named, *[row("two days", line=9)] * 5)) == []
