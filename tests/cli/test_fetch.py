"""`luthier fetch` as a user types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def fetch(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "luthier", "fetch", *map(str, words)], capture_output=True, text=True, cwd=cwd,
                          check=False, timeout=120, encoding="utf-8")


def test_says_what_it_wrote_and_the_next_command(tiny_model: Path, tmp_path: Path) -> None:
    done = fetch(tiny_model, "my model", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    first, files, following = done.stdout.splitlines()
    assert first.startswith("my model: ") and "MB" in first and str(tiny_model) in first
    assert "model.safetensors" in files and "luthier tune DATA --model 'my model' --offline" in following


def test_prints_json(tiny_model: Path, tmp_path: Path) -> None:
    done = fetch(tiny_model, "model", "--json", cwd=tmp_path)
    table = json.loads(done.stdout)
    assert table["bytes"] > 1000 and "config.json" in table["files"] and table["revision"] is None and done.stderr == ""


def test_a_full_folder_and_a_missing_model_are_status_2(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    for words, message in (((tiny_model, "mine"), "is a file"), (("./nowhere", "model"), "no such folder")):
        done = fetch(*words, cwd=tmp_path)
        assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
