"""From what the user named as data to tables: a file, a folder of splits or a saved data set, `example:NAME`,
`hub:owner/name`, or objects in memory.
"""

from __future__ import annotations

import dataclasses
import importlib.resources
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from luthier.data.formats import DEFAULTS, Record, Table, holds_labels, hugging_face, in_memory, known_suffixes, read_table, why_not
from luthier.data.formats.annotated import NOBODY, RULES
from luthier.data.options import DataOptions
from luthier.data.row import Split
from luthier.errors import DataError, nearest

SPLIT_NAMES = {"train": Split.TRAIN, "training": Split.TRAIN, "validation": Split.VALIDATION, "valid": Split.VALIDATION,
               "val": Split.VALIDATION, "dev": Split.VALIDATION, "test": Split.TEST}
EXAMPLE = "example:"
EXAMPLES = (".csv", ".jsonl")


@dataclass(frozen=True)
class Source:
    """The tables found in what the user named, and what to tell about it; without splits, all is under TRAIN."""

    name: str
    tables: dict[Split, Table]
    notes: list[str] = field(default_factory=list)


def find(data: Any, options: DataOptions | None = None) -> Source:
    """Read the data that `data` names or is.

    Raises:
        DataError: it is not there, not readable, or not clear which file is which split.
    """
    options = options or DEFAULTS
    source = _find(data, options)
    if options.annotators in (*RULES, NOBODY):
        return source
    plain = [f"{table.name}: it names no annotators, so --annotators {options.annotators} changes nothing there."
             for table in source.tables.values() if all(found.code != "read-as" for found in table.findings)]
    return dataclasses.replace(source, notes=[*source.notes, *plain])


def _find(data: Any, options: DataOptions) -> Source:
    if isinstance(data, str) and data.startswith(EXAMPLE):
        return _example(data.removeprefix(EXAMPLE), options)
    if isinstance(data, str) and data.startswith(hugging_face.HUB):
        tables = hugging_face.read_hub(data, options)
        return _named_splits(data, data.removeprefix(hugging_face.HUB).replace("/", "-").replace(":", "-"), tables)
    if isinstance(data, str) and not data:
        raise DataError(f"The name of the data is empty. Give {in_memory.UNDERSTOOD}.")
    if isinstance(data, str | os.PathLike):
        path = Path(data)
        return _folder(path, options) if path.is_dir() else Source(path.stem, {Split.TRAIN: read_table(path, options)})
    if isinstance(data, Table):
        return Source(Path(data.name).stem, {Split.TRAIN: data})
    if in_memory.is_splits(data):
        return _named_splits("DatasetDict", "data", {
            str(name): in_memory.read(data[name], str(name), options) for name in data if _split(name)} | {
            str(name): None for name in data if not _split(name)})
    return Source("data", {Split.TRAIN: in_memory.read(data, options=options)})


def find_with(data: Any, extra: dict[Split, Any], options: DataOptions | None = None) -> Source:
    """The data together with the validation and test data that were given apart from it (None: not given)."""
    source = find(data, options)
    tables, notes = dict(source.tables), list(source.notes)
    for split, other in extra.items():
        if other is None:
            continue
        table = single_table(other, options)
        if split in tables:
            notes.append(f"The {split} rows are those of {table.name}, as given; {tables[split].name} is not used.")
        taken = {known.name for part, known in tables.items() if part is not split}
        # Rows are told apart by table name and line, so two tables may not share a name.
        tables[split] = dataclasses.replace(table, name=f"{split}/{table.name}") if table.name in taken else table
    return Source(source.name, _same_form(tables), notes)


def single_table(data: Any, options: DataOptions | None = None) -> Table:
    """The one table of the data.

    Raises:
        DataError: it has several splits, so that it is not clear which is meant; and as `find`.
    """
    source = find(data, options)
    if len(source.tables) > 1:
        parts = ", ".join(f"{split} ({table.name})" for split, table in source.tables.items())
        raise DataError(f"{source.name} has several parts: {parts}. Give one of them.")
    return next(iter(source.tables.values()))


def text_table(data: Any, options: DataOptions | None = None) -> Table:
    """The one table of the data for its texts alone: those that nobody has annotated are in it too.

    Raises:
        DataError: as `single_table`.
    """
    return single_table(data, dataclasses.replace(options or DEFAULTS, annotators=NOBODY))


def _same_form(tables: dict[Split, Table]) -> dict[Split, Table]:
    """The tables with several labels a row in all, where annotated files have several in one part, and one in another."""
    lists = any(("labels" in table.columns or any(isinstance(record.values.get("label"), list) for record in table.records[:1000]))
                for table in tables.values())
    if not lists:
        return tables
    column = "labels" if any("labels" in table.columns for table in tables.values()) else "label"
    return {split: _with_lists(table, column) for split, table in tables.items()}


