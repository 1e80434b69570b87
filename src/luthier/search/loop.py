"""MAIN LOOP 2: the search. Ask the scheduler what next, have the engine run it, write down what came of it.

Every decision is the scheduler's and the sampler's, from the study alone; the study is a fold over the journal. The
clock is looked at in one place: when `deadline` has passed, or the user has interrupted, what runs is asked to end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from luthier.errors import RunError
from luthier.recipes.trial import Finished, Lost, Progress, Stage, StageResult, Trial
from luthier.search.distinct import suggest
from luthier.search.engine import Engine
from luthier.search.events import (
    dropped_event,
    exhausted_event,
    lost_event,
    result_event,
    shortened_event,
    stage_event,
    stopped_event,
    trial_event,
)
from luthier.search.finals import branch_step
from luthier.search.journal import Event, Journal, go_on
from luthier.search.samplers.base import Sampler, Suggestion
from luthier.search.schedulers.base import Ask, Branch, Done, Replicate, Run, Scheduler, Stop, Wait
from luthier.search.study import FINAL, FRESH, Record, Study
from luthier.sharing import plan
from luthier.sharing.quota import Quota

MOST_RETRIES = 2
"""How often a stage whose worker is gone is run again; the third loss is the trial's failure."""
KEPT_CHECKPOINTS = 4
"""Ended trials, the best ones, whose weights are kept for the finals: of where they stand and where they were best."""


class Watcher(Protocol):
    """Is shown the study as it goes."""

    def say(self, line: str) -> None:
        """A sentence for the user."""

    def update(self, study: Study, running: dict[int, Progress]) -> None:
        """Called after every event; `running` holds the newest progress of each running trial."""


