"""The folder of a run: where each of its files lies."""

from __future__ import annotations

import csv
import io
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from luthier.config import read_toml
from luthier.errors import ConfigError, LuthierError, RunError
from luthier.files import is_full_disk
from luthier.search.journal import unwritten

LOCK_SECONDS = 0.5
"""How long to try to be the one at work in a folder: somebody may just be looking whether one is."""
BARE = {".lock", ".process", "checkpoints", "cache", "run.toml.partial"}
"""What is in the folder of a run that was ended before it began."""


PARTS: dict[str, type] = {"command": str, "settings": dict, "recipe": dict, "data": dict, "model": list}
"""What a run.toml has, whole."""


@dataclass(frozen=True)
class RunFolder:
    """The paths of one run's files."""

    path: Path

    @property
    def config(self) -> Path:
        """Everything asked for and resolved."""
        return self.path / "run.toml"

    @property
    def journal(self) -> Path:
        """The study's log."""
        return self.path / "journal.jsonl"

    @property
    def results(self) -> Path:
        """The machine-readable summary."""
        return self.path / "results.json"

    @property
    def trials(self) -> Path:
        """One row a trial."""
        return self.path / "trials.csv"

    @property
    def curves(self) -> Path:
        """One row a point of a curve."""
        return self.path / "curves.csv"

    @property
    def report(self) -> Path:
        """The page for people."""
        return self.path / "report.html"

    @property
    def model(self) -> Path:
        """The delivered model, in transformers' layout."""
        return self.path / "model"

    @property
    def checkpoints(self) -> Path:
        """Paused trials and finals; gone when the run is finished."""
        return self.path / "checkpoints"

    @property
    def cache(self) -> Path:
        """Tokens and features; may be deleted when the run is not at work."""
        return self.path / "cache"

    @property
    def progress(self) -> Path:
        """What runs just now, for those who watch; gone when no command is at work."""
        return self.path / ".progress"

    def tables(self) -> dict[str, Any]:
        """What run.toml says.

        Raises:
            ConfigError: there is none, or it lacks a part.
        """
        if not self.config.exists():
            raise ConfigError(f"{self.path}: no run has begun there (there is no run.toml)")
        found = read_toml(self.config)
        lost = [name for name, kind in PARTS.items() if not isinstance(found.get(name), kind)]
        if lost:
            raise ConfigError(f"{self.config}: not the whole run.toml of a run: it lacks {', '.join(lost)}. Put a copy of it "
                              "back, or start another run.")
        return found

    def predictions(self, split: str) -> Path:
        """The scored rows of one split."""
        return self.path / "predictions" / f"{split}.csv"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Make the folder, where it is not there, and keep other commands out of it.

        Raises:
            ConfigError: another command is at work there, or the folder cannot be written to.
            RunError: the disk is full, now or while the folder is held.
        """
        with resumable(self.path), self._alone():
            yield

    @contextmanager
    def _alone(self) -> Iterator[None]:
        process, lock = self._process, FileLock(self.path / ".lock")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=LOCK_SECONDS)
        except PermissionError as error:
            raise ConfigError(f"{self.path}: the run's folder cannot be written to ({error.strerror})") from error
        except Timeout:
            raise ConfigError(f"{self.path}: process {_said(process)} is at work in this folder; wait until it has ended, or watch "
                              f"it with: luthier watch {self.path}") from None
        try:
            process.write_text(str(os.getpid()), encoding="utf-8")
            for folder in (self.checkpoints, self.cache):
                folder.mkdir(exist_ok=True)
            yield
        finally:
            process.unlink(missing_ok=True)
            self.progress.unlink(missing_ok=True)
            with suppress(OSError):  # Windows keeps files that are open
                Path(lock.lock_file).unlink()
            lock.release()

    @property
    def _process(self) -> Path:
        return self.path / ".process"

    def process(self) -> str | None:
        """The id of the process that is at work in the folder; None where there is none."""
        file = self.path / ".lock"
        if not file.exists():
            return None
        lock = FileLock(file)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return _said(self._process)
        except OSError:  # the folder of somebody else
            return _said(self._process) if self._process.exists() else None
        lock.release()
        return None

    def clean(self) -> None:
        """Delete what only a run at work needs."""
        for folder in (self.checkpoints, self.cache):
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def resumable(run: Path) -> Iterator[None]:
    """Says of a full disk, whichever library has come upon it, that the run can be gone on with.

    Raises:
        RunError: the disk is full.
    """
    try:
        yield
    except LuthierError:
        raise
    except Exception as error:
        if not is_full_disk(error):
            raise
        raise unwritten(Path(getattr(error, "filename", None) or run), error, run) from error


def _said(file: Path) -> str:
    """What a small file says; a question mark where it has just gone."""
    try:
        return file.read_text(encoding="utf-8") or "?"
    except OSError:
        return "?"


def read_rows(file: Path, needed: Collection[str]) -> list[dict[str, str]]:
    """The rows of trials.csv or curves.csv as they were written: pandas would turn blanks and words such as "none" into nan.

    Args:
        needed: columns that are there in a table that is whole.

    Raises:
        RunError: it is missing, cut off, or another table.
    """
    if not file.exists():
        raise RunError(f"{file}: no such file")
    try:
        content = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise RunError(f"{file}: the file is damaged: {error}") from None
    reader = csv.DictReader(io.StringIO(content, newline=""))
    lost = [name for name in needed if name not in (reader.fieldnames or ())]
    if lost:
        raise RunError(f"{file}: the file is damaged, or not the {file.name} of a run: it has no column {', '.join(lost)}")
    rows = list(reader)
    short = next((number for number, row in enumerate(rows, 1) if None in row or None in row.values()), None)
    if rows and (short is not None or not content.endswith("\n")):
        raise RunError(f"{file}: the file is damaged: row {short or len(rows)} is not whole")
    return rows


def make_folder(output: str | None, name: str) -> RunFolder:
    """Make the folder that `choose_folder` finds; where another run has just taken its name, the next."""
    while True:
        folder = choose_folder(output, name)
        try:
            folder.path.mkdir(parents=True, exist_ok=output is not None)
            return folder
        except FileExistsError:
            continue


def choose_folder(output: str | None, name: str) -> RunFolder:
    """The folder asked for, or the next free one of runs/NAME-1, runs/NAME-2, …; the one asked for may hold a run.

    Raises:
        ConfigError: the folder asked for is a file, or has something else in it.
    """
    if output is None:
        number = 1
        while (Path("runs") / f"{name}-{number}").exists():
            number += 1
        return RunFolder(Path("runs") / f"{name}-{number}")
    path = Path(output)
    if path.is_file():
        raise ConfigError(f"--output {output}: is a file; give a folder")
    there = next(parent for parent in (path, *path.absolute().parents) if parent.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise ConfigError(f"--output {output}: no folder can be made there, because {there} is not a folder to write in")
    if path.exists() and not RunFolder(path).config.exists() and not {file.name for file in path.iterdir()} <= BARE:
        raise ConfigError(f"--output {output}: the folder is not empty; give a new one, so that nothing is overwritten")
    return RunFolder(path)
