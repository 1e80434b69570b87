"""JSON lines: one object on each line; blank lines are skipped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from luthier.data.formats.decoding import numbered_lines, read_text
from luthier.data.formats.table import Record, Table, columns_of, distinct_columns
from luthier.errors import DataError

SHOWN = 10


def read(path: Path) -> Table:
    """The table of a .jsonl or .ndjson file.

    Raises:
        DataError: naming each line that is not a JSON object, and why (the first ten).
    """
    records: list[Record] = []
    problems: list[str] = []
    for number, line in numbered_lines(read_text(path)):
        if not line.strip():
            continue
        try:
            records.append(Record(number, _object(line)))
        except ValueError as error:
            problems.append(f"{path} line {number}: {error}.")
    if problems:
        more = [f"… and {len(problems) - SHOWN} more lines"] if len(problems) > SHOWN else []
        raise DataError("\n".join([*problems[:SHOWN], *more]))
    return Table(path.name, distinct_columns(path, columns_of(records)), records)


def _object(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at column {error.colno}") from None
    except RecursionError:
        raise ValueError("not readable: nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError(f"each line must be an object such as {{\"text\": …, \"label\": …}}, not {line.strip()[:40]}")
    return value
