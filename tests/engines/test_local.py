"""Worker processes: they do what `run_stage` does, stop when asked, and are replaced when they die."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing import forkserver
from pathlib import Path

import numpy as np
import pytest

from luthier.engines import execute
from luthier.engines.execute import Setup, run_stage
from luthier.engines.local import LocalEngine, Workforce, cores, plan_workers, wait_for_loading
from luthier.recipes.recipe import Recipe
from luthier.recipes.seeds import Seeds
from luthier.recipes.trial import EngineEvent, Finished, Lost, Progress, Stage, StageResult, Trial
from luthier.training.learner import Learner

RECIPE = Recipe(batch_size=8, max_length=48, warmup_steps=4, learning_rate=5e-4)


@pytest.fixture(scope="module")
def engine(setup: Setup) -> Iterator[LocalEngine]:
    running = LocalEngine(setup, Workforce(workers=1, threads=1))
    yield running
    running.close()


def make_stage(until: int, **changes: object) -> Stage:
    stage = Stage(Trial(0, RECIPE, 1, "default", Seeds.all(1)), start=0, until=until, total_steps=1000)
    return dataclasses.replace(stage, **changes)  # type: ignore[arg-type]


def wait(engine: LocalEngine, until: Callable[[EngineEvent], bool], seconds: float = 400) -> EngineEvent:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for event in engine.events(0.2):
            if until(event):
                return event
    raise AssertionError("the event did not come")


def finish(engine: LocalEngine, stage: Stage) -> StageResult:
    engine.submit(stage)
    event = wait(engine, lambda event: isinstance(event, Finished))
    assert isinstance(event, Finished)
    return event.result


def test_stage_reports_points_at_the_steps_asked_for(engine: LocalEngine, tmp_path: Path) -> None:
    result = finish(engine, make_stage(10, evaluate_at=(4,), save=tmp_path / "c.safetensors"))
    assert result.failure is None and result.step == 10
    assert [(point.step, point.rows) for point in result.points] == [(4, "rung"), (10, "rung")]
    assert all(point.train["objective"] == pytest.approx(point.train["loss"]) for point in result.points)
    assert all(point.weights == "averaged" and 0 < point.metrics["largest_share"] <= 1 for point in result.points)
    assert result.points[1].epoch == pytest.approx(10 / 15)
    assert (tmp_path / "c.safetensors").exists() and result.costs.tokens_per_second > result.costs.rows_per_second > 0
    assert result.costs.trainable_parameters > 1_000_000 and result.costs.peak_memory > 2**27


def test_stage_in_two_parts_equals_one_in_one(engine: LocalEngine, tmp_path: Path) -> None:
    whole = finish(engine, make_stage(12, evaluate_at=(6,)))
    first = finish(engine, make_stage(6, save=tmp_path / "c.safetensors"))
    second = finish(engine, make_stage(12, start=6, reached=6, checkpoint=tmp_path / "c.safetensors"))
    assert first.points[-1].metrics == whole.points[0].metrics
    assert second.points[-1].metrics == whole.points[-1].metrics


def test_stage_delivers_a_model_and_all_validation_scores(engine: LocalEngine, tmp_path: Path) -> None:
    result = finish(engine, make_stage(5, deliver=tmp_path / "model"))
    assert [point.rows for point in result.points] == ["rung", "all"]
    scores = np.load(tmp_path / "model" / "validation.npy", allow_pickle=False)
    assert scores.shape == (80, 3) and np.allclose(scores.sum(1), 1)
    assert (tmp_path / "model" / "model.safetensors").exists()


@pytest.mark.parametrize("deliver", [True, False])
def test_the_finished_model_is_made_once_and_after_the_peak_was_taken(
        setup: Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deliver: bool) -> None:
    from luthier.engines import execute

    pytest.importorskip("peft", reason="LoRA needs PEFT (extra: lora)")
    seen: list[str] = []
    whole, peak = Learner.finish, execute.peak_memory
    monkeypatch.setattr(Learner, "finish", lambda learner, start: (seen.append("finished"), whole(learner, start))[1])
    monkeypatch.setattr(execute, "peak_memory", lambda device: (seen.append("peak"), peak(device))[1])
    trial = Trial(0, RECIPE.replace(method="lora", lora_rank=2), 1, "default", Seeds.all(1))
    stage = make_stage(2, trial=trial, total_steps=2, deliver=tmp_path / "model" if deliver else None)
    result = list(run_stage(stage, setup, lambda: False))[-1]
    assert isinstance(result, StageResult) and result.failure is None and result.costs.drift > 0
    assert seen == ["peak", "finished"]


def test_failure_is_a_result_that_says_why(engine: LocalEngine) -> None:
    unknown = make_stage(5, trial=Trial(0, RECIPE.replace(layer_lr={"7": 0.1}), 1, "default", Seeds.all(1)))
    assert "layer_lr" in (finish(engine, unknown).failure or "")
    assert finish(engine, make_stage(2)).failure is None, "the worker lives on"


def test_cancelled_stage_ends_early_with_a_score_and_a_checkpoint(engine: LocalEngine, tmp_path: Path) -> None:
    stage = make_stage(100_000, save=tmp_path / "c.safetensors")
    engine.submit(stage)
    wait(engine, lambda event: isinstance(event, Progress))
    engine.cancel(stage)
    event = wait(engine, lambda event: isinstance(event, Finished))
    assert isinstance(event, Finished)
    assert 0 < event.result.step < 100_000 and event.result.points[-1].step == event.result.step
    assert event.result.checkpoint and event.result.checkpoint.exists()


def test_killed_worker_is_reported_and_replaced(engine: LocalEngine) -> None:
    engine.submit(make_stage(100_000))
    wait(engine, lambda event: isinstance(event, Progress))
    pid = engine._workers[0].process.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    event = wait(engine, lambda event: isinstance(event, Lost))
    assert isinstance(event, Lost) and event.trial == 0 and "ended by signal" in event.reason
    assert finish(engine, make_stage(2)).failure is None


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="Windows stops no process")
def test_hung_worker_is_ended_and_replaced_and_its_stage_lost(setup: Setup) -> None:
    engine = LocalEngine(setup, Workforce(workers=1, threads=1), hung_seconds=2.0)
    try:
        engine.submit(make_stage(100_000))
        wait(engine, lambda event: isinstance(event, Progress))
        hung = engine._workers[0].process
        assert hung.pid is not None
        os.kill(hung.pid, signal.SIGSTOP)
        event = wait(engine, lambda event: isinstance(event, Lost), seconds=60)
        assert event == Lost(0, "its worker process did nothing for 2 seconds") and not hung.is_alive()
        assert finish(engine, make_stage(2)).failure is None
    finally:
        engine.close()


def test_plan_workers_gives_a_single_trial_all_cores() -> None:
    assert plan_workers(None, 1, "cpu") == Workforce(1, cores())
    assert plan_workers(3, None, "cpu").workers == 3
    assert plan_workers(None, None, "cuda").workers == 1
    force = plan_workers(None, None, "cpu")
    assert force.workers * force.threads <= cores()


FORKED = pytest.mark.skipif(sys.platform != "linux", reason="workers are not forked there")


@FORKED
def test_the_process_that_workers_are_forked_from_has_no_other_threads() -> None:
    """A thread would be missing in what is forked, and whoever waits for it waits for ever."""
    wait_for_loading()
    server = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]
    assert len(list(Path(f"/proc/{server}/task").iterdir())) == 1


@FORKED
def test_workers_start_where_no_process_can_be_forked(tmp_path: Path) -> None:
    """Sockets cannot be made in folders with long names; each worker then loads what it needs by itself."""
    script = tmp_path / "script.py"
    script.write_text("""
from luthier.engines.local import _context, load_for_workers
if __name__ == "__main__":
    load_for_workers()
    context = _context()
    worker = context.Process(target=print, args=(context.get_start_method(),))
    worker.start()
    worker.join()
""", encoding="utf-8")
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True, timeout=200,
                          env=os.environ | {"TMPDIR": str(folder)})
    assert done.stdout == "spawn\n"


def test_where_little_memory_is_free_parts_are_smaller_and_the_result_says_so(
        setup: Setup, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    usual = list(run_stage(make_stage(2), setup, lambda: False))[-1]
    monkeypatch.setattr(execute, "free_memory", lambda device: 1)
    short = list(run_stage(make_stage(2), setup, lambda: False))[-1]
    assert isinstance(usual, StageResult) and isinstance(short, StageResult)
    assert usual.failure is None and short.failure is None
    assert (usual.part_tokens, short.part_tokens) == (0, 1)
