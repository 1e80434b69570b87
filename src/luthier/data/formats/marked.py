"""Records with `text` and `spans`, as Luthier writes them: the offsets are checked, and converted from UTF-16 units."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from luthier.data.formats import annotated
from luthier.data.formats.offsets import Marked, settle
from luthier.data.formats.table import Record, Table
from luthier.data.options import DataOptions
from luthier.data.places import unit

TEXT, SPANS = "text", "spans"
LEAST = 3
"""Spans whose words say that they are counted in UTF-16 units, before that is believed of files that no tool in a browser is
known to have written."""


def fits(items: Sequence[Record]) -> bool:
    """Whether any record has spans with offsets in a list beside its text."""
    return any(isinstance(item.values.get(TEXT), str) and _is_spans(item.values.get(SPANS)) and item.values[SPANS]
               for item in items)


def settled(table: Table, options: DataOptions) -> Table:
    """The table with spans in characters; cells of another form stay as they are.

    Raises:
        DataError: spans that do not fit their text.
    """
    if not fits(table.records) or (options.text_columns and options.text_columns != (TEXT,)):
        return table
    rows = [record for record in table.records if isinstance(record.values.get(TEXT), str) and _is_spans(record.values.get(SPANS))]
    marked = [Marked(record.line, record.values[TEXT], tuple(
        annotated.stored(f"{table.name} {unit(table.name)} {record.line}", span) for span in record.values[SPANS]))
        for record in rows]
    spans, findings = settle(table.name, marked, least=LEAST)
    new = {record.line: [{"start": span.start, "end": span.end, "label": span.label} for span in found]
           for record, found in zip(rows, spans, strict=True)}
    records = [Record(record.line, record.values | {SPANS: new[record.line]}) if record.line in new else record
               for record in table.records]
    return dataclasses.replace(table, records=records, findings=(*table.findings, *findings))


def _is_spans(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(span, Mapping) and "start" in span and "end" in span for span in value)
