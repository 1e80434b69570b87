"""Checkpoints that are dropped, deleted or damaged while a study runs: everything comes out as if they had been there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import luthier
from luthier.engines.local import LocalEngine
from luthier.recipes.trial import Stage
from luthier.search.journal import read_journal


def _tune(data: Path, model: Path, output: Path, **changes: Any) -> luthier.Run:
    return luthier.tune(
        str(data), model=str(model), output=output, **{
            "trials": 4, "workers": 1, "threads": 1, "seed": 3, "precision": "fp32",
            "search": {"learning_rate": "1e-4..2e-3:log", "frozen_layers": "0,1"},
            "fixed": {"epochs": 2.3, "batch_size": 4, "warmup_steps": 5, "max_length": 16, "dropout": 0.1}} | changes)


def _events(run: luthier.Run) -> list[dict[str, Any]]:
    return list(read_journal(run.path / "journal.jsonl"))


def _told(run: luthier.Run) -> list[Any]:
    """Every decision and every point of a curve, its training figures included; all but seconds, and where stages began."""
    return [(event["event"], event.get("trial"), event.get("until"), event.get("step"), event.get("reason"), event.get("test"),
             [{name: value for name, value in point.items() if name != "seconds"} for point in event.get("points", ())])
            for event in _events(run) if event["event"] not in ("study", "dropped")]


def _check_equal(run: luthier.Run, undisturbed: luthier.Run) -> None:
    assert _told(run) == _told(undisturbed)
    ours, theirs = (load_file(each.folder.model / "model.safetensors") for each in (run, undisturbed))
    assert ours.keys() == theirs.keys() and all(torch.equal(weight, theirs[name]) for name, weight in ours.items())
    for split in ("validation", "test"):
        assert run.predictions(split).equals(undisturbed.predictions(split))
    points = run.curves[["trial", "split", "rows", "step", "metric"]]
    assert not points.duplicated().any()


@pytest.fixture(scope="module")
def undisturbed(tiny_model: Path, small_data: Path, tmp_path_factory: pytest.TempPathFactory) -> luthier.Run:
    run = _tune(small_data, tiny_model, tmp_path_factory.mktemp("undisturbed") / "run")
    stages = [event for event in _events(run) if event["event"] == "stage"]
    assert sum(0 < stage["start"] == stage["reached"] for stage in stages) >= 3, "trials go on after a pause, and finals"
    assert run.results["replay"] == {"steps": 0, "seconds": 0.0} and "failed" not in set(run.trials["state"])
    return run


def test_a_quota_that_holds_no_checkpoint_changes_no_number(
        undisturbed: luthier.Run, tiny_model: Path, small_data: Path, tmp_path: Path) -> None:
    """Half of it holds what frozen blocks make of the rows, and no checkpoint, which takes about 80 MB."""
    run = _tune(small_data, tiny_model, tmp_path / "run", disk="20MB")
    _check_equal(run, undisturbed)
    assert not any(event["start"] for event in _events(run) if event["event"] == "stage")
    assert not any(event.get("checkpoint") for event in _events(run) if event["event"] == "result")
    assert run.results["replay"]["steps"] > 0 and run.trials["replay_seconds"].sum() > 0
    assert 'disk = 20000000' in run.folder.config.read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_disk_without_room_for_anything_changes_no_decision(
        undisturbed: luthier.Run, tiny_model: Path, small_data: Path, tmp_path: Path) -> None:
    """What is not stored is made on the way, in other batches: numbers differ in their last bits."""
    run = _tune(small_data, tiny_model, tmp_path / "run", disk=0)
    kinds = ("trial", "stage", "stopped", "chosen")
    decided = [[(event["event"], event.get("trial"), event.get("until")) for event in _events(each) if event["event"] in kinds]
               for each in (run, undisturbed)]
    assert decided[0] == decided[1]
    np.testing.assert_allclose(run.trials["score"], undisturbed.trials["score"], atol=1e-3)
    assert run.metrics["test"].value == pytest.approx(undisturbed.metrics["test"].value, abs=1e-3)


def _delete(file: Path) -> None:
    file.unlink()


def _damage(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 255
    file.write_bytes(content)


@pytest.mark.parametrize("harm", [_delete, pytest.param(_damage, marks=pytest.mark.slow)])
def test_checkpoints_deleted_or_damaged_at_any_time_change_no_number(
        undisturbed: luthier.Run, tiny_model: Path, small_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        harm: Callable[[Path], None]) -> None:
    """At the last moment, when the stage has been given to its worker with a checkpoint to go on from."""
    harmed: list[Stage] = []
    submit = LocalEngine.submit

    def submitted(engine: LocalEngine, stage: Stage) -> None:
        if stage.checkpoint is not None:
            if stage.checkpoint.exists():
                harm(stage.checkpoint)
            harmed.append(stage)
        submit(engine, stage)

    monkeypatch.setattr(LocalEngine, "submit", submitted)
    run = _tune(small_data, tiny_model, tmp_path / "run")
    assert len(harmed) >= 3 and any(stage.deliver for stage in harmed) and any(stage.save for stage in harmed)
    _check_equal(run, undisturbed)
    assert run.results["replay"]["steps"] == sum(stage.reached for stage in harmed)
    np.testing.assert_array_equal(run.trials["steps"], undisturbed.trials["steps"])
