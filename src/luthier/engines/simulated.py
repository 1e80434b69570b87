"""An engine that trains nothing: it replays learning curves, made up or recorded, in simulated time.

It keeps the contract of every engine (`tests/engines/test_contract.py` runs on this one and on real workers alike). Stages take
the time that their work takes, with what is stored of frozen blocks left out, as real ones do. Checkpoints are real files that
say which trial and step they hold; what none of them holds is replayed. So policies can be compared on hundreds of searches in
minutes, and whatever can happen to a worker can be made to happen (`lose`, `fail`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from luthier.recipes.recipe import Recipe, steps_per_epoch
from luthier.recipes.trial import NONE_HELD_OUT, Costs, EngineEvent, Finished, Lost, Point, Progress, Stage, StageResult, Trial
from luthier.search.study import Study
from luthier.sharing.work import Shape, making_work, pass_work, step_work, work_of


class Curve(Protocol):
    """What a trial scores after so many steps."""

    def __call__(self, trial: Trial, step: int) -> float:
        """The headline metric."""


@dataclass(frozen=True)
class Recorded:
    """Curves as they were recorded, by the hash of the recipe and the seed; between their points, straight lines."""

    points: Mapping[tuple[str, int], tuple[tuple[int, float], ...]]

    @classmethod
    def of(cls, study: Study) -> Recorded:
        """The curves of all trials of a study, which may be folded from a journal."""
        return cls({(record.trial.recipe.hash, record.trial.seed): points for record in study.records.values()
                    if (points := tuple((p.step, p.metrics[study.metric]) for p in record.points if p.rows == "rung"))})

    def __call__(self, trial: Trial, step: int) -> float:
        """The value at a step; before the first point and after the last, that point's.

        Raises:
            KeyError: no such recipe was recorded on this seed.
        """
        steps, values = zip(*self.points[trial.recipe.hash, trial.seed], strict=True)
        return float(np.interp(step, steps, values))


def evaluation(step: int, value: float, recipe: Recipe, shape: Shape, metric: str, *, seconds: float = 0.0,
               rows: str = "rung") -> Point:
    """A point of a curve at which the headline metric was `value`."""
    return Point(step=step, epoch=step / steps_per_epoch(shape.rows(recipe), recipe.batch_size),
                 work=work_of(step, recipe, shape), seconds=seconds, rows=rows, weights=recipe.averaging.value,
                 train={} if step == 0 else {"objective": 1 - value},
                 metrics={metric: value, "accuracy": value, "loss": 1 - value})


@dataclass
class Running:
    """A stage under way: when its first step began, from where, and the step that it ends at."""

    stage: Stage
    began: float
    start: int
    until: int


@dataclass
class SimulatedEngine:
    """Replays `curve` on rows of `shape`.

    Args:
        speed: work that a slot does in a second.
        stage_seconds: what a stage takes besides its training and its looks.
        look_rows: rows of every look, which take their time too.
        lose: for which stages the worker dies.
        fail: for which stages the last step goes wrong.
    """

    curve: Curve
    shape: Shape
    metric: str = "macro_f1"
    slots: int = 1
    speed: float = 1.0
    stage_seconds: float = 0.0
    look_rows: int = 0
    lose: Callable[[Stage], bool] = lambda stage: False
    fail: Callable[[Stage], bool] = lambda stage: False
    clock: float = 0.0
    submitted: list[Stage] = field(default_factory=list)
    cancelled: list[int] = field(default_factory=list)
    closed: bool = False
    _running: dict[int, Running] = field(default_factory=dict)
    _stored: set[int] = field(default_factory=lambda: {0})

    def now(self) -> float:
        """The simulated clock."""
        return self.clock

    def submit(self, stage: Stage) -> None:
        """Begin a stage.

        Raises:
            ValueError: no engine could: it is closed or has no slot free, or the stage is not one that can follow.
        """
        held = _held(stage.checkpoint)
        wrong = {"the engine is closed": self.closed, "more stages than slots": len(self._running) >= self.slots,
                 "the trial is running already": stage.trial.number in self._running,
                 "the stage does not start where its checkpoint stands": stage.start != (
                     0 if stage.checkpoint is None else stage.start if held is None else held),
                 "the stage has no steps": stage.until < stage.start or (stage.until == stage.start and stage.deliver is None),
                 "the stage goes beyond its trial's end": stage.until > stage.total_steps}
        for why, is_so in wrong.items():
            if is_so:
                raise ValueError(why)
        self.submitted.append(stage)
        began = self.clock + self.stage_seconds + self._other_work(stage) / self.speed
        self._running[stage.trial.number] = Running(stage, began, held or 0, stage.until)

    def _other_work(self, stage: Stage) -> float:
        """The work of a stage's looks, and of storing what frozen blocks make of rows if it is the first to need that."""
        recipe, looks = stage.trial.recipe, len(stage.evaluate_at) + 1
        work = looks * pass_work(self.look_rows, recipe, self.shape, stage.trunk)
        if stage.trunk not in self._stored:
            lower = max(depth for depth in self._stored if depth < stage.trunk)
            work += making_work(stage.trunk, self.shape.rows(recipe) + self.look_rows, recipe, self.shape, lower)
            self._stored.add(stage.trunk)
        return work

    def cancel(self, stage: Stage) -> None:
        """End at the next step; a stage that has ended is left alone."""
        if running := self._running.get(stage.trial.number):
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
            elif self._step(running) > running.start:
                found.append(Progress(number, self._step(running), 1 / self._row_seconds(running)))
        return found

    def close(self) -> None:
        """No more stages."""
        self._running.clear()
        self.closed = True

    def _seconds(self, running: Running) -> float:
        """What a step takes."""
        return step_work(running.stage.trial.recipe, self.shape, running.stage.trunk) / self.speed

    def _row_seconds(self, running: Running) -> float:
        return self._seconds(running) / running.stage.trial.recipe.batch_size

    def _end(self, running: Running) -> float:
        return running.began + (running.until - running.start) * self._seconds(running)

    def _step(self, running: Running) -> int:
        done = int(max(0.0, self.clock - running.began) / self._seconds(running) + 1e-9)
        return min(running.until, running.start + done)

    def _outcome(self, running: Running) -> EngineEvent:
        stage = running.stage
        trial, until, seconds = stage.trial, running.until, self._seconds(running)

        def point(step: int, rows: str = "rung") -> Point:
            return evaluation(step, self.curve(trial, step), trial.recipe, self.shape, self.metric,
                              seconds=(step - stage.reached) * seconds if rows == "rung" else 0.0, rows=rows)

        if self.lose(stage):
            return Lost(trial.number, "the worker was killed")
        if until < stage.reached:
            return Finished(StageResult(trial.number, stage.reached, failure="ended in its replay" if stage.deliver else None))
        points = [point(step) for step in sorted(set(stage.evaluate_at)) if step < until]
        if self.fail(stage):
            return Finished(StageResult(trial.number, until - 1, tuple(points), failure="the loss is not finite"))
        if until > stage.reached or stage.deliver:
            points.append(point(until))
        if stage.deliver is not None or stage.scores is not None:
            points.append(point(until, "all"))
        if trial.fold == NONE_HELD_OUT:  # then there are no rows to look at
            points = []
        if stage.scores is not None:
            stage.scores.parent.mkdir(parents=True, exist_ok=True)
            stage.scores.write_text(f"{trial.number} {until}", encoding="utf-8")
        if stage.deliver is not None:
            stage.deliver.mkdir(parents=True)
        if stage.save is not None:
            stage.save.parent.mkdir(parents=True, exist_ok=True)
            stage.save.write_text(f"{trial.number} {until}", encoding="utf-8")
        replayed = stage.reached - running.start
        return Finished(StageResult(trial.number, until, tuple(points), stage.save, Costs(
            seconds=(until - stage.reached) * seconds, rows_per_second=1 / self._row_seconds(running),
            peak_memory=1000 + trial.number, replayed_steps=replayed, replay_seconds=replayed * seconds)))


def _held(checkpoint: Path | None) -> int | None:
    """The step that a checkpoint holds; None where there is none, or it cannot be read."""
    try:
        return int(checkpoint.read_text(encoding="utf-8").split()[1]) if checkpoint else None
    except (OSError, ValueError, IndexError):
        return None
