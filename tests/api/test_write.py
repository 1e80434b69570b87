"""What is said when the disk is full while a run is written."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from luthier.api import write
from luthier.api.folder import RunFolder
from luthier.errors import RunError


def test_a_full_disk_names_the_file_and_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "trials.csv"))

    monkeypatch.setattr(write, "_write_outcome", full)
    nothing: Any = None
    with pytest.raises(RunError, match=rf"trials\.csv: cannot be written \(No space left .*luthier resume {tmp_path}"):
        write.write_outcome(RunFolder(tmp_path), nothing, nothing, nothing, None, None, interrupted=False)
