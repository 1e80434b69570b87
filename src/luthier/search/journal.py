"""`journal.jsonl`: the append-only log of a study, one JSON object a line, and the only truth about it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from luthier.config import plain
from luthier.errors import RunError

Event = dict[str, Any]


class Journal:
    """Appends events to a file; each is on disk before `append` returns.

    Raises:
        RunError: the file exists already.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._stream = path.open("x", encoding="utf-8")
        except FileExistsError:
            raise RunError(f"{path}: there is a study here already; choose another --output") from None

    def append(self, event: Event) -> None:
        """Write one event."""
        self._stream.write(json.dumps(plain(event)) + "\n")
        self._stream.flush()
        os.fsync(self._stream.fileno())

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *error: object) -> None:
        self._stream.close()


def read_journal(path: Path) -> Iterator[Event]:
    """The events of a journal, in order. A torn last line (the writer was killed) is left out.

    Raises:
        RunError: the file is missing, or a line before the last is not JSON.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        raise RunError(f"{path}: no such file; is this a run's folder?") from None
    for number, line in enumerate(lines[:-1], start=1):
        try:
            yield json.loads(line)
        except ValueError:
            raise RunError(f"{path}, line {number}: not a JSON object; the journal is damaged") from None
