"""What the checks have in common: findings on rows, labels with their counts, and when two rows have one text."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from luthier.data.findings import Finding, Place, Severity
from luthier.data.places import SHOWN, some
from luthier.data.row import Row, Split, names_in, text_key

Parts = Mapping[Split, Sequence[Row]]
TextKey = tuple[str, ...]


def finding(code: str, severity: Severity, message: str, advice: str = "", rows: Iterable[Row] = ()) -> Finding:
    """A finding about some rows."""
    return Finding(code, severity, message, advice, tuple(Place(row.file, row.line) for row in rows))


def label_counts(rows: Iterable[Row]) -> list[tuple[str, int]]:
    """Each label and its number of rows (entities: of mentions), the rarest first."""
    tally = Counter(name for row in rows for name in names_in(row.target))
    return sorted(tally.items(), key=lambda item: (item[1], item[0]))


def listed(labels: Sequence[tuple[str, int]], limit: int = SHOWN) -> str:
    """ "'a' (3), 'b' (1,204)"."""
    return some([f"'{label}' ({number:,})" for label, number in labels], limit)


def having(rows: Iterable[Row], names: Iterable[str]) -> list[Row]:
    """The rows that have any of the labels."""
    wanted = set(names)
    return [row for row in rows if not wanted.isdisjoint(names_in(row.target))]


def key_of(row: Row) -> TextKey:
    """What rows of equal text share; pairs are equal when both texts are."""
    return (text_key(row.text),) if row.pair is None else (text_key(row.text), text_key(row.pair))


def hashes(rows: Sequence[Row]) -> npt.NDArray[np.int64]:
    """A number for each row, equal for equal texts and hardly ever for others; another one each time that Python starts."""
    return np.fromiter((hash(key_of(row)) for row in rows), np.int64, len(rows))


def repeated(rows: Sequence[Row]) -> list[list[Row]]:
    """The rows of each text that more than one row has, in the order of the first."""
    _, owner, times = np.unique(hashes(rows), return_inverse=True, return_counts=True)
    grouped: dict[TextKey, list[Row]] = defaultdict(list)
    for index in np.flatnonzero(times[owner.ravel()] > 1).tolist():
        grouped[key_of(rows[index])].append(rows[index])
    return [same for same in grouped.values() if len(same) > 1]


def every(parts: Parts) -> list[Row]:
    """The rows of all parts, those of training first."""
    return [row for split in Split for row in parts.get(split, ())]


def shown(text: str, limit: int = 60) -> str:
    """A text on one line, quoted, its end left out when long."""
    line = " ".join(text.split())
    return f"'{line if len(line) <= limit else f'{line[:limit].rstrip()}…'}'"


def entities(number: int) -> str:
    """ "1 entity", "1,204 entities"."""
    return f"{number:,} {'entity' if number == 1 else 'entities'}"
