"""A study with everything shared, and the same study with nothing shared."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import luthier
from luthier.search.journal import read_journal


def test_sharing_changes_no_decision_and_no_score(tiny_model: Path, small_data: Path, tmp_path: Path) -> None:
    runs = {on: luthier.tune(
        str(small_data), model=str(tiny_model), output=tmp_path / str(on), trials=6, workers=1, threads=1, seed=3, precision="fp32",
        search={"learning_rate": "1e-4..2e-3:log", "frozen_layers": "1,2"}, sharing=on,
        fixed={"epochs": 2, "warmup_steps": 5, "max_length": 24, "dropout": 0.1}) for on in (True, False)}
    journals = {on: list(read_journal(run.path / "journal.jsonl")) for on, run in runs.items()}
    stages = {on: [event for event in events if event["event"] == "stage"] for on, events in journals.items()}
    assert {event["trunk"] for event in stages[True]} == {0, 1}, "the default trains all blocks, others have one or both frozen"
    assert {event["trunk"] for event in stages[False]} == {0}
    assert any(event["start"] for event in stages[True]) and not any(event["start"] for event in stages[False])
    decisions = {on: [(event["event"], event.get("trial"), event.get("until")) for event in events
                      if event["event"] in ("trial", "stage", "stopped", "chosen")] for on, events in journals.items()}
    assert decisions[True] == decisions[False] and {kind for kind, *_ in decisions[True]} >= {"trial", "stage", "chosen"}
    assert "failed" not in set(runs[True].trials["state"])
    np.testing.assert_allclose(runs[True].trials["score"], runs[False].trials["score"], atol=1e-3)
    np.testing.assert_allclose(runs[True].metrics["test"].value, runs[False].metrics["test"].value, atol=1e-3)
