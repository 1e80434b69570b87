"""The contract of every engine, on real workers that train a tiny model and on the simulated engine alike."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from luthier.engines.execute import Setup, fold_folder
from luthier.engines.local import LocalEngine, Workforce
from luthier.engines.simulated import SimulatedEngine
from luthier.recipes.recipe import Recipe
from luthier.recipes.seeds import Seeds
from luthier.recipes.trial import NONE_HELD_OUT, EngineEvent, Finished, Lost, Point, Progress, Stage, StageResult, Trial
from luthier.search.engine import Engine
from luthier.sharing.work import Shape, work_of

RECIPE = Recipe(batch_size=8, max_length=24, warmup_steps=4, learning_rate=5e-4, schedule="constant", epochs=10_000)
SLOTS, LONG, PAUSE, END = 2, 100_000, 6, 12
BAD = RECIPE.replace(layer_lr={"7": 0.1})
"""It names a block that the tiny model does not have; the simulated engine is told to have it fail."""


@dataclass
class Case:
    """An engine, and what a test needs to know of it beyond the protocol; `kill` has the worker of a stage die."""

    engine: Engine
    shape: Shape
    kill: Callable[[Stage], None]

    def events(self, seconds: float = 200) -> Iterator[EngineEvent]:
        """What the engine reports."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            yield from self.engine.events(0.2)
        raise AssertionError("the event did not come")

    def finish(self, *stages: Stage) -> dict[int, StageResult]:
        """The results of stages that run at once, by trial."""
        for stage in stages:
            self.engine.submit(stage)
        found: dict[int, StageResult] = {}
        for event in self.events():
            assert not isinstance(event, Lost)
            if isinstance(event, Finished):
                found[event.result.trial] = event.result
                if len(found) == len(stages):
                    return found
        raise AssertionError

    def run(self, stage: Stage) -> StageResult:
        """The result of one stage."""
        return self.finish(stage)[stage.trial.number]

    def progress(self, stage: Stage) -> Progress:
        """The first progress of a stage."""
        return next(event for event in self.events() if isinstance(event, Progress) and event.trial == stage.trial.number)


def _local(setup: Setup) -> Case:
    engine = LocalEngine(setup, Workforce(SLOTS, 1))

    def kill(stage: Stage) -> None:
        (worker,) = [worker for worker in engine._workers if worker.stage == stage]
        assert worker.process.pid is not None
        os.kill(worker.process.pid, getattr(signal, "SIGKILL", signal.SIGTERM))

    return Case(engine, Shape.of(setup.base(RECIPE).split("train"), 2), kill)


def _simulated(setup: Setup) -> Case:
    dead: set[int] = set()
    shape = Shape.of(setup.base(RECIPE).split("train"), 2)
    engine = SimulatedEngine(lambda trial, step: 1 - 0.5 / (step + 1 + trial.seed), shape, slots=SLOTS, speed=4000.0,
                             fail=lambda stage: stage.trial.recipe == BAD, lose=lambda stage: stage.trial.number in dead)

    def kill(stage: Stage) -> None:
        dead.add(stage.trial.number)
        engine.cancel(stage)

    return Case(engine, shape, kill)


ENGINES = {"local": _local, "simulated": _simulated}


@pytest.fixture(scope="module", params=ENGINES)
def case(request: pytest.FixtureRequest, setup: Setup) -> Iterator[Case]:
    """An engine of each kind."""
    made = ENGINES[request.param](setup)
    yield made
    made.engine.close()


def make(number: int, until: int, recipe: Recipe = RECIPE, **changes: Any) -> Stage:
    """A stage from step 0 to `until`."""
    return replace(Stage(Trial(number, recipe, 1, "made up", Seeds.all(1)), start=0, until=until, total_steps=LONG * 2), **changes)


def seen(result: StageResult) -> list[Point]:
    """What was measured, but for the time that it took."""
    return [replace(point, seconds=0.0) for point in result.points]


