"""What kind of labels a table has, and how a record's label is read as a `Target` of that kind."""

from __future__ import annotations

import ast
import itertools
import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from luthier.data.cells import is_blank, is_missing, name_of, whole_number
from luthier.data.columns import TOKEN_NAMES, Columns
from luthier.data.formats import Record, Table
from luthier.data.options import DataOptions
from luthier.data.row import Kind, Span
from luthier.data.tags import Scheme, spans_of

FRACTION = re.compile(r"[+-]?[0-9]*\.[0-9]+(e[+-]?[0-9]+)?")
MOST_SCORES = 20
"""More different numbers with a fraction than this are scores; half stars from 0 to 5 are still classes."""
LARGEST = 3.4e38
"""What numbers of four bytes, which models compute in, reach."""
TRUE, FALSE = {"1", "true", "yes"}, {"0", "false", "no"}


class Unreadable(ValueError):
    """A cell that holds no label of the kind; says what it holds instead."""


def detect(table: Table, columns: Columns, options: DataOptions) -> Kind:
    """What the labels of a table are, from the cells of its label columns."""
    if len(columns.label) > 1 or options.label_separator is not None:
        return Kind.LABELS
    cells = [value for record in table.records if not is_missing(value := unpacked(record.values.get(columns.label[0])))]
    lists = [cell for cell in cells if isinstance(cell, list | tuple)]
    if cells and 2 * len(lists) > len(cells):
        named = columns.label[0].lower() in ("spans", "entities") and not any(lists)
        spans = named or is_tokenised(table, columns) or any(_is_span(part) for cell in lists for part in cell)
        return Kind.SPANS if spans else Kind.LABELS
    names = {str(cell) for cell in cells if not isinstance(cell, bool | list | tuple)}
    return Kind.NUMBER if are_scores(names) else Kind.CLASS


def are_scores(names: Collection[str]) -> bool:
    """Whether different names of labels are rather numbers: there are many, and most have a fraction."""
    return len(names) > MOST_SCORES and 2 * sum(bool(FRACTION.fullmatch(name)) for name in names) > len(names)


def unpacked(value: Any) -> Any:
    """A cell that holds a list written as text, such as "['B-LOC', 'O']" in a CSV file, as that list."""
    if not isinstance(value, str) or not (value.startswith("[") and value.rstrip().endswith("]")):
        return list(value) if type(value).__name__ == "ndarray" else value
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(value)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
        if isinstance(found, list):
            return found
    return value


def read_class(record: Record, columns: Columns) -> str | None:
    """The name of the one label; None where there is none."""
    value = record.values.get(columns.label[0])
    try:
        return name_of(value)
    except TypeError:
        raise Unreadable(f"a {type(value).__name__}, not one label") from None


def read_number(record: Record, columns: Columns) -> float | None:
    """The score; None where there is none.

    Raises:
        Unreadable: it is no finite number, or too large for a model's own.
    """
    value = record.values.get(columns.label[0])
    if is_missing(value) or (isinstance(value, str) and not value.strip()):
        return None
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise Unreadable(f"{_short(value)}, not a number") from None
    if not math.isfinite(number):
        raise Unreadable(f"{_short(value)}, not a finite number")
    if abs(number) > LARGEST:
        raise Unreadable(f"{_short(value)}, more than a model can say (at most {LARGEST:g})")
    return number


def read_labels(record: Record, columns: Columns, separator: str | None) -> tuple[str, ...] | None:
    """The names of the labels, sorted, none twice; () where there are none, None where the cell is missing.

    A column of one label that is blank or missing says that the label is off.

    Raises:
        Unreadable: the cell is neither a list of names nor text, or a column of one label holds neither 0 nor 1.
    """
    if len(columns.label) > 1:
        return tuple(sorted(name for name in columns.label if _is_on(name, record.values.get(name))))
    value = unpacked(record.values.get(columns.label[0]))
    if is_missing(value):
        return None
    if isinstance(value, str):
        value = value.split(separator) if separator else [value]
    if isinstance(value, Mapping) or not isinstance(value, list | tuple | set | frozenset):
        raise Unreadable(f"{_short(value)}, not a list of labels")
    try:
        names = [name_of(part) for part in value]
    except TypeError:
        raise Unreadable("a list within a list, not a list of labels") from None
    return tuple(sorted({name for name in names if name}))


