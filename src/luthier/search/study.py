"""`Study`: what a journal says, folded into the trials as they stand now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from luthier.recipes.recipe import Recipe
from luthier.recipes.trial import Costs, Point, Stage, StageResult, Trial, TrialState
from luthier.search.journal import Event
from luthier.sharing.work import Shape, steps_for

FAILURES_IN_A_ROW = 4


@dataclass
class Record:
    """One trial and all that is known of it. `target` is the step that its running stage goes to."""

    trial: Trial
    state: TrialState = TrialState.WAITING
    step: int = 0
    points: list[Point] = field(default_factory=list)
    checkpoint: Path | None = None
    target: int = 0
    costs: Costs = Costs()
    reason: str = ""

    @property
    def last(self) -> Point | None:
        """The newest evaluation on the rung rows of weights that are still there."""
        return next((point for point in reversed(self.points) if point.rows == "rung" and point.step <= self.step), None)

    def value(self, metric: str) -> float | None:
        """The newest value of `metric` on the rung rows."""
        return self.last.metrics[metric] if self.last else None

    def value_at(self, step: int, metric: str) -> float | None:
        """The value of `metric` on the rung rows at `step` exactly."""
        return next((p.metrics[metric] for p in self.points if p.step == step and p.rows == "rung"), None)


@dataclass(frozen=True)
class Observation:
    """What a sampler may know of a trial: its recipe and its newest value (None: it failed), at which level."""

    number: int
    recipe: Recipe
    value: float | None
    level: int
    complete: bool


@dataclass
class Study:
    """All trials of one search.

    Args:
        seed: of the study; trial n's suggestion is seeded by (seed, n).
        metric: the headline metric; greater is better.
        shape: what the cost of a trial depends on.
        levels: the rungs, in work (see sharing/work.py), ascending; the last is a full run.
    """

    seed: int
    metric: str
    shape: Shape
    levels: tuple[float, ...]
    records: dict[int, Record] = field(default_factory=dict)

    def apply(self, event: Event) -> None:
        """Take in one event of the journal."""
        kind = event["event"]
        if kind == "trial":
            trial = Trial.from_table(event["trial"])
            self.records[trial.number] = Record(trial)
            return
        if kind not in ("stage", "result", "stopped", "dropped"):
            return
        record = self.records[event["trial"]]
        if kind == "stage":
            record.state, record.target = TrialState.RUNNING, event["until"]
        elif kind == "dropped":
            record.checkpoint = None
        elif kind == "stopped":
            record.state, record.reason, record.checkpoint = TrialState.STOPPED, event["reason"], None
        else:
            self._apply_result(record, event)

    def _apply_result(self, record: Record, event: Event) -> None:
        for table in event["points"]:
            point = Point(**table)
            record.points.append(replace(point, seconds=record.costs.seconds + point.seconds))
        record.step = event["step"]
        record.checkpoint = Path(event["checkpoint"]) if event["checkpoint"] else None
        costs = Costs(**event["costs"])
        record.costs = replace(costs, seconds=record.costs.seconds + costs.seconds,
                               peak_memory=max(record.costs.peak_memory, costs.peak_memory),
                               drift=record.costs.drift if costs.drift is None else costs.drift)
        if event["failure"]:
            record.state, record.reason = TrialState.FAILED, event["failure"]
        elif record.step >= record.trial.recipe.total_steps(self.shape.rows) or record.step >= self.steps_at(record)[-1]:
            record.state = TrialState.COMPLETE
        else:
            record.state = TrialState.PAUSED

    def steps_at(self, record: Record) -> tuple[int, ...]:
        """The step at which the trial reaches each level; all are its end where the schedule has a horizon."""
        recipe = record.trial.recipe
        total = recipe.total_steps(self.shape.rows)
        if not recipe.horizon_free:
            return (total,) * len(self.levels)
        return tuple(min(total, steps_for(level, recipe, self.shape)) for level in self.levels)

    def search_records(self) -> list[Record]:
        """The trials of the search itself, in order, without the finals."""
        return [record for record in self.records.values() if record.trial.parent is None]

    def out_of_the_running(self, kept: int) -> list[Record]:
        """Ended trials that still have a checkpoint and are not among the `kept` best, nor the default."""
        ended = [record for record in self.ranked() if record.state in (TrialState.COMPLETE, TrialState.FAILED)]
        return [record for record in ended[kept:] if record.checkpoint is not None and record.trial.number != 0]

    def hopeless(self) -> bool:
        """Whether the last few trials have all failed: then more of them would fail too."""
        states = [record.state for record in self.search_records()][-FAILURES_IN_A_ROW:]
        return len(states) == FAILURES_IN_A_ROW and set(states) == {TrialState.FAILED}

    def running(self) -> list[Record]:
        """The trials that are being trained now."""
        return [record for record in self.records.values() if record.state is TrialState.RUNNING]

    def ranked(self, records: Iterable[Record] | None = None) -> list[Record]:
        """Trials with a value, best first; earlier trials first among equals.

        A trial that was cut before its first rung comes after all others: its value is of another kind.
        """
        pool = self.search_records() if records is None else records
        return sorted((record for record in pool if record.last),
                      key=lambda record: (record.step < self.steps_at(record)[0], -(record.value(self.metric) or 0.0),
                                          record.trial.number))

    def observations(self) -> list[Observation]:
        """What samplers may know: every search trial that has been evaluated or has failed."""
        found = []
        for record in self.search_records():
            if record.last is None and record.state is not TrialState.FAILED:
                continue
            step = record.last.step if record.last else 0
            level = sum(step >= at for at in self.steps_at(record))
            value = None if record.state is TrialState.FAILED else record.value(self.metric)
            found.append(Observation(record.trial.number, record.trial.recipe, value, level,
                                     record.state is TrialState.COMPLETE))
        return found


def trial_event(trial: Trial) -> Event:
    """The event of a new trial."""
    return {"event": "trial", "trial": trial.to_table()}


def stage_event(stage: Stage) -> Event:
    """The event of a stage given to an engine."""
    return {"event": "stage", "trial": stage.trial.number, "start": stage.start, "until": stage.until}


def stopped_event(number: int, reason: str) -> Event:
    """The event of a trial that will not go on."""
    return {"event": "stopped", "trial": number, "reason": reason}


def dropped_event(number: int) -> Event:
    """The event of a checkpoint that is no longer needed."""
    return {"event": "dropped", "trial": number}


def result_event(result: StageResult) -> Event:
    """The event of a stage that has ended."""
    table: dict[str, Any] = asdict(result)
    return {"event": "result", **table}
