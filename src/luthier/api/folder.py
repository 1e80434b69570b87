"""The folder of a run: where each of its files lies."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from luthier.errors import ConfigError


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
        """Paused trials and finals; gone when the run has ended, in whatever way."""
        return self.path / "checkpoints"

    @property
    def cache(self) -> Path:
        """Tokens and features; may be deleted when the run is not at work."""
        return self.path / "cache"

    def predictions(self, split: str) -> Path:
        """The scored rows of one split."""
        return self.path / "predictions" / f"{split}.csv"

    def create(self) -> None:
        """Make the folder.

        Raises:
            ConfigError: another run has just begun there.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            self.checkpoints.mkdir()
        except FileExistsError:
            raise ConfigError(f"--output {self.path}: another run has just begun there; give another folder") from None
        self.cache.mkdir()

    def clean(self) -> None:
        """Delete what only a run at work needs."""
        for folder in (self.checkpoints, self.cache):
            shutil.rmtree(folder, ignore_errors=True)


def choose_folder(output: str | None, name: str) -> RunFolder:
    """The folder asked for, or the next free one of runs/NAME-1, runs/NAME-2, …

    Raises:
        ConfigError: the folder asked for is a file, or has something in it.
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
    if path.exists() and any(path.iterdir()):
        raise ConfigError(f"--output {output}: the folder is not empty; give a new one, so that nothing is overwritten")
    return RunFolder(path)
