"""ASHA (Li et al. 2020), with trials that pause and go on, and are never started again; and what Luthier makes of it.

A trial pauses at each level; whenever its recipe is among the best of those that have reached the level, a third as in the
paper or what else is `promoted`, it goes on to the next. What lags may go on later or, where a scheduler `stops`, never. Levels
are in work, so a cheaper recipe makes more steps for its level. A recipe on several seeds is judged by its mean, once all of its
trials are there, and they go on or stop together. The default recipe always goes on to the end: it is what the others are held
against. Where every recipe of the space has been tried, those that paused go on too, the best first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from luthier.recipes.trial import TrialState
from luthier.search.schedulers.base import Action, Run, Stop, ask_or_end, begin, follows, next_level
from luthier.search.study import Record, Study, has_failed

REDUCTION = 3
ENOUGH_TO_STOP = 4


@dataclass(frozen=True)
class AshaScheduler:
    """Runs up to `max_recipes` recipes (None: as many as are let run) through the study's levels.

    Args:
        promoted: the share of those that have reached a level which goes on.
        stops: whether the worse half of those at a level ends there for good, once there are four. Its checkpoints can then go.
    """

    max_recipes: int | None = None
    promoted: float = 1 / REDUCTION
    stops: bool = False

    @classmethod
    def generous(cls, max_recipes: int | None = None) -> AshaScheduler:
        """What Luthier does when nothing else is asked: the better half goes on, the worse ends (benchmarks/policies.py).

        Where there is work for few full runs, an early look is too noisy to leave two in three behind.
        """
        return cls(max_recipes, 1 / 2, stops=True)

    def next(self, study: Study) -> Action:
        """Begin what waits, promote what may go on, stop what is far behind, else ask for a new trial."""
        levels = reversed(range(len(study.levels) - 1))
        judged = (action for level in levels if (action := self._at_level(study, level)))
        return begin(study) or next(judged, None) or _best_paused(study) or ask_or_end(study, self.max_recipes)

    def _at_level(self, study: Study, level: int) -> Action | None:
        """Promote or stop a trial that is paused at `level`, if one should be."""
        reached = [(value, replicates) for replicates in study.recipes() if replicates[0].trial.recipe.horizon_free
                   and (value := study.mean_at(replicates, level)) is not None]
        reached.sort(key=lambda pair: (-pair[0], pair[1][0].trial.number))
        goes_on = math.floor(self.promoted * len(reached) + 1e-9)
        for rank, (_, replicates) in enumerate(reached):
            for record in replicates:
                if record.state is TrialState.PAUSED and record.step == study.steps_at(record)[level]:
                    action = self._promote_or_stop(study, record, replicates, rank, len(reached), goes_on)
                    if action:
                        return action
        return None

    def _promote_or_stop(self, study: Study, record: Record, replicates: list[Record], rank: int, reached: int,
                         goes_on: int) -> Action | None:
        """What becomes of a trial whose recipe has place `rank`, from 0, among `reached` at its level, of which so many go on."""
        if rank < goes_on or follows(replicates, record.step):
            return Run(record.trial.number, next_level(study, record))
        if self.stops and reached >= ENOUGH_TO_STOP and rank >= (reached + 1) // 2:
            return Stop(record.trial.number, f"place {rank + 1} of {reached} after {record.step} steps")
        return None


def _best_paused(study: Study) -> Run | None:
    """Where no other recipe can be tried, the best that has paused goes on: there is nothing better to do with the time."""
    if not study.exhausted:
        return None
    replicates = {recipe[0].trial.number: [] if has_failed(recipe) else recipe for recipe in study.recipes()}
    paused = (record for lead in study.ranked() for record in replicates[lead.trial.number] if record.state is TrialState.PAUSED)
    return next((Run(record.trial.number, next_level(study, record)) for record in paused), None)
