"""JSON lines: one object on each line (or one of spaCy's pairs); blank lines are skipped. Written, it keeps all of a row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from luthier.data.findings import Finding
from luthier.data.formats import recognise, spacy_tuples
from luthier.data.formats.decoding import numbered_lines, read_text
from luthier.data.formats.json_text import parse, what
from luthier.data.formats.jsonl_rows import extras, span_dicts, write_lines
from luthier.data.formats.table import DEFAULTS, Table
from luthier.data.options import DataOptions
from luthier.data.places import together
from luthier.data.row import Kind, Row
from luthier.errors import DataError


def read(path: Path, options: DataOptions = DEFAULTS) -> Table:
    """The table of a .jsonl or .ndjson file; records of annotation tools are told by their keys.

    Raises:
        DataError: naming each line that is not a JSON object, and why (the first ten).
    """
    items: list[tuple[int, Any]] = []
    problems: list[str] = []
    for number, line in numbered_lines(read_text(path, options.encoding)):
        if not line.strip():
            continue
        try:
            items.append((number, _item(line)))
        except ValueError as error:
            problems.append(f"{path} line {number}: {error}.")
    if problems:
        raise DataError(together(problems, "line"))
    return recognise.table(path, path.name, items, options)


def write(path: Path, rows: Sequence[Row], kind: Kind) -> list[Finding]:
    """Write rows as `text`, `text_pair`, and `label`, `labels` or `spans`, with `group` and `id` where they have their own."""
    write_lines(path, ({"text": row.text} | extras(row) | _label(row, kind) for row in rows))
    return []


def _label(row: Row, kind: Kind) -> dict[str, Any]:
    if kind is Kind.SPANS:
        return {"spans": span_dicts(row)}
    if isinstance(row.target, tuple):
        return {"labels": list(row.target)}
    return {"label": row.target}


def _item(line: str) -> Any:
    try:
        value = parse(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {what(error)} at column {error.colno}; correct the line, or export the file again") from None
    except RecursionError:
        raise ValueError("not readable: nested too deeply; write flat objects") from None
    if not isinstance(value, dict) and not spacy_tuples.fits([(1, value)]):
        raise ValueError(f"each line must be an object such as {{\"text\": …, \"label\": …}}, not {line.strip()[:40]}")
    return value
