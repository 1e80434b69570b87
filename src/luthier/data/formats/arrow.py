"""Arrow tables, which Parquet files and `datasets` share: class numbers become names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from luthier.data.formats.table import Record, Table, distinct_columns
from luthier.errors import DataError


def from_arrow(name: str, arrow: Any, classes: Mapping[str, Sequence[str]]) -> Table:
    """The table of a pyarrow.Table; `classes` has the names of each column that holds class numbers.

    Raises:
        DataError: a nameless or repeated column, or a class number without a name.
    """
    columns = distinct_columns(name, [str(column) for column in arrow.column_names])
    records = [Record(number, values) for number, values in enumerate(arrow.to_pylist(), 1)]
    for column in columns:
        if column in classes:
            _name_classes(name, records, column, classes[column])
    return Table(name, columns, records)


def _name_classes(name: str, records: list[Record], column: str, names: Sequence[str]) -> None:
    for record in records:
        number = record.values[column]
        if number is None or isinstance(number, str):
            continue
        if not isinstance(number, int) or not -1 <= number < len(names):
            raise DataError(f"{name} row {record.line}: column '{column}' holds {number!r}, but its classes are "
                            f"numbered 0 to {len(names) - 1} (-1: no label). Correct the value or the class names.")
        record.values[column] = None if number == -1 else names[number]  # datasets writes -1 for "not labelled"
