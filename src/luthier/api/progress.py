"""What runs just now, left in the run's folder for those who watch it from elsewhere. Nothing rests on it."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from luthier.recipes.trial import Progress
from luthier.search.loop import Watcher
from luthier.search.study import Study

SHOWN_SECONDS = 1.0


@dataclass
class Shown:
    """Passes everything on to a watcher, and leaves the newest progress in a file, about once a second."""

    watcher: Watcher
    file: Path
    _last: float = 0.0

    def say(self, line: str) -> None:
        """Pass it on."""
        self.watcher.say(line)

    def update(self, study: Study, running: dict[int, Progress]) -> None:
        """Pass it on, and write it down; where the disk is full, it is not written."""
        self.watcher.update(study, running)
        if time.monotonic() - self._last > SHOWN_SECONDS:
            self._last, partial = time.monotonic(), self.file.with_name(f"{self.file.name}.partial")
            with contextlib.suppress(OSError):
                partial.write_text(json.dumps([asdict(progress) for progress in running.values()]), encoding="utf-8")
                partial.replace(self.file)


def read_progress(file: Path) -> dict[int, Progress]:
    """The newest progress of each running trial; empty where there is none to be read."""
    try:
        return {table["trial"]: Progress(**table) for table in json.loads(file.read_text(encoding="utf-8"))}
    except (OSError, ValueError, TypeError, KeyError):
        return {}
