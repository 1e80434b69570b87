"""Checks of what stands in two parts at once."""

from __future__ import annotations

from luthier.data.checks.leaks import leaks, near_leaks
from luthier.data.row import Row, Split


def rows(*texts: str, file: str = "train.csv") -> list[Row]:
    return [Row(f"{file}:{line}", text, None, "a", file, line) for line, text in enumerate(texts, 2)]


def test_leaks_counts_rows_that_an_earlier_part_has() -> None:
    parts = {Split.TRAIN: rows("one", "two"), Split.VALIDATION: rows("ONE", file="dev.csv"),
             Split.TEST: rows("three", "one", file="test.csv")}
    found = leaks(parts)
    assert len(found) == 3
    assert found[1].message.startswith("Leak: 1 test row of 2 with a text that the train rows have too (test.csv line 3).")
    assert leaks({Split.TRAIN: parts[Split.TRAIN], Split.TEST: rows("four", file="test.csv")}) == []


def test_near_leaks_leaves_out_what_is_the_same() -> None:
    parts = {Split.TRAIN: rows("one", "two!"), Split.VALIDATION: [], Split.TEST: rows("ONE", "two", file="test.csv")}
    every = [*parts[Split.TRAIN], *parts[Split.TEST]]
    (found,) = near_leaks(parts, every, [(0, 2), (1, 3)])
    assert found.message.startswith("Near leak: 1 test row of 2 (50 %) with nearly the text of one of the train rows "
                                    "(test.csv line 3)")
    assert "'two' beside 'two!' (train.csv line 3)" in found.message
