"""Data given as Python objects: a DataFrame, a `datasets.Dataset` or `DatasetDict`, a list of dicts, of texts, of spaCy's
docs or pairs; dicts may be the records of an annotation tool.

No library is imported to recognise them: an object of a library can only exist once that has been imported. Records
are numbered from 1.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from luthier.data.formats import docbin, recognise, spacy_tuples
from luthier.data.formats.arrow import feature_names, from_arrow
from luthier.data.formats.table import DEFAULTS, Record, Table, distinct_columns
from luthier.data.options import DataOptions
from luthier.errors import DataError

UNDERSTOOD = ("a path, 'example:NAME', a pandas DataFrame, a datasets.Dataset or DatasetDict, or a list of dicts such "
              "as [{'text': …, 'label': …}]")


def is_splits(data: object) -> bool:
    """Whether `data` is a DatasetDict: several data sets by name."""
    return _is_a(data, "datasets", "DatasetDict")


def read(data: Any, name: str | None = None, options: DataOptions = DEFAULTS) -> Table:
    """The table of one object, called `name` in messages (default: the kind of object).

    Raises:
        DataError: an object of another kind, or bad column names.
    """
    if _is_a(data, "pandas", "DataFrame"):
        return recognise.columnar(_from_frame(data, name or "DataFrame"), options)
    if _is_a(data, "datasets", "Dataset"):
        classes = feature_names(data.features.to_dict())
        return recognise.columnar(from_arrow(name or "Dataset", data.with_format("arrow")[:], classes), options)
    if isinstance(data, list):
        return _from_list(data, name or "list", options)
    raise DataError(f"Data of type {type(data).__module__}.{type(data).__qualname__} is not understood. Give "
                    f"{UNDERSTOOD}.")


def _is_a(data: object, module: str, name: str) -> bool:
    kind = getattr(sys.modules.get(module), name, None)
    return kind is not None and isinstance(data, kind)


def _from_frame(frame: Any, name: str) -> Table:
    columns = distinct_columns(name, [str(column).strip() for column in frame.columns])
    objects = frame.astype(object).where(frame.notna(), None)
    values = zip(*(objects.iloc[:, place].tolist() for place in range(len(columns))), strict=True)
    return Table(name, columns, [Record(number, dict(zip(columns, map(_plain, cells), strict=True)))
                                 for number, cells in enumerate(values, 1)])


def _from_list(items: list[Any], name: str, options: DataOptions) -> Table:
    if items and all(_is_a(item, "spacy.tokens", "Doc") for item in items):
        return docbin.from_docs(name, items, options)
    numbered = list(enumerate(items, 1))
    if spacy_tuples.fits(numbered):
        return spacy_tuples.read(name, numbered, options)
    rows: list[tuple[int, Any]] = []
    for number, item in numbered:
        if isinstance(item, str):
            item = {"text": item}
        if not isinstance(item, Mapping):
            raise DataError(f"{name} row {number}: each item must be a dict such as {{'text': …, 'label': …}}, not "
                            f"{type(item).__name__}.")
        rows.append((number, {str(key): _plain(value) for key, value in item.items()}))
    return recognise.table(name, name, rows, options)


def _plain(value: Any) -> Any:
    """A numpy scalar as the Python value it stands for."""
    return value.item() if _is_a(value, "numpy", "generic") else value
