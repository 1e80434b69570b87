"""Checks of labels that are numbers."""

from __future__ import annotations

import random
from collections.abc import Sequence

from luthier.data.checks import numbers
from luthier.data.columns import Columns
from luthier.data.findings import Severity
from luthier.data.row import Row, Split


def rows(values: Sequence[float]) -> list[Row]:
    return [Row(str(line), f"text {line}", None, float(value), "train.csv", line) for line, value in enumerate(values, 2)]


def test_constant_is_an_error_in_training_and_a_warning_elsewhere() -> None:
    given = {Split.TRAIN: rows([1, 1]), Split.VALIDATION: rows([2, 2]), Split.TEST: rows([1, 2])}
    found = numbers.constant(given, Columns(("text",), ("score",)))
    assert [one.severity for one in found] == [Severity.ERROR, Severity.WARNING] and "column 'score'" in found[0].message


def test_outliers_are_far_from_the_median_by_the_middle_of_the_others() -> None:
    draw = random.Random(0)
    values = [draw.gauss(10, 2) for _ in range(500)]
    assert numbers.outliers({Split.TRAIN: rows(values)}) == []
    (found,) = numbers.outliers({Split.TRAIN: rows([*values, 99, -70])})
    assert "2 rows" in found.message and "99, -70 (train.csv lines 502, 503)" in found.message and len(found.rows) == 2


def test_strays_are_off_a_scale_that_the_others_keep() -> None:
    scores = [0, 1, 2, 3, 4, 5, 2.5, 4.5] * 20
    (found,) = numbers.strays({Split.TRAIN: rows([*scores, 45])})
    assert "All numbers but 1 lie from 0 to 5; the others are 45 (train.csv line 162)" in found.message
    assert numbers.strays({Split.TRAIN: rows(scores)}) == [] and numbers.strays({Split.TRAIN: rows([*scores, 5.5])}) == []
    assert numbers.strays({Split.TRAIN: rows([*scores, *[9] * 40])}) == []
