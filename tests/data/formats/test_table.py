"""`Grid`: records kept as tuples that look like a list of records."""

from __future__ import annotations

import pytest

from luthier.data.formats.table import Grid, Record

RECORDS = [Record(2, {"text": "a", "label": "x"}), Record(4, {"text": "b", "label": "y"}), Record(5, {"text": "", "label": "x"})]


def test_a_grid_gives_back_the_records_put_in() -> None:
    grid = Grid(("text", "label"))
    assert not grid and len(grid) == 0
    for record in RECORDS:
        grid.add(record.line, list(record.values.values()))
    assert list(grid) == RECORDS and grid == RECORDS and list(grid) == list(grid)
    assert (grid[0], grid[-1], grid[1:]) == (RECORDS[0], RECORDS[2], RECORDS[1:])
    assert grid != RECORDS[:2]
    with pytest.raises(IndexError):
        grid[3]
