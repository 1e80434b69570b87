"""Checks of label names."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from luthier.data.checks import labels as check
from luthier.data.columns import Columns
from luthier.data.findings import Severity
from luthier.data.formats import Table
from luthier.data.row import Kind, Row, Span, Split, Target

COLUMNS = Columns(("text",), ("label",))


def table(columns: tuple[str, ...] = ("text", "label")) -> Table:
    return Table("train.csv", columns, [])


def labelled(targets: Sequence[Target], file: str = "train.csv") -> list[Row]:
    return [Row(f"{file}:{line}", f"text {line}", None, target, file, line) for line, target in enumerate(targets, 2)]


def test_unseen_labels_names_validation_labels_too() -> None:
    (found,) = check.unseen_labels({Split.TRAIN: labelled(["a", "b"]), Split.VALIDATION: labelled(["z"], "dev.csv")})
    assert found.message == "Label 'z' stands only in the validation rows: 1 row (dev.csv line 2)."


def test_unseen_labels_looks_into_sets_and_spans() -> None:
    spans = (Span(0, 1, "b"), Span(2, 3, "b"), Span(4, 5, "c"))
    for train, test in (([("a",)], [("a", "b", "c")]), ([(Span(0, 1, "a"),)], [spans])):
        found = check.unseen_labels({Split.TRAIN: labelled(train), Split.TEST: labelled(test)})
        assert [one.message[:9] for one in found] == ["Label 'b'", "Label 'c'"] and "1 row" in found[0].message


@pytest.mark.parametrize(("labels", "found"), [
    ([str(index) for index in range(11)] + ["x"] * 9, True),
    ([str(index) for index in range(9)] + ["x"] * 11, False),
    ([str(index) for index in range(19)], False),
    ([f"{index / 8:.3f}" for index in range(21)] * 50, True),
    ([f"{index / 2:.1f}" for index in range(11)] * 50, False),
    ([str(index) for index in range(150)] * 4, False),
])
def test_free_labels_finds_scores_and_texts(labels: list[str], found: bool) -> None:
    assert bool(check.free_labels(labelled(labels), table(), COLUMNS)) is found


def test_free_labels_shows_examples_and_what_to_do() -> None:
    source = table(("text", "label", "stars", "lang"))
    (found,) = check.free_labels(labelled([f"word {index}" for index in range(30)]), source, COLUMNS)
    assert "30 different labels in 30 rows, such as 'word 0', 'word 1', 'word 2'" in found.message
    assert "another --label-column (stars, lang)" in found.advice and "regression" not in found.advice
    (found,) = check.free_labels(labelled([f"{index / 8:.3f}" for index in range(30)]), table(), COLUMNS)
    assert "--task regression" in found.advice


def test_rare_labels_lists_rare_ones_and_few_ones_with_counts() -> None:
    rare, few = check.rare_labels(Kind.CLASS, labelled(["a"] * 51 + ["b"] * 5 + ["c"] + ["d"] * 50))
    assert rare.message == "2 labels with 5 training rows or fewer: 'c' (1), 'b' (5)." and len(rare.rows) == 6
    assert "merge or drop" in rare.advice and few.message == "1 label with 50 training rows or fewer: 'd' (50)."
    assert check.rare_labels(Kind.CLASS, labelled(["a"] * 51)) == []


def test_rare_labels_of_entities_counts_mentions() -> None:
    (found,) = check.rare_labels(Kind.SPANS, labelled([(Span(0, 1, "x"), Span(2, 3, "x"))] * 2))
    assert found.message == "1 label with 5 mentions or fewer in the training rows: 'x' (4)."


def test_unmeasured_labels_are_those_in_training_only() -> None:
    parts = {Split.TRAIN: labelled(["a", "b", "b"]), Split.VALIDATION: labelled(["a"]), Split.TEST: labelled(["a"])}
    (found,) = check.unmeasured_labels(parts)
    assert found.message == "1 label with all rows in training, so that nothing measures them: 'b' (2)."


def test_labels_without_a_test_row_are_named() -> None:
    parts = {Split.TRAIN: labelled(["a", "b", "b"]), Split.VALIDATION: labelled(["b"]), Split.TEST: labelled(["a"])}
    (found,) = check.unmeasured_labels(parts)
    assert found.message == "1 label without a test row, so the test figure says nothing of them: 'b' (2)."
    assert check.unmeasured_labels(parts | {Split.TEST: []})[0].message.startswith("1 label with all rows in training")


def test_alike_labels_differ_by_case_space_or_punctuation() -> None:
    (found,) = check.alike_labels(labelled(["spam"] * 3 + ["Spam"] + ["ham", "not-spam", "other"]))
    assert found.message == "'Spam' (1) and 'spam' (3) look alike: are they one label?"
    assert [place.line for place in found.rows] == [5] and "--write-labels" in found.advice
    assert check.alike_labels(labelled(["very good", "very_good"])) != []


def test_alike_labels_leaves_numbers_and_signs_alone() -> None:
    assert check.alike_labels(labelled(["1", "-1", "+1", "1.0", "10", "+", "-"])) == []


def test_imbalance_says_ratio_and_what_guessing_gets() -> None:
    (found,) = check.imbalance(Kind.CLASS, labelled(["a"] * 90 + ["b"] * 9 + ["c"] * 10))
    assert "'a' has 90 training rows, 'b' 9 (10 to 1)" in found.message and "right on 83 % of" in found.message
    assert "--set class_weighting=auto" in found.advice and "macro-F1" in found.advice
    assert check.imbalance(Kind.CLASS, labelled(["a"] * 89 + ["b"] * 9)) == []


def test_label_shares_counts_rows_without_a_label_and_labels_always_or_never_on() -> None:
    train = labelled([("a",), ("a", "b"), ("a",)])
    (found,) = check.label_shares(train, Columns(("text",), ("a", "b")))
    assert found.code == "always-on" and "'a'" in found.message and "'b'" not in found.message
    never = check.label_shares(labelled([("a",), ()]), Columns(("text",), ("a", "b")))
    assert [found.code for found in never] == ["no-labels", "never-on"] and "'b'" in never[1].message
    assert "1 training row of 2 (50 %)" in never[0].message and never[0].severity is Severity.NOTE


def test_words_for_missing_values_are_told_and_other_names_not() -> None:
    (found,) = check.missing_words(labelled(["a", "NaN", "n/a", "None", "null", "NA", "nano"]))
    assert found.severity is Severity.WARNING and len(found.rows) == 5 and "'NaN' (1)" in found.message
    assert check.missing_words(labelled(["a", "b"])) == []


@pytest.mark.parametrize("sign", [";", "|", ","])
def test_cells_of_several_names_suggest_their_separator(sign: str) -> None:
    joined = [sign.join(pair) for pair in ("ab", "bc", "ca")]
    (found,) = check.joined_labels(Kind.CLASS, labelled(["a", "b", "c", *joined, *joined]), COLUMNS)
    assert f"--label-separator '{sign}'" in found.advice and len(found.rows) == 6
    assert check.joined_labels(Kind.CLASS, labelled(["a", "b", "x, y", "y, z", "z, x"]), COLUMNS) == []