def test_a_stage_is_evaluated_where_asked_and_at_its_end(case: Case) -> None:
    result = case.run(make(0, 10, evaluate_at=(4, 7)))
    assert (result.trial, result.step, result.failure, result.checkpoint) == (0, 10, None, None)
    assert [(point.step, point.rows) for point in result.points] == [(4, "rung"), (7, "rung"), (10, "rung")]
    assert all(0 <= point.metrics["macro_f1"] <= 1 and point.train["objective"] > 0 for point in result.points)
    assert [point.work for point in result.points] == pytest.approx([work_of(step, RECIPE, case.shape) for step in (4, 7, 10)])
    assert [point.epoch for point in result.points] == pytest.approx([step / 15 for step in (4, 7, 10)])
    assert all(earlier.seconds < later.seconds for earlier, later in pairwise(result.points))
    assert result.costs.seconds > 0 and result.costs.rows_per_second > 0 and result.costs.peak_memory > 0


def test_as_many_stages_as_slots_run_at_once_and_the_next_takes_a_free_slot(case: Case) -> None:
    assert case.engine.slots == SLOTS
    long, short = make(0, LONG), make(1, 3)
    case.engine.submit(long)
    assert case.run(short).step == 3, "a short stage ends while a long one goes on"
    assert case.run(make(2, 4)).step == 4
    case.engine.cancel(long)
    ended = next(event for event in case.events() if isinstance(event, Finished))
    assert ended.result.trial == 0 and 0 < ended.result.step < LONG


def test_progress_moves_forward_and_ends_with_the_result(case: Case) -> None:
    stage, steps = make(0, LONG), []
    case.engine.submit(stage)
    for event in case.events():
        if isinstance(event, Finished):
            break
        assert isinstance(event, Progress) and event.trial == 0 and event.rows_per_second >= 0
        steps.append(event.step)
        if len(steps) == 3:
            case.engine.cancel(stage)
    assert steps == sorted(steps) and steps[-1] <= event.result.step and steps[0] < steps[2]
    assert list(case.engine.events(0.2)) == [], "an idle engine has nothing to tell"


def test_the_clock_moves_while_one_waits(case: Case) -> None:
    before = case.engine.now()
    assert list(case.engine.events(0.3)) == []
    assert case.engine.now() - before == pytest.approx(0.3, abs=0.25)


def test_a_stage_goes_on_from_its_checkpoint_as_if_it_had_never_ended(case: Case, tmp_path: Path) -> None:
    file = tmp_path / "c.safetensors"
    whole = case.run(make(0, END, evaluate_at=(PAUSE,)))
    first = case.run(make(0, PAUSE, save=file))
    assert first.checkpoint == file and file.exists()
    second = case.run(make(0, END, start=PAUSE, reached=PAUSE, checkpoint=file))
    metrics = [point.metrics for point in (*first.points, *second.points)]
    assert metrics == [point.metrics for point in whole.points]
    assert second.costs.replayed_steps == 0


@pytest.mark.parametrize("lost", ["none was kept", "it was deleted", "it was damaged"])
def test_what_no_checkpoint_holds_is_replayed_without_looking(case: Case, tmp_path: Path, lost: str) -> None:
    file = tmp_path / "c.safetensors"
    case.run(make(0, PAUSE, save=file))
    going_on = make(0, END, start=PAUSE, reached=PAUSE, checkpoint=file, evaluate_at=(9,))
    usual = case.run(going_on)
    if lost == "none was kept":
        going_on = replace(going_on, start=0, checkpoint=None)
    elif lost == "it was deleted":
        file.unlink()
    else:
        file.write_bytes(b"damaged")
    again = case.run(going_on)
    assert again.failure is None and again.step == END
    assert [point.step for point in again.points] == [9, END]
    assert seen(again) == seen(usual)
    assert (again.costs.replayed_steps, usual.costs.replayed_steps) == (PAUSE, 0) and again.costs.replay_seconds > 0


def test_a_cancelled_stage_is_evaluated_and_saved_where_it_ends(case: Case, tmp_path: Path) -> None:
    stage = make(0, LONG, save=tmp_path / "c.safetensors")
    case.engine.submit(stage)
    case.progress(stage)
    case.engine.cancel(stage)
    result = next(event.result for event in case.events() if isinstance(event, Finished))
    assert result.failure is None and 0 < result.step < LONG
    assert [point.step for point in result.points] == [result.step] and result.checkpoint and result.checkpoint.exists()
    on = case.run(replace(stage, start=result.step, reached=result.step, checkpoint=result.checkpoint, until=result.step + 2))
    assert (on.step, on.costs.replayed_steps) == (result.step + 2, 0)


