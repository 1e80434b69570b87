"""Rows as JSON objects on lines: what the writers of JSONL, Prodigy and Label Studio share."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from luthier.data.row import Row, Span
from luthier.files import whole_file


def write_lines(path: Path, items: Iterable[Mapping[str, Any]]) -> None:
    """Write one JSON object a line into a new file."""
    with whole_file(path) as stream:
        stream.writelines(f"{json.dumps(item, ensure_ascii=False)}\n" for item in items)


def extras(row: Row) -> dict[str, str]:
    """What a row has beside its text and label: the pair, the group, and an id that is not its place in the file."""
    found = {"text_pair": row.pair, "group": row.group, "id": None if row.id == f"{row.file}:{row.line}" else row.id}
    return {name: value for name, value in found.items() if value is not None}


def span_dicts(row: Row) -> list[dict[str, Any]]:
    """The spans of a row as {"start", "end", "label"}, in characters."""
    spans = row.target if isinstance(row.target, tuple) else ()
    return [{"start": span.start, "end": span.end, "label": span.label} for span in spans if isinstance(span, Span)]
