"""Every trial runs to its end: the control that any early stopping is held against, and what a grid study wants."""

from __future__ import annotations

from dataclasses import dataclass

from luthier.recipes.trial import TrialState
from luthier.search.schedulers.base import Action, Run, ask_or_end
from luthier.search.study import Study


@dataclass(frozen=True)
class FullRuns:
    """Runs up to `max_recipes` recipes (None: as many as are let run), each trial in one stage to its end."""

    max_recipes: int | None = None

    def next(self, study: Study) -> Action:
        """Begin what waits, else ask for a new trial."""
        for record in study.search_records():
            if record.state in (TrialState.WAITING, TrialState.PAUSED):
                return Run(record.trial.number, study.steps_at(record)[-1])
        return ask_or_end(study, self.max_recipes)
