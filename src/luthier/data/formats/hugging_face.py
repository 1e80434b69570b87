"""Hugging Face data sets: folders that `save_to_disk` wrote, the cache's folders of Arrow files, and names on the hub."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

from luthier.data.formats import arrow, in_memory
from luthier.data.formats.decoding import read_bytes
from luthier.data.formats.recognise import columnar
from luthier.data.formats.table import Table
from luthier.data.options import DataOptions
from luthier.errors import DataError

INFO, STATE, SPLITS = "dataset_info.json", "state.json", "dataset_dict.json"
HUB = "hub:"
SHARD = re.compile(r"(?:.*-)?([^\W\d]\w*)(?:-\d{5}-of-\d{5})?\.arrow")
"""Names such as wnut-train-00000-of-00002.arrow, with the split."""


def is_folder(path: Path) -> bool:
    """Whether a folder is a data set as `datasets` saves them."""
    return any((path / name).is_file() for name in (STATE, SPLITS)) or (
        (path / INFO).is_file() and any(path.glob("*.arrow")))


def read_folder(path: Path, options: DataOptions) -> dict[str, Table]:
    """The tables of a saved data set by the names of its splits; one that has no splits is called "train".

    Raises:
        DataError: a file that it names is missing, or no Arrow file.
    """
    if (path / SPLITS).is_file():
        names = _json(path / SPLITS).get("splits")
        if not isinstance(names, list) or not names or not all(isinstance(name, str) and _is_plain(name) for name in names):
            raise DataError(f"{path / SPLITS}: it names no splits. Save the data set again with save_to_disk.")
        return {name: _saved(path / name, f"{path.name}/{name}", options) for name in names}
    if (path / STATE).is_file():
        return {"train": _saved(path, path.name, options)}
    shards: dict[str, list[Path]] = {}
    for file in sorted(path.glob("*.arrow")):
        found = SHARD.fullmatch(file.name)
        shards.setdefault(found[1] if found else file.stem, []).append(file)
    return {name: _table(files, f"{path.name}/{name}", path, options) for name, files in shards.items()}


def read_hub(name: str, options: DataOptions) -> dict[str, Table]:
    """The tables of `hub:owner/name[@revision][:config]` by the names of its splits.

    Raises:
        DataError: a name of another form, `datasets` is not installed, or the hub cannot be reached or has no such data.
    """
    rest, _, config = name.removeprefix(HUB).partition(":")
    repository, _, revision = rest.partition("@")
    if not re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)?", repository):
        raise DataError(f"{name}: no name of a data set. Write hub:owner/name, hub:owner/name@revision or "
                        "hub:owner/name:config.")
    try:
        import datasets
    except ImportError:
        raise DataError(f"{name}: data sets of the hub need the library datasets. Run: pip install 'luthier[datasets]'") from None
    try:
        found = datasets.load_dataset(repository, config or None, revision=revision or None)
    except Exception as error:  # whatever the hub, the network or a broken repository brings about
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
        raise DataError(f"{name}: cannot be loaded from the hub: {reason} Where there is no network, save it elsewhere with "
                        f"datasets.load_dataset('{repository}').save_to_disk('FOLDER') and give FOLDER.") from None
    return {str(split): columnar(in_memory.read(part, f"{repository.rpartition('/')[2]}/{split}"), options)
            for split, part in found.items()}


def _is_plain(name: str) -> bool:
    return bool(re.fullmatch(r"[\w.-]+", name)) and name not in (".", "..")


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(read_bytes(path))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not JSON: {error}. Save the data set again with save_to_disk.") from None
    return value if isinstance(value, dict) else {}


def _saved(folder: Path, name: str, options: DataOptions) -> Table:
    state = _json(folder / STATE)
    listed = state.get("_data_files")
    files = [str(entry.get("filename")) for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    if not files or not all(_is_plain(file) for file in files):
        raise DataError(f"{folder / STATE}: it names no data files. Save the data set again with save_to_disk.")
    return _table([folder / file for file in files], name, folder, options)


def _table(files: list[Path], name: str, folder: Path, options: DataOptions) -> Table:
    import pyarrow as pa

    parts = [arrow.load(file) for file in files]
    try:
        joined = pa.concat_tables(parts)
    except pa.ArrowException as error:
        raise DataError(f"{folder}: its files do not have the same columns: {error}. Save the data set again with "
                        "save_to_disk.") from None
    classes = arrow.class_names(joined.schema.metadata or {})
    if (folder / INFO).is_file():
        classes = arrow.feature_names(_json(folder / INFO).get("features")) | classes
    found = columnar(arrow.from_arrow(name, joined, classes), options)
    return dataclasses.replace(found, name=name)
