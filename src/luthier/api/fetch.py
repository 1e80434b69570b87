"""`fetch`: a folder with all that Luthier needs of a model, for a machine without a network."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from luthier.errors import ConfigError
from luthier.models.pretrained import Pretrained, resolve_model, write_source


@dataclass(frozen=True)
class Fetched:
    """What `fetch` wrote: the files in `folder`, `size` bytes in all, and the model that they are a copy of."""

    folder: Path
    files: tuple[str, ...]
    size: int
    model: Pretrained


def fetch(model: str | Path, folder: str | Path) -> Fetched:
    """Copy a model, from the hub or from here, into a folder that `model=` takes where there is no network.

    Only configuration, safetensors weights and tokenizer are copied. The folder appears whole or not at all; it says
    what it is a copy of, so that a model trained from it still names the hub's commit.

    Args:
        model: a hub name ("owner/name" or "owner/name@revision"), a folder, a run, or "minilm".
        folder: a new or empty folder.

    Raises:
        ConfigError: the folder holds something, or cannot be made.
        ModelError: there is no such model, it has no safetensors weights, or it needs code of its own.
    """
    target = _check_target(folder)
    found = resolve_model(str(model))
    with _whole(target) as partial:
        for file in found.files:
            shutil.copyfile(file, partial / file.name)
        write_source(partial, found)
        resolve_model(str(partial))
    sizes = {file.name: file.stat().st_size for file in sorted(target.iterdir())}
    return Fetched(Path(folder), tuple(sizes), sum(sizes.values()), found)


def _check_target(folder: str | Path) -> Path:
    """The folder's full path, before anything is downloaded: nothing is overwritten, and it can be made."""
    target = Path(folder).expanduser().resolve()
    if target.exists() and not target.is_dir():
        raise ConfigError(f"{folder}: is a file; give a new folder")
    if target.is_dir() and any(target.iterdir()):
        raise ConfigError(f"{folder}: the folder is not empty; give a new one, so that nothing is overwritten")
    if target == Path.cwd() or os.path.ismount(target):
        raise ConfigError(f"{folder}: this folder cannot be replaced; name a new one in it, such as {Path(folder) / 'model'}")
    there = next(parent for parent in target.parents if parent.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise ConfigError(f"{folder}: no folder can be made there, because {there} is not a folder to write in")
    return target


@contextlib.contextmanager
def _whole(target: Path) -> Iterator[Path]:
    """A folder beside `target` that takes its place at the end, and is gone when something fails."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    partial.mkdir()
    try:
        yield partial
        if target.exists():
            target.rmdir()  # empty, or this fails; Windows renames onto nothing only
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
