"""A run that is ended at once leaves what it takes to go on with it."""

from __future__ import annotations

import errno
import time
from pathlib import Path

import pytest

from luthier.api import session
from luthier.api.interrupt import Interrupt
from luthier.api.observer import LogObserver
from luthier.api.public import plan_run
from luthier.api.settings import Command, Settings
from luthier.errors import RunError


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


@pytest.mark.parametrize(("error", "said"), [
    (OSError(errno.ENOSPC, "No space left on device", "run/trials.csv"), r"run/trials\.csv: cannot be written \(No space left on"),
    (Exception("No space left on device (os error 28)"), r"run: cannot be written \(No space left on device \(os error 28\)\)")])
def test_a_full_disk_names_the_file_and_how_to_go_on(error: Exception, said: str) -> None:
    """Of the second kind are the errors of libraries that are not Python's, as tokenizers."""
    with pytest.raises(RunError, match=said + r".*luthier resume run$"), session.resumable(Path("run")):
        raise error


def test_other_errors_stay_as_they_are() -> None:
    for error in (PermissionError(errno.EACCES, "Permission denied"), ValueError("no"), RunError("No space left on device")):
        with pytest.raises(type(error)) as seen, session.resumable(Path("run")):
            raise error
        assert seen.value is error
