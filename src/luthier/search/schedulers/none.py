"""Every trial runs to its end: the control that any early stopping is held against, and what a grid study wants."""

from __future__ import annotations

from dataclasses import dataclass

from luthier.recipes.trial import TrialState
from luthier.search.schedulers.base import Action, Ask, Done, Run, Wait
from luthier.search.study import Study


@dataclass(frozen=True)
class FullRuns:
    """Runs up to `max_trials` trials (None: as many as are let run), each in one stage to its end."""

    max_trials: int | None = None

    def next(self, study: Study) -> Action:
        """Begin what waits, else ask for a new trial."""
        records = study.search_records()
        for record in records:
            if record.state in (TrialState.WAITING, TrialState.PAUSED):
                return Run(record.trial.number, study.steps_at(record)[-1])
        if (self.max_trials is None or len(records) < self.max_trials) and not study.hopeless():
            return Ask()
        return Wait() if study.running() else Done()
