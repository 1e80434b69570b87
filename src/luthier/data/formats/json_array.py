"""JSON: an array of objects, or an object that holds exactly one such array, as in {"data": [...]}.

Records are numbered from 1 in their order: a file without line breaks would put all of them on line 1.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from luthier.data.formats.decoding import read_text
from luthier.data.formats.table import Record, Table, columns_of, distinct_columns
from luthier.errors import DataError


def read(path: Path) -> Table:
    """The table of a .json file.

    Raises:
        DataError: it is not JSON (names line and column), or holds no array of objects.
    """
    items = _items(path, _parse(path))
    strangers = [number for number, item in enumerate(items, 1) if not isinstance(item, dict)]
    if strangers:
        example = json.dumps(items[strangers[0] - 1], ensure_ascii=False)[:40]
        raise DataError(f"{path}: each row must be an object such as {{\"text\": …, \"label\": …}}, but "
                        f"{len(strangers)} are not: the first is row {strangers[0]}, {example}.")
    records = [Record(number, item) for number, item in enumerate(items, 1)]
    return Table(path.name, distinct_columns(path, columns_of(records)), records)


def _parse(path: Path) -> Any:
    text = read_text(path)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        lines = " If it has one object on each line, name it .jsonl." if error.msg == "Extra data" else ""
        raise DataError(f"{path} line {error.lineno} column {error.colno}: not JSON: {error.msg}.{lines}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not readable as JSON: {error}.") from None


def _items(path: Path, value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        arrays = {key: item for key, item in value.items() if isinstance(item, list) and item and
                  all(isinstance(part, dict) for part in item)}
        if len(arrays) == 1:
            return next(iter(arrays.values()))
        found = f"an object with {len(arrays)} of them ({', '.join(arrays)})" if arrays else "an object without one"
    else:
        found = f"a single {type(value).__name__}"
    raise DataError(f"{path}: expected an array of objects, or an object that holds exactly one, but found {found}. "
                    "Save the rows as [{\"text\": …, \"label\": …}, …].")
