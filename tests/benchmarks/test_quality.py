"""benchmarks/quality.py: what its sides are given, and how they are ranked."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    found = importlib.import_module("quality")
    monkeypatch.setattr(found, "SHARED", tmp_path)
    return found


def _write(folder: Path, rows: dict[str, list[object]]) -> None:
    folder.mkdir(parents=True)
    for split, labels in rows.items():
        lines = [json.dumps({"text": f"{split} {number}", "label": label}) for number, label in enumerate(labels)]
        (folder / f"{split}.jsonl").write_text("\n".join(lines), encoding="utf-8")


def _labels(file: Path) -> list[str]:
    return [json.loads(line)["label"] for line in file.read_text(encoding="utf-8").splitlines()]


def test_no_side_is_asked_for_a_label_that_no_training_row_was_drawn_of(bench: ModuleType, tmp_path: Path) -> None:
    _write(tmp_path / "data" / "made_up", {"train": ["a", "b"] * 20, "validation": ["a", "c", "b"], "test": ["c", "c", "b"]})
    folder = bench.write_rows(bench.Cell("made_up", 10, 13, 1, tmp_path / "results"))
    assert len(_labels(folder / "train.jsonl")) == 10
    assert (_labels(folder / "validation.jsonl"), _labels(folder / "test.jsonl")) == (["a", "b"], ["b"])


def test_of_several_labels_a_row_those_with_one_are_taken(bench: ModuleType, tmp_path: Path) -> None:
    rows: list[object] = [["a"], ["a", "b"], ["b"], []]
    _write(tmp_path / "data" / "made_up", {"train": rows, "validation": rows, "test": rows})
    folder = bench.write_rows(bench.Cell("made_up", 10, 13, 1, tmp_path / "results"))
    assert sorted(_labels(folder / "train.jsonl")) == _labels(folder / "test.jsonl") == ["a", "b"]


def test_equal_figures_share_their_ranks(bench: ModuleType) -> None:
    assert bench.ranks({"a": 0.9, "b": 0.8, "c": 0.8, "d": 0.7}) == {"a": 1, "b": 2.5, "c": 2.5, "d": 4}
