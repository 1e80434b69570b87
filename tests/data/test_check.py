"""What can be wrong with the rows as a whole."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from luthier.data import check
from luthier.data.columns import Columns
from luthier.data.formats import Record, Table
from luthier.data.row import Row, Split

COLUMNS = Columns(("text",), "label")


def rows(*pairs: tuple[str, str], file: str = "train.csv") -> list[Row]:
    return [Row(f"{file}:{line}", text, None, target, file, line) for line, (text, target) in enumerate(pairs, 2)]


def labelled(labels: Sequence[str], file: str = "train.csv") -> list[Row]:
    return rows(*[(f"text {index}", label) for index, label in enumerate(labels)], file=file)


def table(*values: dict[str, object], columns: tuple[str, ...] = ("text", "label")) -> Table:
    return Table("train.csv", columns, [Record(line, dict(cells)) for line, cells in enumerate(values, 2)])


def test_problems_of_sound_rows_are_none() -> None:
    given = {Split.TRAIN: labelled(["a", "b"] * 20), Split.TEST: labelled(["a"], "test.csv")}
    assert check.problems(given, {Split.TRAIN: table(), Split.TEST: table()}, COLUMNS) == []


def test_problems_are_found_together() -> None:
    given = {Split.TRAIN: labelled(["a"] * 3), Split.VALIDATION: [], Split.TEST: labelled(["c", "a", "c"], "test.csv")}
    found = check.problems(given, dict.fromkeys(given, table()), COLUMNS)
    assert len(found) == 3
    assert "no rows" in found[0] and "All 3 rows have the label 'a'" in found[1]
    assert found[2].startswith("Label 'c' stands only in the test rows: 2 rows (test.csv lines 2, 4).")


def test_no_rows_tells_an_empty_table_from_one_without_usable_rows() -> None:
    assert "it has no rows" in check.no_rows({Split.TRAIN: []}, {Split.TRAIN: table()})[0]
    assert "none of its 1 row has both" in check.no_rows({Split.TRAIN: []}, {Split.TRAIN: table({"text": ""})})[0]


def test_unseen_labels_names_validation_labels_too() -> None:
    given = {Split.TRAIN: labelled(["a", "b"]), Split.VALIDATION: labelled(["z"], "dev.csv")}
    (problem,) = check.unseen_labels(given)
    assert problem.startswith("Label 'z' stands only in the validation rows: 1 row (dev.csv line 2).")


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


def test_free_labels_shows_examples_and_other_columns() -> None:
    source = table(columns=("text", "label", "stars", "lang"))
    (problem,) = check.free_labels(labelled([f"word {index}" for index in range(30)]), source, COLUMNS)
    assert "30 different labels in 30 rows, such as 'word 0', 'word 1', 'word 2'" in problem
    assert "another --label-column (stars, lang)" in problem


def test_few_rows_is_loud_below_a_hundred() -> None:
    assert check.few_rows(labelled(["a"] * 99))[0].startswith("WARNING: only 99 training rows.")
    assert check.few_rows(labelled(["a"] * 100)) == []


def test_rare_labels_lists_them_with_counts() -> None:
    (note,) = check.rare_labels(labelled(["a"] * 6 + ["b"] * 5 + ["c"]))
    assert note.startswith("2 labels with 5 training rows or fewer: 'c' (1), 'b' (5).")
    assert check.rare_labels(labelled(["a"] * 6)) == []


def test_unmeasured_labels_are_those_in_training_only() -> None:
    parts = {Split.TRAIN: labelled(["a", "b", "b"]), Split.VALIDATION: labelled(["a"]), Split.TEST: labelled(["a"])}
    assert check.unmeasured_labels(parts) == [
        "1 label with all rows in training, so that nothing measures them: 'b' (2)."]


def test_alike_labels_differ_by_case_space_or_punctuation() -> None:
    (note,) = check.alike_labels(labelled(["spam"] * 3 + ["Spam"] + ["ham", "not-spam", "other"]))
    assert note == "'Spam' (1) and 'spam' (3) look alike: are they one label?"
    assert check.alike_labels(labelled(["very good", "very_good"])) != []


def test_alike_labels_leaves_numbers_and_signs_alone() -> None:
    assert check.alike_labels(labelled(["1", "-1", "+1", "1.0", "10", "+", "-"])) == []


def test_contradictions_counts_equal_texts_with_other_labels() -> None:
    (note,) = check.contradictions(rows(("Fine", "a"), ("fine ", "b"), ("good", "a"), ("good", "a")))
    assert note.startswith("1 text with more than one label, in 2 rows (train.csv lines 2, 3).")
    assert check.contradictions(rows(("good", "a"), ("good", "a"))) == []


def test_leaks_counts_rows_that_an_earlier_part_has() -> None:
    parts = {Split.TRAIN: rows(("one", "a"), ("two", "b")), Split.VALIDATION: rows(("ONE", "a"), file="dev.csv"),
             Split.TEST: rows(("three", "a"), ("one", "a"), file="test.csv")}
    found = check.leaks(parts)
    assert len(found) == 3
    assert found[1].startswith("Leak: 1 test row of 2 with a text that the train rows have too (test.csv line 3).")
    assert check.leaks({Split.TRAIN: parts[Split.TRAIN], Split.TEST: rows(("four", "a"))}) == []


@pytest.mark.parametrize("name", ["user_id", "userId", "Author", "thread", "patient_number", "document_id"])
def test_group_columns_recommends_repeating_names_of_groups(name: str) -> None:
    source = table(*[{"text": str(index), "label": "ab"[index % 2], name: index // 3} for index in range(12)],
                   columns=("text", "label", name))
    (note,) = check.group_columns(source, COLUMNS)
    assert f"--group-column {name}" in note
    assert check.group_columns(source, Columns(("text",), "label", name)) == []


@pytest.mark.parametrize("values", [
    [f"u{index}" for index in range(12)],           # each its own
    ["same"] * 12,                                  # one for all
    ["0", "1"] * 6,                                 # the label by another name
    [None] * 12, [["u"]] * 12,
])
def test_group_columns_leaves_values_that_group_nothing(values: list[object]) -> None:
    source = table(*[{"text": str(index), "label": "ab"[index % 2], "user_id": value}
                     for index, value in enumerate(values)], columns=("text", "label", "user_id"))
    assert check.group_columns(source, COLUMNS) == []


def test_group_columns_leaves_other_names() -> None:
    source = table(*[{"text": str(index), "label": "ab"[index % 2], "language": index // 3} for index in range(12)],
                   columns=("text", "label", "language"))
    assert check.group_columns(source, COLUMNS) == []
