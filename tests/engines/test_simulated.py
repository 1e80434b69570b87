"""The simulated engine beyond the contract: what it refuses, what time passes, and curves as they were recorded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from luthier.engines.simulated import Recorded, SimulatedEngine
from luthier.recipes.recipe import Recipe
from luthier.recipes.seeds import HeldSeeds, Seeds
from luthier.recipes.space import parse_space
from luthier.recipes.trial import EngineEvent, Finished, Stage, StageResult, Trial
from luthier.search.journal import Journal, read_journal
from luthier.search.loop import Search
from luthier.search.samplers import DefaultFirst, RandomSampler
from luthier.search.schedulers import AshaScheduler, FullRuns, Scheduler
from luthier.search.study import Study
from luthier.sharing.work import Shape, step_work

SHAPE = Shape(np.full(160, 20), layers=6)
RECIPE = Recipe(schedule="constant", batch_size=16, epochs=9.0)
WORK = 90 * step_work(RECIPE, SHAPE)


def value(trial: Trial, step: int) -> float:
    """Made up: rises, and differs between recipes and seeds."""
    return (1 - 0.5 ** (step / 20)) * (0.9 - abs(np.log10(trial.recipe.learning_rate) + 3.5) / 5 - 0.01 * trial.seed)


def engine(**options: Any) -> SimulatedEngine:
    return SimulatedEngine(value, SHAPE, speed=WORK, **options)


def stage(until: int = 90, recipe: Recipe = RECIPE, number: int = 0, **changes: Any) -> Stage:
    return replace(Stage(Trial(number, recipe, 0, "made up", Seeds.all(0)), 0, until, recipe.total_steps(160)), **changes)


def run(on: SimulatedEngine, asked: Stage) -> tuple[StageResult, float]:
    """The result of a stage and the simulated seconds it took."""
    began = on.now()
    on.submit(asked)
    found: list[EngineEvent] = []
    while not any(isinstance(event, Finished) for event in found):
        found = list(on.events(1000))
    (result,) = [event.result for event in found if isinstance(event, Finished)]
    return result, on.now() - began


@pytest.mark.parametrize(("changes", "why"), [
    ({"until": 0}, "no steps"), ({"until": 91}, "beyond its trial's end"), ({"start": 5, "reached": 5}, "where its checkpoint"),
    ({"number": 7}, "running already"), ({"number": 8}, "more stages than slots")])
def test_what_no_engine_could_do_is_refused(changes: dict[str, Any], why: str) -> None:
    one = engine(slots=2)
    one.submit(stage(number=7))
    if changes == {"number": 8}:
        one.submit(stage(number=9))
    with pytest.raises(ValueError, match=why):
        one.submit(stage(**changes))


def test_a_checkpoint_of_another_step_and_a_closed_engine_are_refused(tmp_path: Path) -> None:
    one, file = engine(), tmp_path / "c.safetensors"
    run(one, stage(10, save=file))
    with pytest.raises(ValueError, match="where its checkpoint stands"):
        one.submit(stage(start=9, reached=9, checkpoint=file))
    one.close()
    with pytest.raises(ValueError, match="closed"):
        one.submit(stage())


def test_a_full_run_takes_its_work_and_stages_and_looks_take_their_own_time() -> None:
    assert run(engine(), stage())[1] == pytest.approx(1.0)
    assert run(engine(), stage(45))[1] == pytest.approx(0.5)
    assert run(engine(stage_seconds=0.25), stage())[1] == pytest.approx(1.25)
    looked = run(engine(look_rows=160), stage(evaluate_at=(30, 60)))[1]
    assert looked == pytest.approx(1 + 3 * 10 / 90 / 3), "three passes over as many rows as ten steps have, at a third of each"


def test_what_frozen_blocks_make_is_paid_for_once_and_then_saves_time() -> None:
    deep = RECIPE.replace(frozen_layers=5)
    unshared = run(engine(), stage(recipe=deep))[1]
    assert unshared == pytest.approx(1 / 3 + 2 / 3 / 6)
    one = engine()
    first, second = (run(one, stage(recipe=deep, number=number, trunk=5))[1] for number in range(2))
    assert second == pytest.approx((1 / 6) * (1 / 3 + 2 / 3))
    assert first - second == pytest.approx(10 / 90 / 3 * 5 / 6)
    half = run(one, stage(recipe=RECIPE.replace(frozen_layers=3), trunk=3))[1]
    assert half == pytest.approx(1 / 2 + 10 / 90 / 3 / 2)


def _search(folder: Path, on: SimulatedEngine, scheduler: Scheduler, points: int = 0) -> Study:
    """A search over the learning rate."""
    folder.mkdir()
    study = Study(0, "macro_f1", SHAPE, (WORK / 9, WORK / 3, WORK), held=HeldSeeds())
    sampler = DefaultFirst(RECIPE, RandomSampler(parse_space({"learning_rate": "1e-5..1e-2:log"}, RECIPE), 4))

    class Silent:
        def say(self, line: str) -> None: ...
        def update(self, study: Study, running: object) -> None: ...

    with Journal(folder / "journal.jsonl") as journal:
        Search(study, journal, on, folder / "checkpoints", Silent(), lambda: False, curve_points=points).run(scheduler, sampler)
    return study


def test_recorded_curves_replayed_lead_to_the_decisions_of_the_search_they_are_of(tmp_path: Path) -> None:
    first = _search(tmp_path / "first", engine(slots=2), AshaScheduler(12))
    folded = Study(0, "macro_f1", SHAPE, first.levels)
    for event in read_journal(tmp_path / "first" / "journal.jsonl"):
        folded.apply(event)
    again = _search(tmp_path / "again", SimulatedEngine(Recorded.of(folded), SHAPE, slots=2, speed=WORK), AshaScheduler(12))
    assert len({record.state for record in first.records.values()}) > 1
    assert [(r.trial, r.state, r.step, [p.metrics for p in r.points]) for r in again.records.values()] == [
        (r.trial, r.state, r.step, [p.metrics for p in r.points]) for r in first.records.values()]


def test_other_policies_are_replayed_from_full_runs_with_straight_lines_between_the_points(tmp_path: Path) -> None:
    full = _search(tmp_path / "full", engine(), FullRuns(12), points=9)
    curve = Recorded.of(full)
    other = _search(tmp_path / "other", SimulatedEngine(curve, SHAPE, speed=WORK), AshaScheduler(12))
    assert other.ranked()[0].trial == full.ranked()[0].trial
    trial = full.records[3].trial
    assert curve(trial, 25) == pytest.approx((curve(trial, 20) + curve(trial, 30)) / 2)
    assert curve(trial, 20) == value(trial, 20) and curve(trial, 1) == value(trial, 10) and curve(trial, 99) == value(trial, 90)


def test_what_was_not_recorded_cannot_be_replayed(tmp_path: Path) -> None:
    curve = Recorded.of(_search(tmp_path / "first", engine(), FullRuns(2)))
    known = Trial(0, RECIPE, 0, "default", Seeds.all(0))
    assert curve(known, 90) == value(known, 90)
    with pytest.raises(KeyError):
        curve(replace(known, seed=1), 90)
    with pytest.raises(KeyError):
        curve(replace(known, recipe=RECIPE.replace(dropout=0.2)), 90)
