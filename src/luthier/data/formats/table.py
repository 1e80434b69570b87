"""`Table` and `Record`: what every format is read into, before anyone asks which column is which."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.data.findings import Finding, Place, Severity
from luthier.data.options import DataOptions
from luthier.errors import DataError

DEFAULTS = DataOptions()
SHOWN = 10
"""Rows or problems of one kind that a message names before it says "…"."""
LINED = frozenset((".csv", ".tsv", ".jsonl", ".ndjson", ".txt", ".conll", ".conllu", ".iob", ".iob2", ".bio", ".ft",
                   ".fasttext"))
"""The suffixes of files whose records are numbered by their lines."""


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a table; a column that it lacks has no key in `values`."""

    line: int
    values: dict[str, Any]


@dataclass(frozen=True)
class Table:
    """The records of one file or object; `name` is what messages call it.

    `findings` are what reading repaired or left out: every item of the file is a record or is counted in one of them.
    """

    name: str
    columns: tuple[str, ...]
    records: list[Record]
    findings: tuple[Finding, ...] = ()


def distinct_columns(where: object, names: Sequence[str]) -> tuple[str, ...]:
    """The column names, checked.

    Raises:
        DataError: a column has no name, or two have the same.
    """
    problems = []
    nameless = [str(number) for number, name in enumerate(names, 1) if not name]
    if nameless:
        problems.append(f"{where}: column {', '.join(nameless)} has no name. Name it in the header, or remove it "
                        "(pandas writes one for its index unless saved with index=False).")
    twice = [repr(name) for name, times in Counter(names).items() if name and times > 1]
    if twice:
        problems.append(f"{where}: more than one column is called {', '.join(twice)}. Rename or remove one.")
    if problems:
        raise DataError("\n".join(problems))
    return tuple(names)


def columns_of(records: Sequence[Record]) -> tuple[str, ...]:
    """All columns that any record has, in the order in which they first appear."""
    return tuple(dict.fromkeys(name for record in records for name in record.values))


@functools.lru_cache(maxsize=64)
def unit(name: str) -> str:
    """What the records of the table `name` are numbered by: "line", or "row" where there are no lines."""
    return "line" if Path(name).suffix.lower() in LINED else "row"


def numbers(name: str, found: Sequence[int]) -> str:
    """ "line 4", "rows 4, 91, …": where records of the table `name` stand."""
    more = ", …" if len(found) > SHOWN else ""
    return f"{unit(name)}{'' if len(found) == 1 else 's'} {', '.join(map(str, found[:SHOWN]))}{more}"


def finding(name: str, code: str, what: str, found: Sequence[int] = (), *, severity: Severity = Severity.NOTE,
            advice: str = "") -> Finding:
    """ "reviews.jsonl: 12 rows `what` (lines 4, 91, …)." about the records `found`, or "reviews.jsonl: `what`." """
    if not found:
        return Finding(code, severity, f"{name}: {what}.", advice)
    counted = f"{len(found):,} row{'' if len(found) == 1 else 's'}"
    return Finding(code, severity, f"{name}: {counted} {what} ({numbers(name, found)}).", advice,
                   tuple(Place(name, number) for number in found))


def raise_listed(problems: Sequence[str]) -> None:
    """Raise one DataError with a problem on each line, the first ten; nothing when there is none."""
    if problems:
        more = [f"… and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
        raise DataError("\n".join([*problems[:SHOWN], *more]))
