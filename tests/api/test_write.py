"""What run.toml keeps of what was asked for: names that mean the same later, from anywhere."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from luthier.api.settings import Settings
from luthier.api.write import asked_table


def test_files_are_kept_as_whole_paths_and_words_as_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run's own folder may well be called cv."""
    monkeypatch.chdir(tmp_path)
    for name in ("rows.csv", "cv", "minilm", "model"):
        (tmp_path / name).touch()
    models = {name: SimpleNamespace(name=name, revision=None) for name in ("minilm", "model", "owner/name")}
    asked: Any = SimpleNamespace(settings=Settings(data="rows.csv", test="cv", output="cv"), models=models)
    kept = asked_table(asked)
    assert (kept["data"], kept["test"]) == (str(tmp_path / "rows.csv"), "cv") and "output" not in kept
    assert kept["model"] == ["minilm", str(tmp_path / "model"), "owner/name"]
