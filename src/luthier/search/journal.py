"""`journal.jsonl`: the append-only log of a study, one JSON object a line, and the only truth about it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from luthier.config import plain
from luthier.errors import RunError

Event = dict[str, Any]


class Journal:
    """Appends events to a file; each is on disk before `append` returns, and is there whole or not at all.

    Args:
        clock: the seconds of the run so far, all of its sessions together, which every event then keeps under "at". No decision
            rests on it.
        again: whether to go on with a journal that is there; its torn last line, if any, is cut off.

    Raises:
        RunError: the file exists already and is not to be gone on with, or cannot be written.
    """

    def __init__(self, path: Path, clock: Callable[[], float] | None = None, *, again: bool = False) -> None:
        self._path, self._clock = path, clock
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | (0 if again else os.O_EXCL), 0o666)
        except FileExistsError:
            raise RunError(f"{path}: there is a study here already; choose another --output") from None
        self._end = os.lseek(self._file, 0, os.SEEK_END)
        if again:
            self._end = path.read_bytes().rfind(b"\n") + 1
            os.ftruncate(self._file, self._end)

    def append(self, event: Event) -> None:
        """Write one event.

        Raises:
            RunError: it cannot be written, as on a full disk; the journal is as it was. Or the run's folder is gone.
        """
        if not self._path.exists():
            raise RunError(f"{self._path.parent}: the run's folder was deleted or moved while the run was at work, which ends it. "
                           f"If it was moved, put it back, and go on with: luthier resume {self._path.parent}")
        at = {} if self._clock is None else {"at": round(self._clock(), 3)}
        line = (json.dumps(plain(event | at)) + "\n").encode()
        try:
            os.lseek(self._file, self._end, os.SEEK_SET)
            written = 0
            while written < len(line):
                written += os.write(self._file, line[written:])
            os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, self._end)
            raise unwritten(self._path, error, self._path.parent) from error
        self._end += len(line)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *error: object) -> None:
        os.close(self._file)


def unwritten(path: Path, error: Exception, run: Path) -> RunError:
    """What to say when a file of a run cannot be written, as on a full disk."""
    return RunError(f"{path}: cannot be written ({getattr(error, 'strerror', None) or error}). {go_on(run)}")


def go_on(run: Path) -> str:
    """What to do about a run that a full disk has ended."""
    return f"What was done so far is kept: make room on the disk, then go on with: luthier resume {run}"


def read_journal(path: Path) -> Iterator[Event]:
    """The events of a journal, in order. A torn last line (the writer was killed) is left out.

    Raises:
        RunError: the file is missing, or a line before the last is damaged.
    """
    try:
        yield from _Lines(path).events(path.read_bytes())
    except FileNotFoundError:
        raise RunError(f"{path}: no such file; is this a run's folder?") from None


class Follower:
    """Reads a journal as it grows; it need not be there yet."""

    def __init__(self, path: Path) -> None:
        self._path, self._read, self._lines = path, 0, _Lines(path)

    def news(self) -> list[Event]:
        """The events since the last call.

        Raises:
            RunError: a line is damaged.
        """
        if not self._path.exists():
            return []
        with self._path.open("rb") as stream:
            stream.seek(self._read)
            lines = stream.read()
        whole = lines[:lines.rfind(b"\n") + 1]
        self._read += len(whole)
        return list(self._lines.events(whole))


class _Lines:
    """Makes events of the lines of a journal, and refuses those that cannot be what was written."""

    def __init__(self, path: Path) -> None:
        self._path, self._number, self._study = path, 0, False
        self._trials: set[int] = set()
        self._begun: set[int] = set()

    def events(self, content: bytes) -> Iterator[Event]:
        """The events of the next lines; what follows the last end of a line is left out."""
        for line in content.split(b"\n")[:-1]:
            self._number += 1
            try:
                event = json.loads(line)
            except ValueError:
                event = None
            if problem := self._problem(event):
                raise RunError(f"{self._path}, line {self._number}: {problem}; the journal is damaged. Put a copy of it back, or "
                               "start another run.")
            yield event

    def _problem(self, event: Any) -> str:
        """What is wrong with an event, seen after those before it."""
        if not isinstance(event, dict):
            return "not a JSON object"
        self._study = self._study or (self._number == 1 and event.get("event") == "study")
        if not self._study:
            return ""
        if not isinstance(kind := event.get("event"), str):
            return "no event is named"
        if lost := [name for name in FIELDS.get(kind, ()) if name not in event]:
            return f"'{kind}' lacks {', '.join(lost)}"
        if kind in ("trial", "shortened"):
            if not isinstance(event["trial"], dict) or not isinstance(event["trial"].get("number"), int):
                return "the trial has no number"
            self._trials.add(event["trial"]["number"])
        elif kind in _OF_TRIALS:
            known = self._begun if kind == "result" else self._trials
            if event["trial"] not in known:
                return f"'{kind}' of trial {event['trial']}, which no line before it begins"
            self._begun |= {event["trial"]} if kind == "stage" else set()
        return ""


FIELDS = {"trial": ("trial",), "shortened": ("trial", "step"), "stage": ("trial", "reached", "until"),
          "result": ("trial", "step", "points", "checkpoint", "costs", "failure"), "lost": ("trial",),
          "stopped": ("trial", "reason"), "dropped": ("trial",),
          "exhausted": ("recipes",), "chosen": ("trial", "reason"), "tested": ("trial", "test")}
"""What readers of a journal need of each event; the first event, and those that go on with a run, are read with its version."""
_OF_TRIALS = ("stage", "result", "lost", "stopped", "dropped")
