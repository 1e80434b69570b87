"""How messages point at rows."""

from __future__ import annotations

import pytest

from luthier.data.places import count, lines, places, raise_together, some
from luthier.data.row import Row
from luthier.errors import DataError


def row(file: str, line: int) -> Row:
    return Row(f"{file}:{line}", "text", None, "a", file, line)


def test_count_has_plural_and_thousands() -> None:
    assert [count(number, "row") for number in (0, 1, 1204)] == ["0 rows", "1 row", "1,204 rows"]


def test_some_ends_with_an_ellipsis_only_when_more_follow() -> None:
    assert some(range(10)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
    assert some(range(11)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …"


def test_lines_are_rows_where_there_are_no_lines() -> None:
    assert (lines("a.csv", [4]), lines("a.csv", [4, 9]), lines("list", [4, 9])) == ("line 4", "lines 4, 9", "rows 4, 9")


def test_places_are_grouped_by_file() -> None:
    assert places([row("a.csv", 4), row("b.json", 7), row("a.csv", 9)]) == "a.csv lines 4, 9; b.json row 7"
    assert places([row("a.csv", line) for line in range(11)]).endswith("8, 9, …")


def test_raise_together_has_a_problem_on_each_line() -> None:
    raise_together([])
    with pytest.raises(DataError, match=r"^one\ntwo$"):
        raise_together(["one", "two"])
    with pytest.raises(DataError, match=r"p9\n… and 2 more problems$"):
        raise_together([f"p{number}" for number in range(12)])
