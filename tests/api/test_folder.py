"""A run's folder: one command at work in it, and others may look."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from luthier.api.folder import RunFolder
from luthier.errors import ConfigError


def test_the_second_is_refused_with_the_first_ones_process(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with folder.held():
        assert folder.process() == str(os.getpid())
        with pytest.raises(ConfigError, match=rf"process {os.getpid()} is at work.*luthier watch"), folder.held():
            raise AssertionError("two are at work")
    assert folder.process() is None
    with folder.held():
        assert folder.process() == str(os.getpid())


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    code = ("import os, sys; from pathlib import Path; from luthier.api.folder import RunFolder; "
            "held = RunFolder(Path(sys.argv[1])).held(); held.__enter__(); os.kill(os.getpid(), 9)")
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    folder = RunFolder(tmp_path)
    assert (tmp_path / ".process").exists() and folder.process() is None
    with folder.held():
        assert folder.process() == str(os.getpid())


def test_those_who_look_keep_nobody_out(tmp_path: Path) -> None:
    folder, ended = RunFolder(tmp_path), threading.Event()

    def look() -> None:
        while not ended.is_set():
            folder.process()

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for _ in range(50):
            with folder.held():
                pass
    finally:
        ended.set()
        looking.join()


def test_a_folder_without_a_run_has_nobody_at_work_and_gets_no_file(tmp_path: Path) -> None:
    assert RunFolder(tmp_path).process() is None and list(tmp_path.iterdir()) == []
