"""The live view: what it says of a search, and that it fits."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from luthier.cli.view import MOST_ROWS, View
from luthier.recipes.recipe import Recipe
from luthier.recipes.seeds import HeldSeeds
from luthier.recipes.trial import NONE_HELD_OUT, Point, Progress, Stage, StageResult, Trial
from luthier.search.budget import Plan
from luthier.search.events import result_event, stage_event, stopped_event, trial_event
from luthier.search.study import FINAL, FRESH, REFIT, Study
from luthier.sharing.work import Shape, step_work

ROWS, STEPS = 320, 90
RECIPE = Recipe(schedule="constant", epochs=STEPS * 16 / ROWS, batch_size=16)
SHAPE = Shape(np.full(ROWS, 10), 6)
LEVELS = tuple(steps * step_work(RECIPE, SHAPE) for steps in (10, 30, 90))


def _study() -> Study:
    """One complete, one stopped, one failed, one paused, one running; and one that has only been thought of."""
    study = Study(0, "macro_f1", SHAPE, LEVELS)
    for number, (steps, value) in enumerate([(90, 0.8), (10, 0.2), (0, None), (30, 0.6), (10, 0.4), (0, None)]):
        recipe = RECIPE.replace(learning_rate=1e-4 * (1 + number))
        trial = Trial(number, recipe, 0, "default" if number == 0 else "tpe", HeldSeeds().seeds(0))
        study.apply(trial_event(trial))
        if number == 5:
            break
        study.apply(stage_event(Stage(trial, 0, max(steps, 10), STEPS)))
        points = tuple(Point(step, 1.0, 1.0, 1.0, "rung", "ema", {"macro_f1": value * step / steps}) for step in (10, 30, 90)
                       if value is not None and step <= steps)
        study.apply(result_event(StageResult(number, steps, points, Path("there"), failure=None if steps else "no finite loss")))
    study.apply(stopped_event(1, "place 4 of 4 after 10 steps"))
    study.apply(stage_event(Stage(study.records[4].trial, 10, 30, STEPS)))
    return study


def _drawn(view: View, width: int, height: int = 0) -> list[str]:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(view.render(width, height))
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def _plan(**ends: float) -> Plan:
    return Plan(work=LEVELS[-1], levels=LEVELS, challengers=3, fresh=3, curve_points=0, rung_rows=10, full_run_seconds=1.0,
                finals_seconds=30.0, scoring_seconds=10.0, **ends)


def test_rungs_states_curves_and_reasons_are_there() -> None:
    view = View(_study(), {4: Progress(4, 17, 1234.4)}, 75.2, _plan(finals_until=200.0), 8)
    clock, rungs, head, *rows = _drawn(view, 100)
    assert clock == "1:15  best validation score 0.800 (trial 0), 1,234 rows/s, 2 min 15 s left"
    assert rungs == "6 of 8 trials: 1 running, 1 paused, 1 complete, 1 stopped, 1 failed; reached rung 1: 4, 2: 2, 3: 1"
    assert head.split() == ["trial", "from", "state", "steps", "rung", "macro_f1", "curve", "rate", "layers", "batch", "why"]
    assert rows[0].split()[:6] == ["0", "default", "complete", "90", "3/3", "0.800"] and rows[0].split()[6] == "▁▃█"
    assert rows[1].endswith("place 4 of 4") and rows[2].endswith("no finite loss")
    assert rows[3].split()[2:5] == ["paused", "30", "2/3"] and rows[4].split()[2:5] == ["running", "17/30", "1/3"]


@pytest.mark.parametrize("width", [100, 80, 60, 40])
def test_it_fits_and_what_matters_most_stays(width: int) -> None:
    lines = _drawn(View(_study(), {4: Progress(4, 17, 1234.4)}, 75.2, _plan(), 8), width)
    assert max(map(len, lines)) <= width
    columns = set(lines[2].split())
    assert width < 60 or {"trial", "state", "steps", "macro_f1", "why"} <= columns
    assert ("batch" in columns) is (width == 100) and ("curve" in columns) is (width >= 80)


def test_a_trial_that_is_made_again_says_so() -> None:
    (line,) = [line for line in _drawn(View(_study(), {4: Progress(4, 3, 10.0)}, 1.0), 100) if line.lstrip().startswith("4 ")]
    assert "replaying" in line and "3/30" in line


def test_what_runs_and_the_best_are_shown_where_there_is_no_room_for_all() -> None:
    study = _study()
    for number in range(6, 40):
        study.apply(trial_event(Trial(number, RECIPE, 0, "tpe", HeldSeeds().seeds(0))))
    *_, last = lines = _drawn(View(study, {}, 1.0), 100)
    numbers = [int(line.split()[0]) for line in lines[3:-1]]
    assert {0, 3, 4, 39} <= set(numbers) and numbers == sorted(numbers) and len(numbers) == MOST_ROWS
    assert last == f"and {40 - MOST_ROWS} other trials"
    assert len(_drawn(View(study, {}, 1.0), 100, 12)) <= 12


def test_without_a_budget_the_time_left_is_a_guess_and_only_after_some_trials() -> None:
    study = _study()
    assert View(study, {}, 60.0, _plan(), 12).left() == pytest.approx(60 / 6 * 6 + 30 + 10)
    assert "about" in View(study, {}, 60.0, _plan(), 12).status()
    assert View(Study(0, "macro_f1", SHAPE, LEVELS), {}, 60.0, _plan(), 12).left() is None


def _ended(study: Study, number: int, role: str, *, fold: int = 0, value: float | None = None, steps: int = 0) -> None:
    """A trial that ends trial 0, run to its end unless only so many steps of it are asked for."""
    trial = Trial(number, RECIPE.replace(epochs=112 * 16 / ROWS, decay_share=0.2), 0, role, HeldSeeds().seeds(0), 0, fold)
    study.apply(trial_event(trial))
    study.apply(stage_event(Stage(trial, 0, 112, 112)))
    points = () if value is None else (Point(112, 1.0, 1.0, 1.0, "rung", "ema", {"macro_f1": value}),)
    if not steps:
        study.apply(result_event(StageResult(number, 112, points, Path("there"))))


def test_the_best_figure_never_goes_down_and_finals_count() -> None:
    study = _study()
    study.apply(stage_event(Stage(study.records[3].trial, 30, 90, STEPS)))
    study.apply(result_event(StageResult(3, 90, (Point(60, 1.0, 1.0, 1.0, "rung", "ema", {"macro_f1": 0.9}),
                                                 Point(90, 1.0, 1.0, 1.0, "rung", "ema", {"macro_f1": 0.7})), Path("there"))))
    assert View(study, {}, 60.0).best() == "best validation score 0.900 (trial 3, now 0.700)"
    _ended(study, 6, FRESH, fold=1, value=0.99)
    assert View(study, {}, 60.0).best() == "best validation score 0.900 (trial 3, now 0.700)", "its rows are others"
    _ended(study, 7, FINAL, value=0.95)
    assert View(study, {}, 60.0).best() == "best validation score 0.950 (trial 7)"


def test_the_time_left_counts_what_runs_after_the_finals() -> None:
    study, plan = _study(), dataclasses.replace(_plan(), fresh=0, challengers=3)

    def left(running: dict[int, Progress], refit: bool) -> float:
        found = View(study, running, 60.0, plan, 6, refit=refit).left()
        assert found is not None
        return found

    for number in range(6, 10):
        _ended(study, number, FINAL)
    assert left({}, False) == pytest.approx(10) and left({}, True) == pytest.approx(10 + 30 * 1 / 1.8)
    _ended(study, 10, REFIT, fold=NONE_HELD_OUT, steps=56)
    assert left({10: Progress(10, 56, 9.0)}, True) == pytest.approx(10 + 30 * 0.5 / 1.8)
