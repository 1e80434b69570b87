"""What the tests of the search share: a made-up curve and the simulated engine on it, and a scheduler played without any."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from luthier.engines import simulated
from luthier.recipes.recipe import Recipe
from luthier.recipes.seeds import HeldSeeds
from luthier.recipes.trial import Point, Stage, StageResult, Trial
from luthier.search.events import result_event, stage_event, stopped_event, trial_event
from luthier.search.samplers import Suggestion
from luthier.search.schedulers import Action, Ask, Done, Run, Scheduler, Stop, Wait
from luthier.search.study import DEFAULT, Observation, Study
from luthier.sharing.work import Shape, step_work

METRIC = "macro_f1"
SHAPE = Shape(np.full(160, 20), layers=6)
BASE = Recipe(schedule="constant", batch_size=16, epochs=9.0)
WORK = 90 * step_work(BASE, SHAPE)
LEVELS = (WORK / 9, WORK / 3, WORK)
"""The rungs of `BASE` on `SHAPE`: 10, 30 and 90 steps."""

Curve = Callable[[Recipe, int], float]
"""The made-up score of a recipe after so many steps."""


def peak_at_3e4(recipe: Recipe, step: int) -> float:
    """Learns towards a plateau that is highest at a learning rate of 3e-4."""
    plateau = 0.9 - 0.1 * math.log10(recipe.learning_rate / 3e-4) ** 2
    return plateau * (1 - 0.5 * math.exp(-step / 20))


def new_study(seed: int = 0, levels: tuple[float, ...] = LEVELS, repeats: int = 1) -> Study:
    """A study without trials."""
    return Study(seed, METRIC, SHAPE, levels, repeats)


def new_trial(number: int, recipe: Recipe = BASE, seed: int = 0, role: str = "made up", parent: int | None = None) -> Trial:
    """A trial that draws everything from one seed."""
    return Trial(number, recipe, seed, role, HeldSeeds().seeds(seed), parent)


def point(step: int, value: float, recipe: Recipe = BASE, seconds: float = 0.0, rows: str = "rung") -> Point:
    """An evaluation of `value`."""
    return simulated.evaluation(step, value, recipe, SHAPE, METRIC, seconds=seconds, rows=rows)


@dataclass
class SimulatedEngine(simulated.SimulatedEngine):
    """On `SHAPE`, at a speed at which a full run takes one second."""

    curve: simulated.Curve = lambda trial, step: peak_at_3e4(trial.recipe, step)
    shape: Shape = SHAPE
    metric: str = METRIC
    speed: float = WORK


@dataclass
class Played:
    """What a scheduler did with a study: its actions and the stages they led to, as (trial, start, until)."""

    actions: list[Action] = field(default_factory=list)
    stages: list[tuple[int, int, int]] = field(default_factory=list)

    def stages_of(self, number: int) -> list[tuple[int, int]]:
        """(start, until) of each stage of a trial, in order."""
        return [(start, until) for trial, start, until in self.stages if trial == number]

    def stopped(self) -> list[int]:
        """The trials that were stopped."""
        return [action.trial for action in self.actions if isinstance(action, Stop)]


def play(scheduler: Scheduler, study: Study, recipes: Sequence[Recipe], curve: Curve = peak_at_3e4, *, slots: int = 1,
         failing: Callable[[int, int], bool] = lambda trial, stage: False, order: int = 0, most: int = 2000) -> Played:
    """Follow a scheduler to its end without any engine: stages end in an order drawn from `order`.

    Args:
        recipes: the default, then others, repeated from the start when they run out.
        failing: whether the n-th stage of a trial fails.
        most: more actions than this are taken for a scheduler that never ends.
    """
    played, running = Played(), []
    random = np.random.default_rng(order)
    while True:
        while len(running) < slots:
            action = scheduler.next(study)
            played.actions.append(action)
            assert len(played.actions) < most, "the scheduler does not come to an end"
            if isinstance(action, Done):
                assert not running, "done while trials are running"
                return played
            if isinstance(action, Wait):
                assert running, "nothing runs, and nothing is begun"
                break
            if isinstance(action, Ask):
                recipe, replicate = study.next_trial()
                study.apply(trial_event(new_trial(len(study.records), recipes[recipe % len(recipes)], study.seed + replicate,
                                                  "made up" if recipe else DEFAULT)))
            elif isinstance(action, Stop):
                study.apply(stopped_event(action.trial, action.reason))
            else:
                assert isinstance(action, Run)
                record = study.records[action.trial]
                total = record.trial.recipe.total_steps(SHAPE.rows(record.trial.recipe))
                stage = Stage(record.trial, record.step, action.until_step, total)
                played.stages.append((action.trial, record.step, action.until_step))
                study.apply(stage_event(stage))
                running.append(stage)
        stage = running.pop(int(random.integers(len(running))))
        study.apply(result_event(_result(stage, curve, failing(stage.trial.number, len(played.stages_of(stage.trial.number))))))


def _result(stage: Stage, curve: Curve, failed: bool) -> StageResult:
    number = stage.trial.number
    if failed:
        return StageResult(number, stage.start, failure="made up")
    value = curve(stage.trial.recipe, stage.until)
    return StageResult(number, stage.until, (point(stage.until, value, stage.trial.recipe),), Path(f"trial-{number}"))


@dataclass(frozen=True)
class ListSampler:
    """Recipe n is the n-th of `recipes`, from the start again when they run out; the first is the default."""

    recipes: Sequence[Recipe]

    def suggest(self, observations: Sequence[Observation], number: int) -> Suggestion:
        """The next of the list."""
        return Suggestion(self.recipes[number % len(self.recipes)], "list" if number else DEFAULT)


def add_trial(study: Study, recipe: Recipe, value: float | None, step: int, **result: Any) -> int:
    """A trial that has run to `step` and been evaluated there (None: not evaluated); returns its number.

    The first recipe is the default.
    """
    number = len(study.records)
    index, replicate = study.next_trial()
    trial = new_trial(number, recipe, study.seed + replicate, "made up" if index else DEFAULT)
    points = () if value is None else (point(step, value, recipe),)
    study.apply(trial_event(trial))
    study.apply(stage_event(Stage(trial, 0, step, recipe.total_steps(SHAPE.rows(recipe)))))
    given = {"checkpoint": Path(f"trial-{number}.safetensors")} | result
    study.apply(result_event(StageResult(number, step, points, **given)))
    return number
