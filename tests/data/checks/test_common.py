"""Texts that repeat: found by a number for each, told apart by the texts themselves."""

from __future__ import annotations

import numpy as np
import pytest

from luthier.data.checks import common
from luthier.data.row import Row


def _rows(*texts: str) -> list[Row]:
    return [Row(str(line), text, None, "a", "f.csv", line) for line, text in enumerate(texts, 1)]


def test_repeated_texts_are_grouped_in_the_order_of_the_first() -> None:
    found = common.repeated(_rows("b", "a", "c", "A ", "B", "a"))
    assert [[row.line for row in same] for same in found] == [[1, 5], [2, 4, 6]]


def test_texts_that_share_a_number_alone_are_not_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "hashes", lambda rows: np.zeros(len(rows), np.int64))
    assert [[row.line for row in same] for same in common.repeated(_rows("a", "b", "a", "c"))] == [[1, 3]]
