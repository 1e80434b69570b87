"""The median rule (Golovin et al. 2017): a trial whose recipe is below the median of its rung stops there.

At each level, a recipe goes on unless its value is below the median of all that have reached the level, its own among
them; the first few always go on, since too few others are there to tell. A recipe on several seeds is judged by its mean,
once all of its trials are there, and they go on or stop together. The default recipe always goes on to the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from luthier.recipes.trial import TrialState
from luthier.search.schedulers.base import Action, Run, Stop, ask_or_end, begin, follows, next_level
from luthier.search.study import Record, Study

ENOUGH_OTHERS = 5


@dataclass(frozen=True)
class MedianScheduler:
    """Runs up to `max_recipes` recipes (None: as many as are let run), stopping those below the median of a level."""

    max_recipes: int | None = None

    def next(self, study: Study) -> Action:
        """Begin what waits, let go on or stop what has paused, else ask for a new trial."""
        judged = (action for replicates in study.recipes() for record in replicates
                  if record.state is TrialState.PAUSED and (action := _judge(study, replicates, record)))
        return begin(study) or next(judged, None) or ask_or_end(study, self.max_recipes)


def _judge(study: Study, replicates: list[Record], record: Record) -> Action | None:
    """What becomes of a paused trial; None while other trials of its recipe are on their way to its level."""
    on = Run(record.trial.number, next_level(study, record))
    if follows(replicates, record.step):
        return on
    level = study.steps_at(record).index(record.step)
    own = study.mean_at(replicates, level)
    if own is None:
        return None
    reached = [value for others in study.recipes() if others[0].trial.recipe.horizon_free
               and (value := study.mean_at(others, level)) is not None]
    if len(reached) <= ENOUGH_OTHERS or own >= median(reached):
        return on
    return Stop(record.trial.number, f"{own:.3f} after {record.step} steps, below the median {median(reached):.3f} "
                                     f"of {len(reached)}")