@pytest.mark.parametrize("deliver", [True, False])
def test_a_replay_that_is_cancelled_leaves_the_trial_where_it_was(case: Case, tmp_path: Path, deliver: bool) -> None:
    ends = {"deliver": tmp_path / "model"} if deliver else {"save": tmp_path / "c.safetensors"}
    stage = make(0, LONG, reached=LONG - 1, **ends)
    case.engine.submit(stage)
    case.progress(stage)
    case.engine.cancel(stage)
    result = next(event.result for event in case.events() if isinstance(event, Finished))
    assert (result.step, result.points, result.checkpoint) == (LONG - 1, (), None)
    assert (result.failure is not None) == deliver and list(tmp_path.iterdir()) == []


def test_cancelling_what_has_ended_harms_nothing(case: Case) -> None:
    stage = make(0, 2)
    case.run(stage)
    case.engine.cancel(stage)
    assert case.run(make(1, 3)).step == 3


def test_a_stage_that_fails_says_why_and_the_engine_goes_on(case: Case) -> None:
    result = case.run(make(0, 5, BAD))
    assert result.failure and result.step < 5 and result.checkpoint is None
    assert case.run(make(1, 2)).failure is None


def test_a_stage_whose_worker_dies_is_reported_as_lost_and_the_worker_replaced(case: Case, tmp_path: Path) -> None:
    other, stage = make(8, LONG), make(9, LONG, save=tmp_path / "c.safetensors")
    case.engine.submit(other)
    case.engine.submit(stage)
    case.progress(stage)
    case.kill(stage)
    lost = next(event for event in case.events() if isinstance(event, Lost))
    assert lost.trial == 9 and lost.reason and list(tmp_path.iterdir()) == []
    case.engine.cancel(other)
    ended = next(event for event in case.events() if isinstance(event, Finished))
    assert ended.result.trial == 8 and ended.result.failure is None, "the other stage went on"
    assert {trial: result.step for trial, result in case.finish(make(1, 2), make(2, 3)).items()} == {1: 2, 2: 3}


def test_a_delivered_stage_is_scored_on_all_rows_too_and_leaves_a_model(case: Case, tmp_path: Path) -> None:
    result = case.run(make(0, 5, deliver=tmp_path / "model"))
    assert [(point.step, point.rows) for point in result.points] == [(5, "rung"), (5, "all")]
    assert (tmp_path / "model").is_dir()


def test_a_fresh_final_leaves_its_scores_of_all_rows(case: Case, tmp_path: Path) -> None:
    result = case.run(make(0, 5, scores=tmp_path / "scores.npy"))
    assert [(point.step, point.rows) for point in result.points] == [(5, "rung"), (5, "all")]
    assert (tmp_path / "scores.npy").stat().st_size > 0 and list(tmp_path.iterdir()) == [tmp_path / "scores.npy"]


def test_a_training_that_holds_nothing_out_is_not_looked_at(case: Case, setup: Setup, tmp_path: Path) -> None:
    tokens = setup.base(RECIPE).tokens
    for name in ("train", "validation"):
        shutil.copytree(tokens / name, fold_folder(tokens, NONE_HELD_OUT) / name, dirs_exist_ok=True)
    stage = make(0, 5, deliver=tmp_path / "model")
    result = case.run(replace(stage, trial=replace(stage.trial, fold=NONE_HELD_OUT)))
    assert (result.step, result.points, result.failure) == (5, (), None) and (tmp_path / "model").is_dir()


def test_a_final_without_steps_of_its_own_is_delivered_from_its_parents_checkpoint(case: Case, tmp_path: Path) -> None:
    file = tmp_path / "c.safetensors"
    first = case.run(make(0, 5, save=file))
    final = case.run(make(1, 5, start=5, reached=5, checkpoint=file, deliver=tmp_path / "model"))
    assert final.points[0].metrics["macro_f1"] == first.points[-1].metrics["macro_f1"] and (tmp_path / "model").is_dir()


@pytest.mark.parametrize("kind", ENGINES)
def test_closing_ends_what_runs_and_nothing_comes_of_it(kind: str, setup: Setup, tmp_path: Path) -> None:
    case = ENGINES[kind](setup)
    stage = make(0, LONG, save=tmp_path / "c.safetensors")
    case.engine.submit(stage)
    case.progress(stage)
    case.engine.close()
    time.sleep(0.1)
    assert list(tmp_path.iterdir()) == []
    if isinstance(case.engine, LocalEngine):
        assert not any(worker.process.is_alive() for worker in case.engine._workers)
