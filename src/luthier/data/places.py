"""How messages count rows and point at them: "12 rows", "lines 4, 91, 103, …"."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from luthier.data.formats import unit
from luthier.data.row import Row
from luthier.errors import DataError

SHOWN = 10
"""Line numbers, labels or problems of one kind that a message names before it says "…"."""


def count(number: int, noun: str) -> str:
    """ "1 row", "1,204 rows"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def some(things: Iterable[object], limit: int = SHOWN) -> str:
    """The first things with commas between them, and "…" when there are more."""
    listed = [str(thing) for thing in things]
    return ", ".join([*listed[:limit], "…"] if len(listed) > limit else listed)


def lines(file: str, numbers: Sequence[int]) -> str:
    """ "line 4" or "lines 4, 91, …" of `file`; "rows" where its format has no lines."""
    return f"{unit(file)}{'' if len(numbers) == 1 else 's'} {some(numbers)}"


def places(rows: Sequence[Row]) -> str:
    """Where the rows stand, with their files: "train.csv lines 4, 91; test.csv line 7"."""
    by_file: dict[str, list[int]] = {}
    for row in rows[:SHOWN]:
        by_file.setdefault(row.file, []).append(row.line)
    listed = "; ".join(f"{file} {lines(file, numbers)}" for file, numbers in by_file.items())
    return f"{listed}, …" if len(rows) > SHOWN else listed


def raise_together(problems: Sequence[str]) -> None:
    """Raise one DataError with a problem on each line; nothing when there is none."""
    if problems:
        more = [f"… and {count(len(problems) - SHOWN, 'more problem')}"] if len(problems) > SHOWN else []
        raise DataError("\n".join([*problems[:SHOWN], *more]))