@dataclass
class Search:
    """One study under way.

    Args:
        checkpoints: the folder of checkpoints and delivered models.
        interrupted: answers whether the user wants the search to end.
        curve_points: evaluations of a whole run, evenly spaced, besides those at the rungs.
        sharing: what trials may reuse.
        quota: what checkpoints may take on disk.
        fallback: what suggests recipes where the sampler has nothing to suggest but recipes that have been run; without it
            these are run again.
    """

    study: Study
    journal: Journal
    engine: Engine
    checkpoints: Path
    watcher: Watcher
    interrupted: Callable[[], bool]
    curve_points: int = 0
    sharing: plan.Sharing = plan.ALL
    quota: Quota = Quota()
    fallback: Sampler | None = None
    _stages: dict[int, Stage] = field(default_factory=dict)
    _progress: dict[int, Progress] = field(default_factory=dict)
    _short: set[int] = field(default_factory=set)
    _closing: bool = False

    def run(self, scheduler: Scheduler, sampler: Sampler | None, deadline: float | None = None) -> None:
        """Do what `scheduler` says until it is done, or until `deadline` on the engine's clock.

        Raises:
            RunError: the disk is full; the journal tells of all that was done, and can be gone on with.
        """
        self._closing = done = False
        while True:
            if not self._closing and self._is_over(deadline):
                self._closing = True
                for stage in self._stages.values():
                    self.engine.cancel(stage)
            while not (self._closing or done) and len(self._stages) < self.engine.slots:
                action = scheduler.next(self.study)
                if isinstance(action, Wait):
                    break
                done = isinstance(action, Done)
                self._carry_out(action, sampler)
            if not self._stages and (self._closing or done):
                return
            for event in self.engine.events(timeout=0.2):
                self._take(event)
            self.watcher.update(self.study, self._progress)

    def shorten_default(self) -> None:
        """Let the default with fewer epochs be a candidate, where it was better on its way: one run serves all shorter ones."""
        if shorter := self.study.shortened_default():
            self._record(shortened_event(*shorter))

    def _is_over(self, deadline: float | None) -> bool:
        return self.interrupted() or (deadline is not None and self.engine.now() >= deadline)

    def _record(self, event: Event) -> None:
        self.journal.append(event)
        self.study.apply(event)

    def _carry_out(self, action: Run | Ask | Branch | Replicate | Stop | Done, sampler: Sampler | None) -> None:
        if isinstance(action, Ask):
            assert sampler is not None, "this scheduler asks for trials, so it needs a sampler"
            trial = self._next_trial(sampler)
            self._record(trial_event(trial) if trial else exhausted_event(len(self.study.recipes())))
        elif isinstance(action, Branch):
            parent = self.study.records[action.parent].trial
            trial = Trial(len(self.study.records), action.recipe, parent.seed, FINAL, parent.seeds, parent=parent.number)
            self._record(trial_event(trial))
            self._submit(self._stage(self.study.records[trial.number], action.until_step))
        elif isinstance(action, Replicate):
            trial = Trial(len(self.study.records), action.recipe, action.seed, action.role, self.study.held.seeds(action.seed),
                          parent=action.parent, fold=action.fold)
            self._record(trial_event(trial))
            self._submit(self._stage(self.study.records[trial.number], self.study.total_steps(trial.recipe)))
        elif isinstance(action, Run):
            self._submit(self._stage(self.study.records[action.trial], action.until_step))
        elif isinstance(action, Stop):
            self._settle(action.trial, stopped_event(action.trial, action.reason))

    def _stage(self, record: Record, until: int) -> Stage:
        """The stage that takes a trial on; a final begins where its parent stands, and ends as a model."""
        trial, final = record.trial, record.trial.role == FINAL
        ends = trial.parent is not None
        source = self.study.records[trial.parent] if final and trial.parent is not None else record
        reached = branch_step(trial, until, source) if final else source.step
        return plan.stage(
            trial, until, rows=self.study.shape.rows(trial.recipe), reached=reached, checkpoints=source.checkpoints,
            folder=self.checkpoints, layers=self.study.shape.for_model(trial.recipe.model).layers, sharing=self.sharing,
            evaluate_at=() if ends else self.study.steps_at(record) + self._curve(record), deliver=ends and trial.role != FRESH,
            scores=trial.role == FRESH,
            part_tokens=source.part_tokens)

    def _next_trial(self, sampler: Sampler) -> Trial | None:
        """The next replicate of the newest recipe, or the first of another; None where there is no other."""
        _, replicate = self.study.next_trial()
        if replicate:
            first = self.study.recipes()[-1][0].trial
            suggestion: Suggestion | None = Suggestion(first.recipe, first.role)
        else:
            suggestion = suggest(self.study, sampler, self.fallback)
        if suggestion is None:
            return None
        seed = self.study.seed + replicate
        return Trial(len(self.study.records), suggestion.recipe, seed, suggestion.role, self.study.held.seeds(seed))

    def _curve(self, record: Record) -> tuple[int, ...]:
        """Steps at which to evaluate for the sake of the curve alone."""
        end, points = self.study.steps_at(record)[-1], self.curve_points
        return tuple(end * i // points for i in range(1, points))

    def _submit(self, stage: Stage) -> None:
        self._record(stage_event(stage))
        self._stages[stage.trial.number] = stage
        self.engine.submit(stage)

    def _take(self, event: Progress | Finished | Lost) -> None:
        if isinstance(event, Progress):
            self._progress[event.trial] = event
            self._say_if_short(event)
        elif isinstance(event, Lost):
            self._lost(event)
        elif event.result.disk_full:
            raise RunError(f"Trial {event.result.trial} cannot be written: the disk is full. {go_on(self.checkpoints.parent)}")
        else:
            self._finished(event.result)

    def _lost(self, lost: Lost) -> None:
        """Run a stage once more whose worker is gone, up to `MOST_RETRIES` times."""
        self._record(lost_event(lost))
        self._progress.pop(lost.trial, None)
        stage, losses = self._stages[lost.trial], self.study.records[lost.trial].losses
        if losses > MOST_RETRIES:
            self._finished(StageResult(lost.trial, stage.start, failure=f"{lost.reason}, {losses} times"))
            return
        self.watcher.say(f"  Trial {lost.trial}: {lost.reason}. Its stage is run again.")
        self.engine.submit(stage)
        if self._closing:
            self.engine.cancel(stage)

    def _finished(self, result: StageResult) -> None:
        self._stages.pop(result.trial)
        self._progress.pop(result.trial, None)
        record = self.study.records[result.trial]
        if result.failure:
            there = record.checkpoints.get(record.step)  # what was reached before is still there
            result = replace(result, checkpoint=there, step=record.step)
        self._say_if_short(result)
        self._settle(result.trial, result_event(result))
        self._drop_checkpoints()

    def _settle(self, trial: int, event: Event) -> None:
        """Take in an event after which some of a trial's checkpoints may be of no use, and delete these."""
        record = self.study.records[trial]
        before = set(record.checkpoints.values())
        self._record(event)
        for file in before - set(record.checkpoints.values()):
            file.unlink(missing_ok=True)

    def _say_if_short(self, told: Progress | StageResult) -> None:
        """Say once a trial that memory has made its parts smaller than usual."""
        if told.part_tokens and told.trial not in self._short:
            self._short.add(told.trial)
            rows = self.study.records[told.trial].trial.recipe.batch_size
            self.watcher.say(f"  Trial {told.trial}: parts of {told.part_tokens:,} tokens, for memory; the batch stays at "
                             f"{rows} rows.")

    def _drop_checkpoints(self) -> None:
        """Delete the checkpoints of ended trials that cannot become finalists, and then those that there is no room for.

        Each is four times the model's size. One that a running stage goes on from is never deleted.
        """
        for record in self.study.out_of_the_running(KEPT_CHECKPOINTS):
            self._drop(record)
        sizes = {record.trial.number: _size(record.checkpoints.values()) for record in self.study.search_records()}
        in_use = {stage.checkpoint for stage in self._stages.values()}
        for record in self.study.least_wanted_first():
            if sum(sizes.values()) <= self.quota.checkpoints:
                return
            if not in_use & set(record.checkpoints.values()):
                del sizes[record.trial.number]
                self._drop(record)

    def _drop(self, record: Record) -> None:
        self._settle(record.trial.number, dropped_event(record.trial.number))


def _size(files: Iterable[Path]) -> int:
    """The bytes of files; none of those that somebody has deleted."""
    return sum(file.stat().st_size for file in files if file.exists())
