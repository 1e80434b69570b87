"""From records to rows: joins the text columns, reads the labels, and reports every record that it skips or changes."""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from luthier.data.cells import SCALARS, SURROGATE, is_blank, is_missing, name_of
from luthier.data.columns import Columns
from luthier.data.findings import Finding, Place, Severity
from luthier.data.formats import Record, Table
from luthier.data.options import DataOptions
from luthier.data.places import count, lines
from luthier.data.row import Kind, Row, Span, Target
from luthier.data.tags import Scheme, detect_scheme, repairs
from luthier.data.targets import (
    Unreadable,
    is_tokenised,
    longest,
    overlaps,
    read_class,
    read_labels,
    read_number,
    read_spans,
    read_tags,
    tags_of,
    tokens_of,
    trimmed,
    unpacked,
)

UNREADABLE_SHOWN = 5
JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")
Note = Callable[["Oddity", Record], None]
"""Takes down that a record has an oddity."""


class Oddity(enum.Enum):
    """What reading may find in a record: how to say it after the number of rows, and what to do after their lines."""

    EMPTY_TEXT = ("empty-text", "with empty text skipped", "")
    EMPTY_PAIR = ("empty-pair", "with an empty second text skipped", "")
    NO_LABEL = ("no-label", "without a label skipped", "")
    SPACED_LABEL = ("spaced-label", "with spaces around the label: stripped", "")
    HALF_CHARACTER = ("half-character", "with half a character (a lone surrogate) in the text: replaced by U+FFFD", "")
    SPACED_SPAN = ("spaced-span", "with a span that begins or ends with white space: trimmed", "")
    BLANK_SPAN = ("blank-span", "with a tag on nothing but white space: that entity left out", "")
    BLANK_LABELS = ("blank-labels", "with a blank label cell: read as none of the labels", "")
    BLANK_FLAG = ("blank-flag", "with a blank cell in a column of 0 and 1: read as 0", "")
    SAME_SPAN = ("same-span", "with one span given twice: taken once", "")
    OVERLAP_KEPT = ("overlap", "with spans that overlap: the longest kept, the others dropped", "")
    BROKEN_TAGS = ("broken-tags", "with tags that break their scheme: read as an entity that begins there", "")
    OVERLAP = ("overlap", "with spans that overlap",
               "A model gives each word one label: remove the inner or the outer ones, or keep the longest with "
               "--spans longest.")
    TEXT_KIND = ("text-kind", "with a list, an object or bytes as text",
                 "A text must be a string or a number: join it into one string, or use another --text-column.")

    @property
    def severity(self) -> Severity:
        """Whether the data cannot be used with it."""
        return Severity.ERROR if self in (Oddity.TEXT_KIND, Oddity.OVERLAP) else Severity.NOTE


@dataclass(frozen=True)
class Reading:
    """The rows of one table, and what is to be said about the others."""

    rows: list[Row]
    findings: list[Finding]


