"""`benchmarks/million.py`: the file that it makes."""

from __future__ import annotations

import csv
import importlib
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    module = importlib.import_module("million")
    if not module.SHARED.exists():
        pytest.skip(f"the public data sets are not here ({module.SHARED})")
    return module


def test_the_file_has_as_many_rows_as_asked_for_some_of_them_twice(bench: ModuleType, tmp_path: Path) -> None:
    bench.write_rows(tmp_path / "rows.csv", 500)
    with (tmp_path / "rows.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 500 and len({row["label"] for row in rows}) == 3
    assert 20 < sum(len(row["text"].split()) for row in rows) / 500 < 28
    assert sum(times - 1 for times in Counter(row["text"].casefold() for row in rows).values()) == 49
