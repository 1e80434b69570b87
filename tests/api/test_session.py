"""A run that is ended at once leaves what it takes to go on with it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from luthier.api import session
from luthier.api.interrupt import Interrupt
from luthier.api.observer import LogObserver
from luthier.api.public import plan_run
from luthier.api.settings import Command, Settings


class Impatient(LogObserver):
    """Presses Ctrl-C twice as soon as the workers have been started."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder, self.seen = folder, set[str]()

    def searching(self, *_: object) -> None:
        self.seen = {path.name for path in self.folder.iterdir()}
        raise KeyboardInterrupt


def test_second_interrupt_leaves_what_was_tried_and_what_was_trained(tiny_model: Path, small_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    observer = Impatient(folder)
    asked = Settings(data=str(small_data), model=(str(tiny_model),), output=str(folder), threads=1,
                     fixed={"max_length": "16"})  # type: ignore[arg-type]
    ready = plan_run(Command.TRAIN, asked, asked.given, observer, time.monotonic())
    with pytest.raises(KeyboardInterrupt):
        session.run(ready, observer, Interrupt())
    assert {"checkpoints", "cache"} <= observer.seen
    assert {path.name for path in folder.iterdir()} == {"journal.jsonl", "run.toml", "checkpoints", "cache"}
