"""Several annotators: who counts, how far they agree, and what is left out."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.data.formats.annotated import (
    Answer,
    Item,
    Left,
    alpha,
    choose,
    names,
    pairwise_f1,
    renamed,
    spanned,
    stored,
    table,
    text_field,
)
from luthier.data.formats.offsets import Stored
from luthier.data.options import DataOptions
from luthier.data.row import Span
from luthier.errors import DataError


def people(*values: Any) -> list[Answer]:
    return [Answer(name, value) for name, value in zip("abcdefg", values, strict=False)]


ANSWERS = {1: people(("p",), ("n",), ("n",)), 2: people(("p",), ("n",)), 3: people(("n",)), 4: [Answer("b", ("p",))]}


@pytest.mark.parametrize(("rule", "values", "left"), [
    ("first", {1: ("p",), 2: ("p",), 3: ("n",), 4: ("p",)}, []), ("majority", {1: ("n",), 3: ("n",), 4: ("p",)}, [2]),
    ("b", {1: ("n",), 2: ("n",), 4: ("p",)}, [3]),
])
def test_choose_settles_by_its_rule_and_counts_what_it_leaves_out(rule: str, values: dict[int, Any], left: list[int]) -> None:
    found, findings = choose("a.json", ANSWERS, rule, str)
    assert found == values
    assert [place.line for finding in findings if finding.code == "annotators" for place in finding.rows] == left


def test_choose_with_an_unknown_annotator_lists_the_names() -> None:
    with pytest.raises(DataError, match=r"no annotator is called 'ann'\. It has: a, b, c"):
        choose("a.json", ANSWERS, "ann", str)


def test_choose_by_majority_takes_each_of_several_labels_that_more_than_half_gave() -> None:
    answers = {1: people(("x", "y"), ("y",), ("y", "z")), 2: people(("x", "y"), ("y",)), 3: people((), (), ("x",))}
    assert choose("a.json", answers, "majority", str)[0] == {1: ("y",), 3: ()}


def test_choose_by_majority_takes_spans_that_more_than_half_marked() -> None:
    one, other = Span(0, 2, "A"), Span(3, 4, "A")
    answers = {1: people((one, other), (one,), (one,)), 2: people((one,), ())}
    assert choose("a.json", answers, "majority", Stored)[0] == {1: (one,)}


def test_agreement_is_said_with_its_figures() -> None:
    found = choose("a.json", ANSWERS, "first", str)[1]
    assert "2 rows labelled by several annotators (agreement: 25% of pairs of answers are equal" in str(found[0])
    spans = choose("a.json", {1: people((Span(0, 2, "A"),), (Span(0, 2, "A"), Span(3, 4, "B")))}, "first", Stored)[1]
    assert "exact spans F1 0.67" in str(spans[0])
    assert choose("a.json", {1: people(("p",))}, "first", str)[1] == []


def test_alpha_equals_krippendorffs_published_examples() -> None:
    """Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability": examples B and C."""
    first = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0]
    second = [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    assert math.isclose(alpha(list(zip(first, second, strict=True))), 0.095, abs_tol=5e-4)
    missing = [(1, 1, 1), (2, 2, 3, 2), (3, 3, 3, 3), (3, 3, 3, 3), (2, 2, 2, 2), (1, 2, 3, 4), (4, 4, 4, 4), (1, 1, 2, 1),
               (2, 2, 2, 2), (5, 5, 5), (1, 1), (3,)]
    assert math.isclose(alpha(missing), 0.743, abs_tol=5e-4)
    assert math.isclose(alpha(missing, interval=True), 0.849, abs_tol=5e-4)


@given(units=st.lists(st.lists(st.sampled_from("ab"), min_size=2, max_size=4), min_size=1, max_size=6))
def test_alpha_is_one_only_without_disagreement(units: list[list[str]]) -> None:
    value = alpha(units)
    assert value <= 1 and (value == 1) == all(len(set(unit)) == 1 for unit in units)
    assert pairwise_f1([[tuple(Span(0, 1, name) for name in answer) for answer in unit] for unit in units]) <= 1


def test_table_names_columns_by_their_form_and_counts_what_is_not_annotated() -> None:
    items = [Item(1, {"text": "EU here"}, {"ner": people((Stored(0, 2, "ORG"),)), "topic": people(("a", "b"))}),
             Item(2, {"text": "more"}, {"ner": people(()), "topic": people(())}), Item(3, {"text": "none"}, {})]
    found = table("a.json", "tasks", items, DataOptions(), Left())
    assert [record.values for record in found.records] == [
        {"text": "EU here", "spans": [{"start": 0, "end": 2, "label": "ORG"}], "labels": ["a", "b"]},
        {"text": "more", "spans": [], "labels": []}]
    assert [str(finding) for finding in found.findings] == [
        "a.json: read as tasks.", "a.json: 1 row left out: not annotated (row 3).",
        "a.json: it has several kinds of labels, in the columns 'spans', 'labels'. Choose one with --label-column NAME."]


def test_table_of_two_questions_of_a_kind_keeps_their_names() -> None:
    items = [Item(1, {"text": "a", "topic": "old"}, {"topic": people(("x",)), "mood": people(("y",)), "stars": people(4.0)})]
    assert table("a.json", "tasks", items, DataOptions(), Left()).records[0].values == {
        "text": "a", "data.topic": "old", "topic": "x", "mood": "y", "stars": 4}


def test_table_with_answers_of_two_kinds_is_refused() -> None:
    items = [Item(1, {"text": "a"}, {"q": people(("x",))}), Item(2, {"text": "b"}, {"q": people(3.0)})]
    with pytest.raises(DataError, match=r"the answers to 'q' are of several kinds: names \(row 1\), numbers \(row 2\)"):
        table("a.json", "tasks", items, DataOptions(), Left())


def test_text_field_is_the_one_asked_for_else_a_usual_name_else_the_longest() -> None:
    items = [{"title": "t", "Body": "some", "notes": "a long text here", "n": 3}]
    assert text_field(items, DataOptions(text_columns=("notes",))) == ("notes", "notes")
    assert text_field(items, DataOptions()) == ("Body", "text")
    assert text_field([{"x": "a", "y": "longer"}], DataOptions()) == ("y", "text")
    assert text_field([{"n": 3}], DataOptions()) is None


def test_renamed_keeps_a_field_that_has_the_name_already() -> None:
    assert renamed({"text": 1, "body": "b"}, "body", "text") == {"text": "b", "data.text": 1}


@pytest.mark.parametrize(("start", "end", "label"), [("0", 2, "A"), (True, 2, "A"), (0, 2.5, "A"), (0, 2, ""), (0, 2, None)])
def test_spanned_refuses_what_is_no_span(start: Any, end: Any, label: Any) -> None:
    with pytest.raises(DataError, match=r"a\.json row 1"):
        spanned("a.json row 1", start, end, label)


def test_stored_and_names_read_what_tools_write() -> None:
    assert stored("w", {"start": 0, "end": 2.0, "label": " A ", "text": "EU"}) == Stored(0, 2, "A", "EU")
    assert names("w", ["a", " a ", 3, ""]) == ("a", "3") and names("w", "a") == ("a",)
    with pytest.raises(DataError, match="is no label and no list of labels"):
        names("w", [{"a": 1}])
