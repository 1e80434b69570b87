"""CSV and TSV, with the line of the file on which each record starts.

Read strictly: a quote that never closes would otherwise swallow the rest of the file as one text. `;` counts as the
separator of a .csv file whose header has `;` and no comma, as spreadsheets of some countries write it.
"""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Iterator
from pathlib import Path

from luthier.data.formats.decoding import read_lines
from luthier.data.formats.table import DEFAULTS, Grid, Table, distinct_columns
from luthier.data.options import DataOptions
from luthier.data.places import SHOWN, count
from luthier.errors import DataError

LARGEST_FIELD = 2**31 - 1
"""The csv module refuses fields over 131,072 characters unless told otherwise; a C long bounds what it can be told."""


def read(path: Path, options: DataOptions = DEFAULTS) -> Table:
    """The table of a .csv or .tsv file with a header.

    Raises:
        DataError: bad quoting, a nameless or repeated column, rows that do not have the header's number of fields.
    """
    delimiter = _delimiter(path, read_lines(path, options.encoding))
    with _huge_fields():
        parsed = _numbered(path, read_lines(path, options.encoding), delimiter)
        _, header = next(parsed, (0, None))
        if header is None:
            raise DataError(f"{path}: the file is empty.")
        grid, wrong = Grid(tuple(name.strip() for name in header)), []
        for line, fields in parsed:
            if len(fields) == len(header):
                grid.add(line, fields)
            else:
                wrong.append(f"line {line} has {len(fields)}")
    if len(header) == 1 and "\t" in header[0]:
        raise DataError(f"{path}: its header has tabs and no comma. Name the file .tsv, or save it with commas.")
    columns = distinct_columns(path, grid.columns)
    _check_widths(path, wrong, columns, delimiter)
    return Table(path.name, columns, grid)


def _delimiter(path: Path, lines: Iterator[str]) -> str:
    if path.suffix.lower() == ".tsv":
        return "\t"
    header = next((line for text in lines for line in text.splitlines() if line.strip()), "")
    return ";" if ";" in header and "," not in header else ","


def _numbered(path: Path, lines: Iterator[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Each record that is not a blank line, with the line on which it starts."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        start = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(f"{path} line {start}: {_reason(error)}") from None
        if fields:
            yield start, fields


def _reason(error: csv.Error) -> str:
    if "unexpected end of data" in str(error):
        return ('a field opens with a double quote that is never closed. Close it, or write a quote that belongs to '
                'the text as "" inside a quoted field.')
    if "expected after" in str(error):
        return ('a quoted field goes on after its closing quote. Write a quote that belongs to the text as "" inside '
                'a quoted field.')
    return f"{error}."


def _check_widths(path: Path, wrong: list[str], columns: tuple[str, ...], delimiter: str) -> None:
    if wrong:
        more = ", …" if len(wrong) > SHOWN else ""
        named = {"\t": "a tab"}.get(delimiter, f"'{delimiter}'")
        raise DataError(f"{path}: each row must have the {count(len(columns), 'field')} of the header ({', '.join(columns)}), "
                        f"but {', '.join(wrong[:SHOWN])}{more}. Put a field that holds {named} or a line break in "
                        "double quotes.")


@contextlib.contextmanager
def _huge_fields() -> Iterator[None]:
    before = csv.field_size_limit(LARGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)
