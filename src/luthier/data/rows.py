"""From records to rows: joins the text columns, names the labels, and reports every record that it skips or changes."""

from __future__ import annotations

import datetime
import decimal
import enum
import re
import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from luthier.data.columns import Columns
from luthier.data.formats import Record, Table
from luthier.data.places import count, lines
from luthier.data.row import Row

SCALARS = (str, bool, int, float, decimal.Decimal, datetime.date, datetime.time, datetime.timedelta, uuid.UUID)
SURROGATE = re.compile("[\ud800-\udfff]")
"""Half of a UTF-16 pair, as tools leave when they cut a text inside an emoji; no UTF-8 and no tokeniser can hold it."""


class Finding(enum.Enum):
    """What reading may find in a record: how to say it after the number of rows, and what to do after their lines."""

    EMPTY_TEXT = ("with empty text skipped", "")
    NO_LABEL = ("without a label skipped", "")
    SPACED_LABEL = ("with spaces around the label: stripped", "")
    HALF_CHARACTER = ("with half a character (a lone surrogate) in the text: replaced by U+FFFD", "")
    TEXT_KIND = ("with a list, an object or bytes as text",
                 " A text must be a string or a number: join it into one string, or use another --text-column.")
    LABEL_KIND = ("with a list or an object as label",
                  " Multi-label data is not supported yet: keep one label for each row, or use another --label-column.")

    @property
    def fatal(self) -> bool:
        """Whether the data cannot be used with it."""
        return self in (Finding.TEXT_KIND, Finding.LABEL_KIND)


@dataclass(frozen=True)
class Reading:
    """The rows of one table, and what is to be said about the others."""

    rows: list[Row]
    problems: list[str]
    notes: list[str]


def read_rows(table: Table, columns: Columns) -> Reading:
    """The labelled rows of `table`; records with an empty text or without a label are left out and reported."""
    found: dict[Finding, list[int]] = defaultdict(list)
    rows = [row for record in table.records if (row := _row(table, record, columns, found)) is not None]
    return _reading(table, rows, found)


def read_texts(table: Table, columns: Columns) -> Reading:
    """One unlabelled row for each record of `table`, in order; an empty text stays, as ""."""
    found: dict[Finding, list[int]] = defaultdict(list)
    rows = [_make(table, record, _text(record, columns.text, found) or "", None, None) for record in table.records]
    return _reading(table, rows, found)


def name_of(value: Any) -> str | None:
    """A scalar cell as the name of a label or group: 1.0 is '1', True is 'true', None, NaN and blanks are None.

    Raises:
        TypeError: a list, an object, bytes.
    """
    if _missing(value):
        return None
    if not isinstance(value, SCALARS):
        raise TypeError(type(value).__name__)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return SURROGATE.sub("\ufffd", str(value)).strip() or None


def _row(table: Table, record: Record, columns: Columns, found: dict[Finding, list[int]]) -> Row | None:
    assert columns.label is not None
    text = _text(record, columns.text, found)
    value = record.values.get(columns.label)
    try:
        target = name_of(value)
    except TypeError:
        found[Finding.LABEL_KIND].append(record.line)
        return None
    if text is None or target is None:
        found[Finding.EMPTY_TEXT if text is None else Finding.NO_LABEL].append(record.line)
        return None
    if isinstance(value, str) and value != value.strip():
        found[Finding.SPACED_LABEL].append(record.line)
    return _make(table, record, text, target, columns.group)


def _make(table: Table, record: Record, text: str, target: str | None, group_column: str | None) -> Row:
    group = _group(record.values.get(group_column)) if group_column else None
    return Row(f"{table.name}:{record.line}", text, None, target, table.name, record.line, group)


def _group(value: Any) -> str | None:
    try:
        return name_of(value)
    except TypeError:
        return repr(value)


def _text(record: Record, names: Iterable[str], found: dict[Finding, list[int]]) -> str | None:
    """The cells joined by a newline, without those that are empty; None when all are."""
    values = [value for name in names if not _missing(value := record.values.get(name))]
    if not all(isinstance(value, SCALARS) for value in values):
        found[Finding.TEXT_KIND].append(record.line)
    text = "\n".join(part for value in values if (part := str(value)).strip())
    if SURROGATE.search(text):
        found[Finding.HALF_CHARACTER].append(record.line)
        text = SURROGATE.sub("\ufffd", text)
    return text or None


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float | decimal.Decimal) and value != value) or type(value).__name__ in (
        "NAType", "NaTType")  # pandas' own, inside a list of dicts


def _reading(table: Table, rows: list[Row], found: dict[Finding, list[int]]) -> Reading:
    problems: list[str] = []
    notes: list[str] = []
    for finding in Finding:
        if numbers := found.get(finding):
            (what, then), where = finding.value, lines(table.name, numbers)
            (problems if finding.fatal else notes).append(
                f"{table.name}: {count(len(numbers), 'row')} {what} ({where}).{then}")
    return Reading(rows, problems, notes)