def read_spans(record: Record, columns: Columns, text: str) -> tuple[Span, ...] | None:
    """The spans of a text, in its order; None where the cell is missing.

    Raises:
        Unreadable: the cell is no list of spans, or a span does not lie within the text.
    """
    value = unpacked(record.values.get(columns.label[0]))
    if is_missing(value) or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, Mapping) or not isinstance(value, list | tuple):
        raise Unreadable(f"{_short(value)}, not a list of spans such as {{\"start\": 0, \"end\": 5, \"label\": \"city\"}}")
    return tuple(sorted(_span(part, text) for part in value))


def read_tags(record: Record, columns: Columns, scheme: Scheme) -> tuple[str, tuple[Span, ...]] | None:
    """The text of a record of tokens, joined by spaces, and the spans that its tags make; None where tags are missing.

    Raises:
        Unreadable: tokens and tags are not lists of one length, or a tag is none of the scheme.
    """
    tokens, tags = tokens_of(record, columns), tags_of(record, columns)
    if tokens is None or tags is None:
        return None
    if len(tokens) != len(tags):
        raise Unreadable(f"{len(tokens)} tokens but {len(tags)} tags")
    starts, place = [], 0
    for token in tokens:
        starts.append(place)
        place += len(token) + 1
    try:
        found = spans_of(tags, scheme)
    except ValueError as error:
        raise Unreadable(str(error)) from None
    return " ".join(tokens), tuple(Span(starts[low], starts[high - 1] + len(tokens[high - 1]), name) for low, high, name in found)


def tokens_of(record: Record, columns: Columns) -> list[str] | None:
    """The tokens of a record; None where they are missing."""
    value = unpacked(record.values.get(columns.text[0]))
    if is_missing(value) or value == "":
        return None
    if not isinstance(value, list | tuple):
        raise Unreadable(f"{_short(value)} as tokens, not a list of them")
    return [str(part) for part in value]


def tags_of(record: Record, columns: Columns) -> list[str] | None:
    """The tags of a record; None where they are missing."""
    value = unpacked(record.values.get(columns.label[0]))
    if is_missing(value) or value == "":
        return None
    if not isinstance(value, list | tuple) or not all(isinstance(part, str) for part in value):
        raise Unreadable(f"{_short(value)} as tags, not a list of tags such as [\"B-city\", \"O\"]")
    return [str(part) for part in value]


def overlaps(spans: Sequence[Span]) -> bool:
    """Whether any two of the spans, in the order of the text, share a character."""
    return any(one.end > other.start for one, other in itertools.pairwise(spans))


def longest(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Of spans that overlap the longest, the first among equals; in the order of the text."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start - span.end, span)):
        if all(span.end <= other.start or other.end <= span.start for other in kept):
            kept.append(span)
    return tuple(sorted(kept))


def trimmed(span: Span, text: str) -> Span:
    """The span without white space at its ends."""
    inner = text[span.start:span.end]
    start = span.start + len(inner) - len(inner.lstrip())
    return Span(start, max(start, span.start + len(inner.rstrip())), span.label)


def is_tokenised(table: Table, columns: Columns) -> bool:
    """Whether the rows are lists of tokens."""
    first = next((value for record in table.records if not is_missing(value := record.values.get(columns.text[0]))), None)
    return columns.text[0].lower() in TOKEN_NAMES and isinstance(unpacked(first), list | tuple)


def _is_span(part: Any) -> bool:
    if isinstance(part, Mapping):
        return "start" in part or "start_offset" in part
    return isinstance(part, list | tuple) and len(part) == 3 and all(whole_number(place) is not None for place in part[:2])


def _is_on(name: str, value: Any) -> bool:
    if is_blank(value):
        return False
    cell = str(value).strip().lower().removesuffix(".0")
    if cell not in TRUE | FALSE:
        raise Unreadable(f"{_short(value)} in column '{name}', neither 0 nor 1")
    return cell in TRUE


def _span(part: Any, text: str) -> Span:
    if not _is_span(part):
        raise Unreadable(f"{_short(part)}, not a span such as {{\"start\": 0, \"end\": 5, \"label\": \"city\"}}")
    if isinstance(part, Mapping):
        low, high = part.get("start", part.get("start_offset")), part.get("end", part.get("end_offset"))
        label = part.get("label", part.get("entity_group", part.get("type")))
    else:
        low, high, label = part
    try:
        name = name_of(label)
    except TypeError:
        name = None
    low, high = whole_number(low), whole_number(high)
    if name is None or low is None or high is None:
        raise Unreadable(f"{_short(part)}: a span needs a whole start, a whole end and a label")
    if not 0 <= low < high <= len(text) or not text[low:high].strip():
        raise Unreadable(f"span {low} to {high} ({name}) in a text of {len(text)} characters, {_short(text)}: it must hold "
                         "at least one character of the text")
    return Span(low, high, name)


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}…"
