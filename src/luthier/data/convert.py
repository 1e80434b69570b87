"""`convert`: from data in any format that is read to a file that other tools read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.data import sources
from luthier.data.columns import resolve
from luthier.data.findings import Finding, Severity
from luthier.data.formats import conll, jsonl, label_studio, prodigy
from luthier.data.load import read_file
from luthier.data.options import DataOptions
from luthier.data.row import Kind, Row
from luthier.errors import ConfigError, DataError


@dataclass(frozen=True)
class Writer:
    """How rows are written in one format, and the suffixes of its files; the first writer of a suffix is its own."""

    write: Callable[[Path, Sequence[Row], Kind], list[Finding]]
    suffixes: tuple[str, ...]


WRITERS = {
    "jsonl": Writer(jsonl.write, (".jsonl", ".ndjson")),
    "conll": Writer(conll.write, (".conll", ".iob2", ".bio", ".txt", ".tsv")),
    "label-studio": Writer(label_studio.write, (".json",)),
    "prodigy": Writer(prodigy.write, (".jsonl",)),
}


@dataclass(frozen=True)
class Converted:
    """What `convert` wrote: the file, its format, what kind its labels are, how many rows, and what there is to say."""

    path: Path
    format: str
    kind: Kind
    rows: int
    findings: tuple[Finding, ...]


def convert(data: Any, output: str | Path, format: str | None = None, options: DataOptions | None = None) -> Converted:
    """Write the labelled rows of `data` to the new file `output`, in `format` or in that of its suffix.

    Raises:
        ConfigError: no such format, a suffix that is not the format's, a file that is there already, no such folder, or
            labels that the format cannot hold.
        DataError: the data cannot be read, or has no labelled row.
    """
    path = Path(output)
    options = options or DataOptions()
    chosen = _format(path, format)
    _check_output(path)
    table = sources.single_table(data, options)
    columns = resolve(table, options)
    kind, rows, findings = read_file(table, options)
    if not rows:
        raise DataError("\n".join([f"{table.name}: no row can be converted.", *map(str, findings)]))
    said = WRITERS[chosen].write(path, rows, kind)
    lost = [name for name in table.columns if name not in columns.all]
    if lost:
        said.append(Finding("lost-columns", Severity.NOTE, f"{path.name}: without the columns {', '.join(map(repr, lost))}: texts, "
                            "pairs, labels, groups and ids are written.", "Name those with --group-column and --id-column."))
    return Converted(path, chosen, kind, len(rows), (*findings, *said))


def _format(path: Path, format: str | None) -> str:
    suffix = path.suffix.lower()
    if format is None:
        found = next((name for name, writer in WRITERS.items() if suffix in writer.suffixes), None)
        if found is None:
            raise ConfigError(f"{path}: no format is known by '{suffix}'. Give --format {'|'.join(WRITERS)} or a suffix of "
                              f"{', '.join(dict.fromkeys(own for writer in WRITERS.values() for own in writer.suffixes))}.")
        return found
    if format not in WRITERS:
        raise ConfigError(f"--format {format}: no such format. Give one of {', '.join(WRITERS)}.")
    if suffix not in WRITERS[format].suffixes:
        raise ConfigError(f"{path}: a file in the format {format} ends in {' or '.join(WRITERS[format].suffixes)}, so that it can "
                          "be read again.")
    return format


def _check_output(path: Path) -> None:
    if path.exists():
        raise ConfigError(f"{path}: is there already; give a new name, so that nothing is overwritten.")
    if not path.parent.is_dir():
        raise ConfigError(f"{path}: there is no folder {path.parent}.")