@dataclass
class _Reader:
    """Reads the records of one table, and keeps what is odd about them."""

    table: Table
    columns: Columns
    kind: Kind
    options: DataOptions
    scheme: Scheme | None = None
    odd: dict[Oddity, list[int]] = field(default_factory=lambda: defaultdict(list))
    unreadable: list[tuple[int, str]] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)

    def row(self, record: Record) -> Row | None:
        """The row of a record, None where it is left out."""
        try:
            text, target = self._read(record)
        except Unreadable as error:
            self.unreadable.append((record.line, str(error)))
            return None
        pair = _text(record, (self.columns.pair,), self._note) if self.columns.pair else None
        if text is None or target is None or (self.columns.pair and pair is None):
            self._note(Oddity.EMPTY_TEXT if text is None else Oddity.NO_LABEL if target is None else Oddity.EMPTY_PAIR, record)
            return None
        return _make(self.table, record, text, target, self.columns, pair)

    def _note(self, oddity: Oddity, record: Record) -> None:
        self.odd[oddity].append(record.line)

    def _read(self, record: Record) -> tuple[str | None, Target | None]:
        if self.scheme is not None:
            return self._tagged(record, self.scheme)
        text = _text(record, self.columns.text, self._note)
        if self.kind is Kind.SPANS:
            return text, None if text is None else self._spans(record, text)
        if self.kind is Kind.LABELS:
            return text, self._labels(record)
        if self.kind is Kind.NUMBER:
            return text, read_number(record, self.columns)
        value = record.values.get(self.columns.label[0])
        if text is not None and isinstance(value, str) and value.strip() and value != value.strip():
            self._note(Oddity.SPACED_LABEL, record)
        name = read_class(record, self.columns)
        return text, None if name is None else self.names.setdefault(name, name)  # each name once, not once a row

    def _tagged(self, record: Record, scheme: Scheme) -> tuple[str | None, Target | None]:
        found = read_tags(record, self.columns, scheme)
        if found is None:
            return ("" if tokens_of(record, self.columns) else None), None
        if repairs(tags_of(record, self.columns) or [], scheme):
            self._note(Oddity.BROKEN_TAGS, record)
        text, marked = found
        spans = tuple(span for given in marked if (span := trimmed(given, text)).end > span.start)
        if len(spans) < len(marked):
            self._note(Oddity.BLANK_SPAN, record)
        if any(span not in marked for span in spans):
            self._note(Oddity.SPACED_SPAN, record)
        whole = _whole(text, record, self._note)
        return whole if text.strip() else None, spans

    def _labels(self, record: Record) -> tuple[str, ...] | None:
        if len(self.columns.label) > 1:
            if any(is_blank(record.values.get(name)) for name in self.columns.label):
                self._note(Oddity.BLANK_FLAG, record)
        elif self._is_blank_list(record):
            self._note(Oddity.BLANK_LABELS, record)
            return ()
        return read_labels(record, self.columns, self.options.label_separator)

    def _is_blank_list(self, record: Record) -> bool:
        """Whether the one label cell is there and blank; null is a blank where cells are texts, which in JSON they are not."""
        name = self.columns.label[0]
        value = record.values.get(name)
        if not is_missing(value):
            return is_blank(value)
        cells = self.options.label_separator is not None and Path(self.table.name).suffix.lower() not in JSON_SUFFIXES
        return cells and name in record.values

    def _spans(self, record: Record, text: str) -> tuple[Span, ...] | None:
        spans = read_spans(record, self.columns, text)
        if spans is None:
            return None
        inner = tuple(trimmed(span, text) for span in spans)
        if inner != spans:
            self._note(Oddity.SPACED_SPAN, record)
        once = tuple(sorted(set(inner)))
        if len(once) < len(inner):
            self._note(Oddity.SAME_SPAN, record)
        if not overlaps(once):
            return once
        self._note(Oddity.OVERLAP_KEPT if self.options.spans == "longest" else Oddity.OVERLAP, record)
        return longest(once)


def read_rows(table: Table, columns: Columns, kind: Kind, options: DataOptions, scheme: Scheme | None = None) -> Reading:
    """The labelled rows of `table`; records with an empty text or without a label are left out and reported.

    Args:
        scheme: how tags mark entities (see `find_scheme`), where rows are tokens with tags.
    """
    reader = _Reader(table, columns, kind, options, scheme)
    rows = [row for record in table.records if (row := reader.row(record)) is not None]
    return Reading(rows, [*table.findings, *_findings(table, reader.odd), *_unreadable(table, columns, kind, reader.unreadable)])


def read_texts(table: Table, columns: Columns) -> Reading:
    """One unlabelled row for each record of `table`, in order; an empty text stays, as ""."""
    odd: dict[Oddity, list[int]] = defaultdict(list)

    def note(oddity: Oddity, record: Record) -> None:
        odd[oddity].append(record.line)

    rows, tokenised = [], len(columns.text) == 1 and is_tokenised(table, columns)
    for record in table.records:
        tokens = unpacked(record.values.get(columns.text[0])) if tokenised else None
        text = (_whole(" ".join(map(str, tokens)), record, note) if isinstance(tokens, list | tuple)
                else _text(record, columns.text, note))
        pair = _text(record, (columns.pair,), note) or "" if columns.pair else None
        rows.append(_make(table, record, text or "", None, columns, pair))
    return Reading(rows, [*table.findings, *_findings(table, odd)])


