"""One epoch for every recipe, then the best to the end: the control that rungs are held against.

Of the recipes asked for, the best third after one epoch goes on to the end and the others stop. Where only time ends a search,
nobody knows how many recipes there will be, so they come in groups of nine, and the best three of each go on. A recipe on several
seeds is judged by its mean. Besides these, the default recipe always runs to its end, and so does one whose schedule has a
horizon: after an epoch it is not where a shorter run of it would be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean

from luthier.recipes.recipe import steps_per_epoch
from luthier.recipes.trial import TrialState
from luthier.search.schedulers.base import Action, Run, Stop, ask_or_end
from luthier.search.study import Record, Study, has_failed

SHARE, GROUP = 3, 9


@dataclass(frozen=True)
class TopKScheduler:
    """Runs up to `max_recipes` recipes (None: as many as are let run) for an epoch, and the best third of them to the end."""

    max_recipes: int | None = None

    def next(self, study: Study) -> Action:
        """Begin what waits, let go on or stop what has paused once all of its group are there, else ask for a new trial."""
        for record in study.search_records():
            end = _end(study, record) if _is_exempt(record) else first_epoch(study, record)
            if record.state in (TrialState.WAITING, TrialState.PAUSED) and record.step < end:
                return Run(record.trial.number, end)
        judged = (action for group in self._groups(study) if (action := _judge(study, group)))
        return next(judged, None) or ask_or_end(study, self.max_recipes)

    def _groups(self, study: Study) -> Iterator[list[list[Record]]]:
        """The groups of recipes of which all have been asked for, and have had their epoch."""
        recipes, size = study.recipes(), self.max_recipes or GROUP
        no_more = study.exhausted or study.hopeless()
        for start in range(0, len(recipes), size):
            group = recipes[start:start + size]
            whole = no_more or (len(group) == size and len(group[-1]) == study.repeats)
            if whole and not any(_is_under_way(study, record) for replicates in group for record in replicates):
                yield group


def first_epoch(study: Study, record: Record) -> int:
    """The step at which the trial has seen all rows once, or its end where that comes first."""
    recipe = record.trial.recipe
    return min(steps_per_epoch(study.shape.rows(recipe), recipe.batch_size), _end(study, record))


def _end(study: Study, record: Record) -> int:
    return study.steps_at(record)[-1]


def _is_exempt(record: Record) -> bool:
    """Whether the trial goes to its end whatever the others do."""
    return record.is_default or not record.trial.recipe.horizon_free


def _is_under_way(study: Study, record: Record) -> bool:
    """Whether the trial's first epoch is not over yet."""
    return record.state is TrialState.RUNNING and record.target <= first_epoch(study, record)


def _judge(study: Study, group: list[list[Record]]) -> Action | None:
    """What becomes of the next paused trial of a group; None where none is paused."""
    ranked = sorted((-mean, replicates[0].trial.number) for replicates in group if (mean := _mean(study, replicates)) is not None)
    places = {number: place for place, (_, number) in enumerate(ranked)}
    for replicates in group:
        place = places.get(replicates[0].trial.number, len(group))
        for record in replicates:
            if record.state is TrialState.PAUSED:
                if place < max(1, len(group) // SHARE):
                    return Run(record.trial.number, _end(study, record))
                return Stop(record.trial.number, _why(place, len(ranked)))
    return None


def _mean(study: Study, replicates: list[Record]) -> float | None:
    """The mean of a recipe after one epoch; None where one of its trials failed."""
    values = [record.value_at(first_epoch(study, record), study.metric) for record in replicates]
    found = [value for value in values if value is not None]
    return fmean(found) if found and len(found) == len(values) and not has_failed(replicates) else None


def _why(place: int, ranked: int) -> str:
    return f"place {place + 1} of {ranked} after one epoch" if place < ranked else "the recipe failed on another seed"
