"""Scored rows beside what the file had."""

from __future__ import annotations

from pathlib import Path

from luthier.data.formats import Record, Table
from luthier.report.tables import scored_rows, write_csv


def test_scored_rows_can_be_written_whatever_the_file_held(tmp_path: Path) -> None:
    table = Table("t.jsonl", ("text", "n", "label"), [Record(1, {"text": "x \ud800", "n": float("nan"), "label": "old"})])
    (row,) = scored_rows(table, [{"label": "new", "score": 0.5}], flat=False)
    assert row == {"text": "x \ufffd", "n": None, "label_given": "old", "label": "new", "score": 0.5}
    write_csv(tmp_path / "s.csv", [row])
    assert (tmp_path / "s.csv").read_text(encoding="utf-8").splitlines()[1] == "x \ufffd,,old,new,0.5"
