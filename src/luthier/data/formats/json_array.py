"""JSON: an array of objects (or of spaCy's pairs), or an object that holds exactly one such array, as in {"data": [...]}.

Records are numbered from 1 in their order: a file without line breaks would put all of them on line 1.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from luthier.data.formats import label_studio, recognise, spacy_tuples
from luthier.data.formats.decoding import read_text
from luthier.data.formats.json_text import parse, what
from luthier.data.formats.table import DEFAULTS, Record, Table
from luthier.data.options import DataOptions
from luthier.errors import DataError


def read(path: Path, options: DataOptions = DEFAULTS) -> Table:
    """The table of a .json file; records of annotation tools are told by their keys.

    Raises:
        DataError: it is not JSON (names line and column), or holds no array of objects.
    """
    items = list(enumerate(_items(path, _parse(path, options)), 1))
    strangers = [] if spacy_tuples.fits(items) else [number for number, item in items if not isinstance(item, dict)]
    if strangers:
        example = json.dumps(items[strangers[0] - 1][1], ensure_ascii=False)[:40]
        raise DataError(f"{path}: each row must be an object such as {{\"text\": …, \"label\": …}}, but "
                        f"{len(strangers)} are not: the first is row {strangers[0]}, {example}.")
    return recognise.table(path, path.name, items, options)


def _parse(path: Path, options: DataOptions) -> Any:
    text = read_text(path, options.encoding)
    try:
        return parse(text)
    except json.JSONDecodeError as error:
        lines = (" If it has one object on each line, name it .jsonl." if error.msg == "Extra data" else
                 " Correct it, or export the file again.")
        raise DataError(f"{path} line {error.lineno} column {error.colno}: not JSON: {what(error)}.{lines}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not readable as JSON: {error}.") from None


def _items(path: Path, value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        if label_studio.fits([Record(1, value)]):  # a single task
            return [value]
        arrays = {key: item for key, item in value.items() if isinstance(item, list) and item and (
            all(isinstance(part, dict) for part in item) or spacy_tuples.fits(list(enumerate(item, 1))))}
        if len(arrays) == 1:
            return next(iter(arrays.values()))
        found = f"an object with {len(arrays)} of them ({', '.join(arrays)})" if arrays else "an object without one"
    else:
        found = f"a single {type(value).__name__}"
    raise DataError(f"{path}: expected an array of objects, or an object that holds exactly one, but found {found}. "
                    "Save the rows as [{\"text\": …, \"label\": …}, …].")
