"""`luthier check` as a user types it: exit status, lines, files."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from luthier.api.check import Check
from luthier.cli.check import lines
from luthier.cli.main import app
from luthier.data.findings import Finding, Severity
from luthier.data.label_map import LabelMap
from luthier.errors import ConfigError, UsageError

GOOD = "text,label\n" + "".join(f"row number {i} is {'fine' if i % 2 else 'bad'},{'p' if i % 2 else 'n'}\n" for i in range(200))


def run(*words: object) -> Any:
    return CliRunner().invoke(app, ["check", *map(str, words)], catch_exceptions=True)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    file = tmp_path / "a.csv"
    file.write_text(GOOD, encoding="utf-8")
    return file


def test_sound_data_are_status_0(data: Path) -> None:
    done = run(data, "--model", "none")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("a: ") and "Nothing keeps the data from being used." in done.stdout


def test_errors_are_status_1_and_stand_first(data: Path) -> None:
    data.write_text("text,label\n" + "".join(f"row {i},only\n" for i in range(30)), encoding="utf-8")
    done = run(data, "--model", "none")
    assert done.exit_code == 1
    said = done.stdout.splitlines()
    assert said[1] == "1 error" and "All 30 rows have the label 'only'" in said[2] and said[3].startswith("    > ")
    assert said[-1] == "The data cannot be used as they are: correct the errors first."


def test_json_holds_every_row(data: Path) -> None:
    data.write_text(GOOD + "Row number 1 is fine,n\n", encoding="utf-8")
    done = run(data, "--model", "none", "--json")
    table = json.loads(done.stdout)
    (own,) = [found for found in table["findings"] if found["code"] == "contradiction"]
    assert own["rows"] == [["a.csv", 3], ["a.csv", 202]] and table["labels"]["p"]["train"] > 50 and table["suspects"] is None


def test_write_labels_proposes_and_never_overwrites(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "labels.toml"
    assert run(data, "--model", "none", "--write-labels", file).exit_code == 0
    assert LabelMap.read(file).changes == {"p": "p", "n": "n"}
    again = run(data, "--model", "none", "--write-labels", file)
    assert isinstance(again.exception, ConfigError) and "is there already" in str(again.exception)


def test_label_errors_writes_suspects(data: Path, tiny_model: Path, tmp_path: Path) -> None:
    flipped = GOOD.replace("row number 51 is fine,p", "row number 51 is fine,n")
    data.write_text(flipped, encoding="utf-8")
    done = run(data, "--model", tiny_model, "--label-errors", "--suspects", tmp_path / "s.csv")
    assert done.exit_code == 0, done.output
    with (tmp_path / "s.csv").open(encoding="utf-8", newline="") as stream:
        first = next(csv.DictReader(stream))
    assert (first["line"], first["given"], first["suggested"]) == ("53", "n", "p")
    assert "The most suspect labels" in done.stdout and "a.csv:53  'n' or rather 'p'?" in done.stdout


@pytest.mark.parametrize(("words", "expected"), [
    (["--suspects", "s.csv"], "only with --label-errors"), (["--label-errors", "--suspects", "s.txt"], "must end in .csv"),
    (["--write-labels", "l.csv"], "must end in .toml"), (["--write-labels", "nowhere/l.toml"], "there is no folder"),
    (["--task", "nre"], "--task nre"), (["--model", "./nowhere"], "nowhere")])
def test_wrong_use_is_refused_before_anything_is_read(words: list[str], expected: str, data: Path) -> None:
    done = run(data, *words)
    assert isinstance(done.exception, UsageError) and expected in str(done.exception)


def test_no_data_is_refused() -> None:
    assert "give DATA" in str(run().exception)


def test_lines_are_as_wide_as_the_terminal() -> None:
    long = Finding("x", Severity.WARNING, "word " * 60, "advice " * 30)
    said = lines(Check((long,), {}, None, None), 72)
    assert max(map(len, said)) <= 72 and said[1] == "1 warning" and said[-1].endswith("Look at the warnings first.")


def test_write_labels_of_numbers_is_a_note(tmp_path: Path) -> None:
    data = tmp_path / "n.csv"
    data.write_text("text,score\n" + "".join(f"row number {i},{i / 7}\n" for i in range(200)), encoding="utf-8")
    done = run(data, "--model", "none", "--write-labels", tmp_path / "l.toml")
    assert done.exit_code == 0 and "numbers, so --write-labels has none to write" in " ".join(done.stdout.split())
    assert not (tmp_path / "l.toml").exists()


def test_a_missing_file_is_status_1() -> None:
    done = run("nowhere.csv", "--model", "none")
    assert done.exit_code == 1 and "nowhere.csv: no such file" in done.stdout


def test_task_and_headline_stand_first_and_cv_is_no_file(data: Path) -> None:
    first, second, *_ = run(data, "--model", "none", "--test", "cv").stdout.splitlines()
    assert "held out in turn in 5 parts; classification, judged by macro-F1" in first and " test" not in first
    assert second == "2 labels, with their rows in all parts: n (100), p (100)"
