"""`luthier convert` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from luthier.cli.main import app
from luthier.errors import ConfigError

RUNNER = CliRunner()


def test_convert_writes_and_says_what_was_left_out(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("text,label\na,x\nb,\nc,y\n")
    done = RUNNER.invoke(app, ["convert", str(tmp_path / "in.csv"), str(tmp_path / "out.json")])
    assert done.exit_code == 0, done.output
    assert f"2 rows written to {tmp_path / 'out.json'} (label-studio)." in done.stdout
    assert "in.csv: 1 row without a label skipped (line 3)." in done.stderr
    assert len(json.loads((tmp_path / "out.json").read_text())) == 2


def test_convert_takes_options_of_reading_and_prints_json(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes("titre,genre\ncafé,x;y\nthé,\n".encode("cp1252"))
    done = RUNNER.invoke(app, ["convert", str(tmp_path / "in.csv"), str(tmp_path / "out.jsonl"), "--encoding", "cp1252", "--json",
                               "--text-column", "titre", "--label-column", "genre", "--label-separator", ";",
                               "--format", "prodigy"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) | {"path": "", "findings": []} == {
        "path": "", "format": "prodigy", "kind": "labels", "rows": 2, "findings": []}
    assert json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])["accept"] == ["x", "y"]


def test_convert_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("text,label\na,x\n")
    (tmp_path / "out.jsonl").write_text("kept")
    done = RUNNER.invoke(app, ["convert", str(tmp_path / "in.csv"), str(tmp_path / "out.jsonl")])
    assert isinstance(done.exception, ConfigError) and (tmp_path / "out.jsonl").read_text() == "kept"
    with pytest.raises(ConfigError, match="is there already"):
        raise done.exception
