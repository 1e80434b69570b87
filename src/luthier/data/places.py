"""How messages count rows and point at them: "12 rows", "lines 4, 91, 103, …"."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from pathlib import Path

from luthier.data.row import Row
from luthier.errors import DataError

SHOWN = 10
"""Line numbers, labels or problems of one kind that a message names before it says "…"."""

LINED = frozenset((".csv", ".tsv", ".jsonl", ".ndjson", ".txt", ".conll", ".conllu", ".iob", ".iob2", ".bio", ".ft",
                   ".fasttext"))
"""The suffixes of files whose records are numbered by their lines."""


def count(number: int, noun: str) -> str:
    """ "1 row", "1,204 rows"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def some(things: Iterable[object], limit: int = SHOWN) -> str:
    """The first things with commas between them, and "…" when there are more."""
    listed = [str(thing) for thing in things]
    return ", ".join([*listed[:limit], "…"] if len(listed) > limit else listed)


@functools.lru_cache(maxsize=64)
def unit(name: str) -> str:
    """What the records of the table `name` are numbered by: "line", or "row" where there are no lines."""
    return "line" if Path(name).suffix.lower() in LINED else "row"


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
        raise DataError(together(problems))


def together(problems: Sequence[str], noun: str = "problem") -> str:
    """The first problems, one on each line, and how many there are more."""
    more = [f"… and {count(len(problems) - SHOWN, f'more {noun}')}"] if len(problems) > SHOWN else []
    return "\n".join([*problems[:SHOWN], *more])


def percent(share: float) -> str:
    """A share in whole per cents, where 0 and 100 mean none and all: "71 %", "under 1 %", "over 99 %"."""
    whole = round(100 * share)
    if whole == 100 and share < 1:
        return "over 99 %"
    return "under 1 %" if whole == 0 and share > 0 else f"{whole} %"
