"""An engine that replays made-up learning curves in simulated time, and what the tests of the search share.

`SimulatedEngine` is a full `Engine`: stages take the time that their work takes, checkpoints are real files that say
which trial and step they hold, what none of them holds is replayed, cancelled stages end at their next step. It
refuses what a real engine could not do: a stage too many, a trial twice at once, a start that its checkpoint does not hold.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from luthier.recipes.recipe import Recipe, steps_per_epoch
from luthier.recipes.seeds import HeldSeeds
from luthier.recipes.trial import Costs, EngineEvent, Finished, Lost, Point, Progress, Stage, StageResult, Trial
from luthier.search.samplers import Suggestion
from luthier.search.schedulers import Action, Ask, Done, Run, Scheduler, Stop, Wait
from luthier.search.study import DEFAULT, Observation, Study, result_event, stage_event, stopped_event, trial_event
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
    return Point(step=step, epoch=step / steps_per_epoch(SHAPE.rows(recipe), recipe.batch_size),
                 work=step * step_work(recipe, SHAPE),
                 seconds=seconds, rows=rows, weights=recipe.averaging.value, train={} if step == 0 else {"objective": 1 - value},
                 metrics={METRIC: value, "accuracy": value, "loss": 1 - value})


@dataclass
class _Running:
    stage: Stage
    began: float
    until: int


@dataclass
class SimulatedEngine:
    """Replays `curve`; `lose` and `fail` answer for which stages the worker dies, or the last step goes wrong."""

    curve: Curve = peak_at_3e4
    slots: int = 1
    speed: float = WORK
    """Work a second: a full run takes one second."""
    lose: Callable[[Stage], bool] = lambda stage: False
    fail: Callable[[Stage], bool] = lambda stage: False
    clock: float = 0.0
    submitted: list[Stage] = field(default_factory=list)
    cancelled: list[int] = field(default_factory=list)
    closed: bool = False
    _running: dict[int, _Running] = field(default_factory=dict)

    def now(self) -> float:
        """The simulated clock."""
        return self.clock

    def submit(self, stage: Stage) -> None:
        """Begin a stage."""
        assert not self.closed
        assert len(self._running) < self.slots, "more stages than slots"
        assert stage.trial.number not in self._running, "the trial is running already"
        assert stage.start == _held(stage.checkpoint), "the stage does not start where its checkpoint stands"
        assert stage.until > stage.start or (stage.deliver is not None and stage.until == stage.start)
        assert stage.until <= stage.total_steps
        self.submitted.append(stage)
        self._running[stage.trial.number] = _Running(stage, self.clock, stage.until)

    def cancel(self, stage: Stage) -> None:
        """End at the next step."""
        running = self._running[stage.trial.number]
        self.cancelled.append(stage.trial.number)
        running.until = min(running.until, self._step(running) + 1)

    def events(self, timeout: float) -> Iterable[EngineEvent]:
        """Let time pass until a stage ends, or `timeout`."""
        limit = self.clock + timeout
        self.clock = min([limit, *(self._end(running) for running in self._running.values())])
        found: list[EngineEvent] = []
        for number, running in list(self._running.items()):
            if self._end(running) <= self.clock:
                del self._running[number]
                found.append(self._outcome(running))
            elif self._step(running) > running.stage.start:
                found.append(Progress(number, self._step(running), 16 / self._seconds(running)))
        return found

    def close(self) -> None:
        """No more stages."""
        self._running.clear()
        self.closed = True

    def _seconds(self, running: _Running) -> float:
        return step_work(running.stage.trial.recipe, SHAPE) / self.speed

    def _end(self, running: _Running) -> float:
        return running.began + (running.until - running.stage.start) * self._seconds(running)

    def _step(self, running: _Running) -> int:
        done = int((self.clock - running.began) / self._seconds(running) + 1e-9)
        return min(running.until, running.stage.start + done)

    def _outcome(self, running: _Running) -> EngineEvent:
        stage = running.stage
        number, recipe = stage.trial.number, stage.trial.recipe
        if self.lose(stage):
            return Lost(number, "the worker was killed")
        if running.until < stage.reached:
            return Finished(StageResult(number, stage.reached, failure="ended in its replay" if stage.deliver else None))
        steps = sorted({step for step in stage.evaluate_at if step < running.until})
        seconds = self._seconds(running)
        if self.fail(stage):
            points = [point(step, self.curve(recipe, step), recipe, (step - stage.reached) * seconds) for step in steps]
            return Finished(StageResult(number, running.until - 1, tuple(points), failure="the loss is not finite"))
        ends = [running.until] if running.until > stage.reached or stage.deliver else []
        points = [point(step, self.curve(recipe, step), recipe, (step - stage.reached) * seconds) for step in [*steps, *ends]]
        if stage.deliver is not None:
            points.append(point(running.until, self.curve(recipe, running.until), recipe, rows="all"))
            stage.deliver.mkdir(parents=True)
        if stage.save is not None:
            stage.save.parent.mkdir(parents=True, exist_ok=True)
            stage.save.write_text(f"{number} {running.until}")
        replay = (stage.reached - stage.start) * seconds
        return Finished(StageResult(number, running.until, tuple(points), stage.save, Costs(
            seconds=self.clock - running.began - replay, rows_per_second=16 / seconds, peak_memory=1000 + number,
            replayed_steps=stage.reached - stage.start, replay_seconds=replay)))


def _held(checkpoint: Path | None) -> int:
    """The step that a checkpoint holds."""
    return int(checkpoint.read_text().split()[1]) if checkpoint else 0


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
