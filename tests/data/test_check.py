"""Which checks run on which kind of labels, and what keeps data from being used."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from luthier.data import check
from luthier.data.columns import Columns
from luthier.data.findings import Finding, Severity
from luthier.data.formats import Record, Table
from luthier.data.row import Kind, Row, Span, Split, Target

COLUMNS = Columns(("text",), ("label",))
TABLE = Table("train.csv", ("text", "label"), [])


def rows(targets: Sequence[Target], file: str = "train.csv", word: str = "text") -> list[Row]:
    return [Row(f"{file}:{line}", f"{word} {line}", None, target, file, line) for line, target in enumerate(targets, 2)]


def given(kind: Kind, parts: dict[Split, list[Row]]) -> list[Finding]:
    return check.check_given(kind, parts, dict.fromkeys(parts, TABLE), COLUMNS)


def codes(findings: Sequence[Finding]) -> list[str]:
    return [found.code for found in findings]


SOUND: dict[Kind, list[Target]] = {
    Kind.CLASS: ["a", "b"] * 60, Kind.LABELS: [("a",), ("a", "b"), ()] * 40, Kind.NUMBER: [0.5, 1.5, 2.5] * 40,
    Kind.SPANS: [(Span(0, 4, "x"),), (), (Span(0, 4, "y"),)] * 40}


@pytest.mark.parametrize("kind", Kind)
def test_sound_rows_have_no_problems(kind: Kind) -> None:
    parts = {Split.TRAIN: rows(SOUND[kind]), Split.TEST: rows(SOUND[kind][:1], "test.csv")}
    assert [found for found in given(kind, parts) if found.severity is Severity.ERROR] == []


def test_problems_are_found_together() -> None:
    found = given(Kind.CLASS, {Split.TRAIN: rows(["a"] * 3), Split.VALIDATION: [], Split.TEST: rows(["c", "a", "c"], "test.csv")})
    assert codes(found) == ["no-rows", "one-label", "unseen-label"]
    assert "no rows" in found[0].message and "All 3 rows have the label 'a'" in found[1].message
    assert str(found[2]).startswith("Label 'c' stands only in the test rows: 2 rows (test.csv lines 2, 4).")
    assert [(place.file, place.line) for place in found[2].rows] == [("test.csv", 2), ("test.csv", 4)]


@pytest.mark.parametrize(("kind", "targets", "code"), [
    (Kind.CLASS, ["a"] * 9, "one-label"), (Kind.LABELS, [()] * 9, "one-label"), (Kind.LABELS, [("a", "b")] * 9, "one-label"),
    (Kind.NUMBER, [2.0] * 9, "constant-number"), (Kind.SPANS, [()] * 9, "no-entities"),
    (Kind.CLASS, [f"word {index}" for index in range(30)], "free-labels")])
def test_what_cannot_be_learnt_is_an_error(kind: Kind, targets: list[Target], code: str) -> None:
    (found,) = given(kind, {Split.TRAIN: rows(targets)})
    assert (found.code, found.severity) == (code, Severity.ERROR) and found.advice


def test_no_rows_tells_an_empty_table_from_one_without_usable_rows() -> None:
    empty, useless = Table("a.csv", ("text",), []), Table("a.csv", ("text",), [Record(2, {"text": ""})])
    assert "it has no rows" in str(check.no_rows({Split.TRAIN: []}, {Split.TRAIN: empty})[0])
    assert "none of its 1 row has both" in str(check.no_rows({Split.TRAIN: []}, {Split.TRAIN: useless})[0])


def test_empty_parts_say_that_rows_are_too_few() -> None:
    parts = {Split.TRAIN: rows(["a", "b"]), Split.VALIDATION: [], Split.TEST: []}
    found = check.check_parts(Kind.CLASS, parts, {Split.TRAIN: TABLE}, COLUMNS)
    assert codes(found) == ["empty-part", "empty-part"] and "2 rows are too few" in found[0].message


@pytest.mark.parametrize("kind", Kind)
def test_check_parts_lists_the_worst_first(kind: Kind) -> None:
    parts = {Split.TRAIN: rows(SOUND[kind][:90]), Split.VALIDATION: rows(SOUND[kind][:9], "dev.csv", "other"),
             Split.TEST: rows(SOUND[kind][:9], "test.csv", "text")}
    found = check.check_parts(kind, parts, {Split.TRAIN: TABLE}, COLUMNS)
    ranks = [check.RANK[one.severity] for one in found]
    assert ranks == sorted(ranks) and {"few-rows", "leak"} <= set(codes(found))


def test_alike_wants_both_texts_of_a_pair_alike() -> None:
    pairs = [("the cat sat", "a dog"), ("The cat sat!", "a dog"), ("the cat sat", "a bird"), ("x", "a dog")]
    found = check.alike([Row(str(line), one, two, 1.0, "f", line) for line, (one, two) in enumerate(pairs)])
    assert found == [(0, 1)]


def test_refuse_raises_every_error_and_keeps_all_findings() -> None:
    note, one, two = (Finding(code, severity, f"{code}.") for code, severity in (
        ("n", Severity.NOTE), ("a", Severity.ERROR), ("b", Severity.ERROR)))
    check.refuse([note])
    with pytest.raises(check.UnusableData) as error:
        check.refuse([note, one, two])
    assert str(error.value) == "a.\nb." and error.value.findings == (note, one, two)
