"""`Table` and `Record`: what every format is read into, before anyone asks which column is which."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

from luthier.data.findings import Finding, Place, Severity
from luthier.data.options import DataOptions
from luthier.data.places import count, lines
from luthier.errors import DataError

DEFAULTS = DataOptions()


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a table; a column that it lacks has no key in `values`."""

    line: int
    values: dict[str, Any]


class Grid(Sequence[Record]):
    """Records that all have the same columns, kept as tuples of cells: a fifth of what a dictionary for each would take."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self.columns = columns
        self._lines = array("q")
        self._cells: list[tuple[Any, ...]] = []

    def add(self, line: int, cells: Sequence[Any]) -> None:
        """Put a record at the end."""
        self._lines.append(line)
        self._cells.append(tuple(cells))

    def __len__(self) -> int:
        return len(self._cells)

    def __iter__(self) -> Iterator[Record]:
        for line, cells in zip(self._lines, self._cells, strict=True):
            yield Record(line, dict(zip(self.columns, cells, strict=True)))

    @overload
    def __getitem__(self, index: int) -> Record: ...

    @overload
    def __getitem__(self, index: slice) -> list[Record]: ...

    def __getitem__(self, index: int | slice) -> Record | list[Record]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        return Record(self._lines[index], dict(zip(self.columns, self._cells[index], strict=True)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Table:
    """The records of one file or object; `name` is what messages call it.

    `findings` are what reading repaired or left out: every item of the file is a record or is counted in one of them.
    """

    name: str
    columns: tuple[str, ...]
    records: Sequence[Record]
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


def finding(name: str, code: str, what: str, found: Sequence[int] = (), *, severity: Severity = Severity.NOTE,
            advice: str = "") -> Finding:
    """ "reviews.jsonl: 12 rows `what` (lines 4, 91, …)." about the records `found`, or "reviews.jsonl: `what`." """
    if not found:
        return Finding(code, severity, f"{name}: {what}.", advice)
    return Finding(code, severity, f"{name}: {count(len(found), 'row')} {what} ({lines(name, found)}).", advice,
                   tuple(Place(name, number) for number in found))
