"""From what the user named as data to tables: a file, a folder of splits, `example:NAME`, or objects in memory."""

from __future__ import annotations

import dataclasses
import importlib.resources
import os
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from luthier.data.formats import Table, in_memory, known_suffixes, read_table, why_not
from luthier.data.options import DataOptions
from luthier.data.row import Split
from luthier.errors import DataError, nearest

SPLIT_NAMES = {"train": Split.TRAIN, "training": Split.TRAIN, "validation": Split.VALIDATION, "valid": Split.VALIDATION,
               "val": Split.VALIDATION, "dev": Split.VALIDATION, "test": Split.TEST}
EXAMPLE = "example:"
HUB = "hub:"


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
    if isinstance(data, str) and data.startswith(EXAMPLE):
        return _example(data.removeprefix(EXAMPLE))
    if isinstance(data, str) and data.startswith(HUB):
        raise DataError(f"{data}: data sets of the Hugging Face hub cannot be read yet. Save it to a file and give "
                        f"that: datasets.load_dataset('{data.removeprefix(HUB)}', split='train')"
                        ".to_parquet('train.parquet')")
    if isinstance(data, str) and not data:
        raise DataError(f"The name of the data is empty. Give {in_memory.UNDERSTOOD}.")
    if isinstance(data, str | os.PathLike):
        path = Path(data)
        return _folder(path) if path.is_dir() else Source(path.stem, {Split.TRAIN: read_table(path)})
    if in_memory.is_splits(data):
        return _splits(data)
    return Source("data", {Split.TRAIN: in_memory.read(data)})


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
    return Source(source.name, tables, notes)


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


def _example(name: str) -> Source:
    folder = importlib.resources.files("luthier").joinpath("examples")
    known = examples(folder)
    if name not in known:
        there = f"There are: {', '.join(known)}." if known else "This installation has none."
        raise DataError(f"{EXAMPLE}{name}: no example of this name. {there}{nearest(name, known)}")
    with importlib.resources.as_file(folder.joinpath(f"{name}.csv")) as path:
        return Source(name, {Split.TRAIN: read_table(path)})


def examples(folder: Traversable) -> list[str]:
    """The names of the data sets in the package's folder of examples."""
    if not folder.is_dir():
        return []
    return sorted(item.name.removesuffix(".csv") for item in folder.iterdir() if item.name.endswith(".csv"))


def _folder(path: Path) -> Source:
    files = sorted(item for item in path.iterdir() if item.suffix.lower() in known_suffixes() and item.is_file()
                   and not item.name.startswith("."))
    _check_unread(path, {file.stem.lower() for file in files})
    if not files:
        raise DataError(f"{path}: the folder has no data file. Known: {', '.join(known_suffixes())}.")
    name = path.resolve().name
    if len(files) == 1:
        return Source(name, {Split.TRAIN: read_table(files[0])})
    by_split: dict[Split, list[Path]] = {}
    for file in files:
        if split := SPLIT_NAMES.get(file.stem.lower()):
            by_split.setdefault(split, []).append(file)
    _check_folder(path, files, by_split)
    unused = [file.name for file in files if file.stem.lower() not in SPLIT_NAMES]
    notes = [f"{path}: not used, for its name is no split's: {', '.join(unused)}."] if unused else []
    return Source(name, {split: read_table(by_split[split][0]) for split in Split if split in by_split}, notes)


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


def _splits(data: Any) -> Source:
    by_split: dict[Split, str] = {}
    unused = []
    for name in data:
        split = SPLIT_NAMES.get(str(name).lower())
        if split is None:
            unused.append(str(name))
        elif split in by_split:
            raise DataError(f"DatasetDict: '{by_split[split]}' and '{name}' both name the {split} rows. Leave one.")
        else:
            by_split[split] = name
    if Split.TRAIN not in by_split:
        raise DataError(f"DatasetDict: no split is called train. Found: {', '.join(map(str, data)) or 'none'}. Give "
                        "one of them as data, such as data['" + (unused[0] if unused else "train") + "'].")
    notes = [f"DatasetDict: not used, for its name is no split's: {', '.join(unused)}."] if unused else []
    tables = {split: in_memory.read(data[by_split[split]], by_split[split]) for split in Split if split in by_split}
    return Source("data", tables, notes)