def _with_lists(table: Table, column: str) -> Table:
    """An annotated table of one label a row, with its labels as lists in `column`; any other table as it is."""
    if "label" not in table.columns or "labels" in table.columns or all(found.code != "read-as" for found in table.findings):
        return table
    records = []
    for record in table.records:
        values = dict(record.values)
        label = values.pop("label", None)
        if not isinstance(label, str | None):
            return table
        records.append(Record(record.line, values | {column: [] if label is None else [label]}))
    return dataclasses.replace(table, records=records, columns=tuple(column if name == "label" else name for name in table.columns))


def _example(name: str, options: DataOptions) -> Source:
    folder = importlib.resources.files("luthier").joinpath("examples")
    known = examples(folder)
    if name not in known:
        there = f"There are: {', '.join(known)}." if known else "This installation has none."
        raise DataError(f"{EXAMPLE}{name}: no example of this name. {there}{nearest(name, known)}")
    file = next(found for suffix in EXAMPLES if (found := folder.joinpath(f"{name}{suffix}")).is_file())
    with importlib.resources.as_file(file) as path:
        # The examples are UTF-8, whatever the encoding of the user's own files.
        return Source(name, {Split.TRAIN: read_table(path, dataclasses.replace(options, encoding="utf-8"))})


def examples(folder: Traversable) -> list[str]:
    """The names of the data sets in the package's folder of examples."""
    if not folder.is_dir():
        return []
    return sorted(item.name.removesuffix(suffix) for item in folder.iterdir() for suffix in EXAMPLES
                  if item.name.endswith(suffix))


def _folder(path: Path, options: DataOptions) -> Source:
    if hugging_face.is_folder(path):
        tables = hugging_face.read_folder(path, options)
        name = path.resolve().name
        return Source(name, {Split.TRAIN: next(iter(tables.values()))}) if len(tables) == 1 else _named_splits(
            path, name, tables)
    files = sorted(item for item in path.iterdir() if item.is_file() and not item.name.startswith(".")
                   and holds_labels(item, options))
    _check_unread(path, {file.stem.lower() for file in files})
    if not files:
        raise DataError(f"{path}: the folder has no data file. Known: {', '.join(known_suffixes())}.")
    name = path.resolve().name
    if len(files) == 1:
        return Source(name, {Split.TRAIN: read_table(files[0], options)})
    by_split: dict[Split, list[Path]] = {}
    for file in files:
        if split := SPLIT_NAMES.get(file.stem.lower()):
            by_split.setdefault(split, []).append(file)
    _check_folder(path, files, by_split)
    unused = [file.name for file in files if file.stem.lower() not in SPLIT_NAMES]
    notes = [f"{path}: not used, for its name is no split's: {', '.join(unused)}."] if unused else []
    found = {split: read_table(by_split[split][0], options) for split in Split if split in by_split}
    return Source(name, _same_form(found), notes)


def _check_unread(path: Path, stems: set[str]) -> None:
    """Refuse a folder where the file of a split has a format that is not read: other rows would be cut off instead."""
    unread = [why for item in sorted(path.iterdir()) if (stem := item.name.split(".")[0].lower()) in SPLIT_NAMES
              and stem not in stems and (why := why_not(item))]
    if unread:
        raise DataError("\n".join(unread))


def _check_folder(path: Path, files: list[Path], by_split: dict[Split, list[Path]]) -> None:
    problems = [f"{path}: several files for the {split} rows: {', '.join(file.name for file in found)}. Leave one."
                for split, found in by_split.items() if len(found) > 1]
    if Split.TRAIN not in by_split:
        problems.append(f"{path}: no file is called train. Found: {', '.join(file.name for file in files)}. Name one "
                        "of them train (and others validation and test), or give a single file.")
    if problems:
        raise DataError("\n".join(problems))


def _split(name: object) -> Split | None:
    return SPLIT_NAMES.get(str(name).lower())


def _named_splits(where: object, name: str, named: Mapping[str, Table | None]) -> Source:
    """The tables of a data set by the names of its splits; those of other names need not be read."""
    by_split: dict[Split, str] = {}
    unused = []
    for known in named:
        split = _split(known)
        if split is None:
            unused.append(known)
        elif split in by_split:
            raise DataError(f"{where}: '{by_split[split]}' and '{known}' both name the {split} rows. Leave one.")
        else:
            by_split[split] = known
    if Split.TRAIN not in by_split:
        raise DataError(f"{where}: no split is called train. Found: {', '.join(named) or 'none'}. Give "
                        "one of them as data, such as data['" + (unused[0] if unused else "train") + "'].")
    notes = [f"{where}: not used, for its name is no split's: {', '.join(unused)}."] if unused else []
    tables = {split: table for split in Split if split in by_split and (table := named[by_split[split]]) is not None}
    return Source(name, _same_form(tables), notes)
