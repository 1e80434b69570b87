"""File formats: one module each, found by the file's suffix. A new format is one module and one line in FORMATS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from luthier.data.formats import delimited, json_array, jsonl, lines, parquet
from luthier.data.formats.table import Record, Table
from luthier.errors import DataError

__all__ = ["FORMATS", "Format", "Record", "Table", "known_suffixes", "read_table", "unit", "why_not"]


@dataclass(frozen=True)
class Format:
    """How files of one suffix are read; `unit` is what their records are numbered by."""

    read: Callable[[Path], Table]
    unit: str = "row"
    labelled: bool = True


FORMATS: dict[str, Format] = {
    ".csv": Format(delimited.read, unit="line"),
    ".tsv": Format(delimited.read, unit="line"),
    ".jsonl": Format(jsonl.read, unit="line"),
    ".ndjson": Format(jsonl.read, unit="line"),
    ".json": Format(json_array.read),
    ".parquet": Format(parquet.read),
    ".txt": Format(lines.read, unit="line", labelled=False),
}
INSTEAD = (
    dict.fromkeys((".gz", ".zip", ".bz2", ".xz", ".zst", ".tar", ".tgz", ".7z"), "Unpack it first.")
    | dict.fromkeys((".xlsx", ".xls", ".ods"), "Save its sheet as CSV (UTF-8).")
    | dict.fromkeys((".arrow", ".feather", ".orc", ".avro"), "Save it as Parquet.")
    | dict.fromkeys((".conll", ".conllu", ".iob", ".spacy"), "Labels of single words are not supported yet."))
"""What to do with files that hold data in a format that is not read."""


def read_table(path: Path) -> Table:
    """The table of a file, by its suffix.

    Raises:
        DataError: no such file, a suffix of no known format, or content that breaks the format's rules.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file.")
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        what = f"files ending in '{suffix}' are not read" if suffix else "its name has no suffix that tells the format"
        instead = INSTEAD.get(suffix, "Save the data in one of these, or give the file its right suffix.")
        raise DataError(f"{path}: {what}. Known: {', '.join(FORMATS)}. {instead}")
    return FORMATS[suffix].read(path)


def why_not(path: Path) -> str:
    """Why a file that does hold data cannot be read as labelled rows; "" for all other files."""
    suffix = path.suffix.lower()
    if suffix in FORMATS and not FORMATS[suffix].labelled:
        return f"{path}: files ending in '{suffix}' hold texts without labels. Known: {', '.join(known_suffixes())}."
    return f"{path}: files ending in '{suffix}' are not read. {INSTEAD[suffix]}" if suffix in INSTEAD else ""


def known_suffixes() -> tuple[str, ...]:
    """The suffixes of the formats that can hold labels."""
    return tuple(suffix for suffix, known in FORMATS.items() if known.labelled)


def unit(name: str) -> str:
    """What the records of the table `name` are numbered by: "line", or "row" where there are no lines."""
    known = FORMATS.get(Path(name).suffix.lower())
    return known.unit if known else "row"
