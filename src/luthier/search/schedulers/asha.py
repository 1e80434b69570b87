"""A rung scheduler after ASHA (Li et al. 2020) that pauses and goes on, and never starts a trial again.

A trial pauses at each level; whenever it is among the best third of those that have reached its level, it goes on to
the next. Levels are in work, so a cheaper recipe makes more steps for its level. The default recipe, trial 0, always
goes on to the end: it is what the others are held against.
"""

from __future__ import annotations

from dataclasses import dataclass

from luthier.recipes.trial import TrialState
from luthier.search.schedulers.base import Action, Ask, Done, Run, Stop, Wait
from luthier.search.study import Record, Study

REDUCTION = 3
ENOUGH_TO_STOP = 4


@dataclass(frozen=True)
class AshaScheduler:
    """Runs up to `max_trials` trials (None: as many as are let run) through the study's levels."""

    max_trials: int | None = None

    def next(self, study: Study) -> Action:
        """Begin what waits, promote what may go on, stop what is far behind, else ask for a new trial."""
        records = study.search_records()
        for record in records:
            if record.state is TrialState.WAITING or (record.trial.number == 0 and record.state is TrialState.PAUSED):
                return Run(record.trial.number, next_level(study, record))
        for level in reversed(range(len(study.levels) - 1)):
            action = _at_level(study, records, level)
            if action:
                return action
        if (self.max_trials is None or len(records) < self.max_trials) and not study.hopeless():
            return Ask()
        return Wait() if study.running() else Done()


def next_level(study: Study, record: Record) -> int:
    """The step of the first level that the trial has not reached."""
    return next(step for step in study.steps_at(record) if step > record.step)


def _at_level(study: Study, records: list[Record], level: int) -> Action | None:
    """Promote or stop a trial that is paused at `level`, if one should be."""
    reached: list[tuple[float, Record]] = []
    for record in records:
        value = record.value_at(study.steps_at(record)[level], study.metric)
        comparable = record.trial.recipe.horizon_free and record.state is not TrialState.FAILED
        if value is not None and comparable:
            reached.append((value, record))
    reached.sort(key=lambda pair: (-pair[0], pair[1].trial.number))
    promotable = len(reached) // REDUCTION
    for rank, (_, record) in enumerate(reached):
        if record.state is not TrialState.PAUSED or record.step != study.steps_at(record)[level]:
            continue
        if rank < promotable:
            return Run(record.trial.number, next_level(study, record))
        if len(reached) >= ENOUGH_TO_STOP and rank >= (len(reached) + 1) // 2:
            return Stop(record.trial.number, f"place {rank + 1} of {len(reached)} after {record.step} steps")
    return None
