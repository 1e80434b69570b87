"""File formats: one module each, found by the file's suffix. A new format is one module and one line in FORMATS; a new
annotation tool, whose records are told by their keys, is one module and one line in `recognise.TOOLS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from luthier.data.formats import arrow, conll, delimited, docbin, fasttext, json_array, jsonl, parquet, plain, xlsx
from luthier.data.formats.table import DEFAULTS, Record, Table
from luthier.data.options import DataOptions
from luthier.data.places import unit
from luthier.errors import DataError

__all__ = ["DEFAULTS", "FORMATS", "Format", "Record", "Table", "holds_labels", "known_suffixes", "read_table", "unit", "why_not"]


@dataclass(frozen=True)
class Format:
    """How files of one suffix are read; those that are not `labelled` hold labels only if their content shows it."""

    read: Callable[[Path, DataOptions], Table]
    labelled: bool = True


FORMATS: dict[str, Format] = {
    ".csv": Format(delimited.read),
    ".tsv": Format(plain.read_tsv),
    ".xlsx": Format(xlsx.read),
    ".jsonl": Format(jsonl.read),
    ".ndjson": Format(jsonl.read),
    ".json": Format(json_array.read),
    ".parquet": Format(parquet.read),
    ".arrow": Format(arrow.read),
    ".feather": Format(arrow.read),
    ".ft": Format(fasttext.read),
    ".fasttext": Format(fasttext.read),
    ".conll": Format(conll.read),
    ".conllu": Format(conll.read),
    ".iob": Format(conll.read),
    ".iob2": Format(conll.read),
    ".bio": Format(conll.read),
    ".spacy": Format(docbin.read),
    ".txt": Format(plain.read_txt, labelled=False),
}
INSTEAD = (
    dict.fromkeys((".gz", ".zip", ".bz2", ".xz", ".zst", ".tar", ".tgz", ".7z"), "Unpack it first.")
    | dict.fromkeys((".xls", ".xlsm", ".xlsb", ".ods", ".numbers"), "Save its sheet as .xlsx or as CSV (UTF-8).")
    | dict.fromkeys((".orc", ".avro", ".pkl", ".pickle", ".sav", ".dta"), "Save it as Parquet."))
"""What to do with files that hold data in a format that is not read."""


def read_table(path: Path, options: DataOptions = DEFAULTS) -> Table:
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
    return FORMATS[suffix].read(path, options)


def holds_labels(path: Path, options: DataOptions = DEFAULTS) -> bool:
    """Whether a file can hold labelled rows, by its suffix or, for .txt, by its content."""
    known = FORMATS.get(path.suffix.lower())
    return known is not None and (known.labelled or plain.has_labels(path, options))


def why_not(path: Path) -> str:
    """Why a file that does hold data cannot be read as labelled rows; "" for all other files."""
    suffix = path.suffix.lower()
    if suffix in FORMATS and not holds_labels(path):
        return (f"{path}: this file holds texts without labels; files ending in '{suffix}' have labels where they are fastText or "
                f"CoNLL. Known: {', '.join(known_suffixes())}.")
    return f"{path}: files ending in '{suffix}' are not read. {INSTEAD[suffix]}" if suffix in INSTEAD else ""


def known_suffixes() -> tuple[str, ...]:
    """The suffixes of the formats that can hold labels."""
    return tuple(suffix for suffix, known in FORMATS.items() if known.labelled)
