"""XLSX workbooks: the first sheet, whose first row that is not empty is the header. Rows keep the sheet's numbers."""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from luthier.data.findings import Finding
from luthier.data.formats.decoding import read_bytes
from luthier.data.formats.table import DEFAULTS, Record, Table, distinct_columns, finding
from luthier.data.options import DataOptions
from luthier.errors import DataError


def read(path: Path, options: DataOptions = DEFAULTS) -> Table:
    """The table of the first sheet of an .xlsx file. Formulas count as the value that was saved with them.

    Raises:
        DataError: it is no workbook, its first sheet is empty, a column is nameless or repeated, or openpyxl is missing.
    """
    sheets, rows = _load(path, read_bytes(path))
    filled = [(number, cells) for number, cells in rows if any(cell is not None for cell in cells)]
    if not filled:
        others = f" Its other sheets: {', '.join(sheets[1:])}: move one to the front." if len(sheets) > 1 else ""
        raise DataError(f"{path}: the file is empty: its first sheet '{sheets[0]}' has no cells.{others}")
    (_, header), *body = filled
    used = [place for place in range(max(len(cells) for _, cells in filled))
            if any(place < len(cells) and cells[place] is not None for _, cells in filled)]
    columns = distinct_columns(path, [_name(header, place) for place in used])
    broken: list[int] = []
    records = []
    for number, cells in body:
        values = [cells[place] if place < len(cells) else None for place in used]
        if any(isinstance(value, _Broken) for value in values):
            broken.append(number)
        records.append(Record(number, {column: None if isinstance(value, _Broken) else value
                                       for column, value in zip(columns, values, strict=True)}))
    return Table(path.name, columns, records, _findings(path.name, sheets, broken))


class _Broken(str):
    """The content of a cell whose formula failed, such as "#N/A"."""


def _load(path: Path, content: bytes) -> tuple[list[str], list[tuple[int, list[Any]]]]:
    """The names of the sheets, and the rows of the first with their numbers."""
    try:
        import openpyxl
    except ImportError:
        raise DataError(f"{path}: reading XLSX needs openpyxl. Run: pip install 'luthier[xlsx]', or save the sheet as CSV "
                        "(UTF-8).") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of validation rules and styles, which hold no data
            book = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, IndexError, AttributeError, OSError, EOFError, SyntaxError):
        raise DataError(f"{path}: not an XLSX workbook that openpyxl can read (broken, protected by a password, or of another "
                        "format). Open it in a spreadsheet program and save it as .xlsx or as CSV (UTF-8).") from None
    if not book.worksheets:
        raise DataError(f"{path}: the workbook has no sheet with cells. Save the data in its first sheet.")
    return [sheet.title for sheet in book.worksheets], list(_rows(book.worksheets[0]))


def _rows(sheet: Any) -> Iterator[tuple[int, list[Any]]]:
    for number, cells in enumerate(sheet.iter_rows(), 1):
        yield number, [_value(cell) for cell in cells]


def _value(cell: Any) -> Any:
    if cell.data_type == "e" and cell.value is not None:
        return _Broken(cell.value)
    return None if isinstance(cell.value, str) and not cell.value.strip() else cell.value


def _name(header: list[Any], place: int) -> str:
    value = header[place] if place < len(header) else None
    return "" if value is None else str(value).strip()


def _findings(name: str, sheets: list[str], broken: list[int]) -> tuple[Finding, ...]:
    found = []
    if len(sheets) > 1:
        found.append(finding(name, "other-sheets", f"read from the first sheet, '{sheets[0]}'; not used: "
                             f"{', '.join(sheets[1:])}", advice="Move another sheet to the front to read that."))
    if broken:
        found.append(finding(name, "formula-errors", "with a cell whose formula failed (such as #N/A): read as empty", broken,
                             advice="Correct them in the spreadsheet."))
    return tuple(found)