def find_scheme(tables: Sequence[Table], columns: Columns, kind: Kind) -> Scheme | None:
    """How the tags of all tables together mark entities; None where rows are no tokens with tags."""
    tagged = [table for table in tables if is_tokenised(table, columns)] if kind is Kind.SPANS else []
    if not tagged:
        return None
    sequences = []
    for table in tagged:
        for record in table.records:
            try:
                sequences.append(tags_of(record, columns) or [])
            except Unreadable:
                continue  # reported when its row is read
    return detect_scheme(sequences)


def _make(table: Table, record: Record, text: str, target: Target | None, columns: Columns, pair: str | None) -> Row:
    group = _identity(record.values.get(columns.group)) if columns.group else None
    own = _identity(record.values.get(columns.id)) if columns.id else None
    return Row(own or f"{table.name}:{record.line}", text, pair, target, table.name, record.line, group)


def _identity(value: Any) -> str | None:
    try:
        return name_of(value)
    except TypeError:
        return repr(value)


def _text(record: Record, names: Iterable[str], note: Note) -> str | None:
    """The cells joined by a newline, without those that are empty; None when all are."""
    values = [value for name in names if not is_missing(value := record.values.get(name))]
    if not all(isinstance(value, SCALARS) for value in values):
        note(Oddity.TEXT_KIND, record)
    return _whole("\n".join(part for value in values if (part := str(value)).strip()), record, note) or None


def _whole(text: str, record: Record, note: Note) -> str:
    """The text with lone surrogates replaced, which is noted: no tokenizer takes them."""
    if SURROGATE.search(text):
        note(Oddity.HALF_CHARACTER, record)
    return SURROGATE.sub("\ufffd", text)


def _findings(table: Table, odd: dict[Oddity, list[int]]) -> list[Finding]:
    found = []
    for oddity in Oddity:
        if numbers := odd.get(oddity):
            code, what, then = oddity.value
            found.append(Finding(code, oddity.severity, f"{table.name}: {count(len(numbers), 'row')} {what} "
                                 f"({lines(table.name, numbers)}).", then, _rows(table, numbers)))
    return found


def _unreadable(table: Table, columns: Columns, kind: Kind, cells: list[tuple[int, str]]) -> list[Finding]:
    if not cells:
        return []
    examples = "; ".join(f"{lines(table.name, [line])}: {what}" for line, what in cells[:UNREADABLE_SHOWN])
    more = "; …" if len(cells) > UNREADABLE_SHOWN else ""
    label = ", ".join(f"'{name}'" for name in columns.label[:3])
    return [Finding("label-kind", Severity.ERROR, f"{table.name}: {count(len(cells), 'row')} whose label cannot be read "
                    f"(column {label}): {examples}{more}.", ADVICE[kind], _rows(table, [line for line, _ in cells]))]


ADVICE = {
    Kind.CLASS: "One label a row is a name or a number: correct these rows, use another --label-column, or say what the labels "
                "are with --task multilabel, entities or regression.",
    Kind.LABELS: "Several labels a row are a list of names, names parted by --label-separator, or one --label-column of 0 and 1 "
                 "for each: correct these rows, or use --task classification.",
    Kind.NUMBER: "A score is a finite number, at most 3.4e38: correct or remove these rows, use another --label-column, or --task "
                 "classification where the labels are classes.",
    Kind.SPANS: "Entities are a list of spans with a start, an end and a label, in characters of the text, or a tag for each "
                "token: correct these rows, or use another --label-column.",
}
"""What to do about labels that cannot be read, for each kind."""


def _rows(table: Table, numbers: Sequence[int]) -> tuple[Place, ...]:
    return tuple(Place(table.name, number) for number in numbers)
