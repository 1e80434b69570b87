"""Arrow tables, which Arrow, Feather and Parquet files and `datasets` share: class numbers become names."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from luthier.data.formats.decoding import read_bytes
from luthier.data.formats.recognise import columnar
from luthier.data.formats.table import DEFAULTS, Record, Table, distinct_columns
from luthier.data.options import DataOptions
from luthier.errors import DataError


def read(path: Path, options: DataOptions = DEFAULTS) -> Table:
    """The table of an .arrow or .feather file, in Arrow's file format or its stream format.

    Raises:
        DataError: it is neither, or pyarrow is not installed.
    """
    arrow = load(path)
    return columnar(from_arrow(path.name, arrow, class_names(arrow.schema.metadata or {})), options)


def load(path: Path) -> Any:
    """The pyarrow.Table of an .arrow or .feather file.

    Raises:
        DataError: it is in neither of Arrow's formats, or pyarrow is not installed.
    """
    content = read_bytes(path)
    try:
        import pyarrow as pa
    except ImportError:
        raise DataError(f"{path}: reading Arrow needs pyarrow. Run: pip install pyarrow") from None
    opened = pa.ipc.open_file if content.startswith(b"ARROW1") else pa.ipc.open_stream
    try:
        return opened(io.BytesIO(content)).read_all()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: not an Arrow file that pyarrow can read: {str(error).rstrip('.')}. Save it again, as Arrow or "
                        "Parquet.") from None


def from_arrow(name: str, arrow: Any, classes: Mapping[str, Sequence[str]]) -> Table:
    """The table of a pyarrow.Table; `classes` has the names of each column that holds class numbers or lists of them.

    Raises:
        DataError: a nameless or repeated column, cells that no Python value can hold, or a class number without a name.
    """
    columns = distinct_columns(name, [str(column) for column in arrow.column_names])
    try:
        rows = arrow.to_pylist()
    except (ValueError, OverflowError) as error:  # text that is not UTF-8, a date beyond the year 9999
        raise DataError(f"{name}: a value cannot be read: {error}. Correct it where the file was written.") from None
    records = [Record(number, values) for number, values in enumerate(rows, 1)]
    for record in records:
        for column in classes.keys() & record.values.keys():
            record.values[column] = _named(f"{name} row {record.line}", column, record.values[column], classes[column])
    return Table(name, columns, records)


def _named(where: str, column: str, value: Any, names: Sequence[str]) -> Any:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        return [_named(where, column, item, names) for item in value]
    if not isinstance(value, int) or not -1 <= value < len(names):
        raise DataError(f"{where}: column '{column}' holds {value!r}, but its classes are numbered 0 to "
                        f"{len(names) - 1} (-1: no label). Correct the value or the class names.")
    return None if value == -1 else names[value]  # datasets writes -1 for "not labelled"


def class_names(metadata: Mapping[bytes, bytes]) -> dict[str, list[str]]:
    """The names of each column of ClassLabels or of lists of them, from the metadata of an Arrow schema."""
    try:
        features: Any = json.loads(metadata[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError):
        return {}
    return feature_names(features)


def feature_names(features: Any) -> dict[str, list[str]]:
    """The names of each column of ClassLabels or of lists of them, from the features of a data set as JSON holds them."""
    if not isinstance(features, dict):
        return {}
    return {column: names for column, feature in features.items() if (names := _names(feature))}


def _names(feature: Any) -> list[str]:
    if isinstance(feature, list) and len(feature) == 1:  # how older versions wrote a list of a feature
        return _names(feature[0])
    if not isinstance(feature, dict):
        return []
    if feature.get("_type") == "ClassLabel":
        return list(feature.get("names") or [])
    return _names(feature["feature"]) if feature.get("_type") in ("Sequence", "List", "LargeList") and "feature" in feature else []
