"""Ctrl-C in the middle of a search: it ends well with what there is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from luthier.search.journal import read_journal

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to one process")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_search_delivers_what_there_is(
        tiny_model: Path, small_data: Path, tmp_path: Path, number: signal.Signals) -> None:
    folder = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-m", "luthier", "tune", str(small_data), "--model", str(tiny_model), "--trials", "500",
         "--workers", "1", "--threads", "1", "--output", str(folder)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
    wait_for_a_score(folder, process)
    os.killpg(process.pid, number)  # as a terminal does: to the workers too
    output, _ = process.communicate(timeout=400)
    assert process.returncode == 0, output
    assert "Interrupted: the search ends here" in output
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert results["interrupted"] and results["trials"] < 500 and results["test"]["value"] > 0
    assert (folder / "model" / "model.safetensors").exists()
    assert "interrupted" in (folder / "report.html").read_text(encoding="utf-8").lower()


def wait_for_a_score(folder: Path, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 400
    while time.monotonic() < end and process.poll() is None:
        if (folder / "journal.jsonl").exists() and any(e["event"] == "result" for e in read_journal(folder / "journal.jsonl")):
            return
        time.sleep(0.3)
    raise AssertionError("no trial was scored in time")
