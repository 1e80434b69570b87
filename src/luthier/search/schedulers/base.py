"""`Scheduler`, the actions it chooses among, and what schedulers share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from luthier.recipes.recipe import Recipe
from luthier.recipes.trial import TrialState
from luthier.search.study import FRESH, Record, Study


@dataclass(frozen=True)
class Run:
    """Train this trial on until this step."""

    trial: int
    until_step: int


@dataclass(frozen=True)
class Ask:
    """Ask the sampler for a new trial."""


@dataclass(frozen=True)
class Branch:
    """Make a new trial of this recipe that goes on from trial `parent` to this step, and deliver it as a model."""

    parent: int
    recipe: Recipe
    until_step: int


@dataclass(frozen=True)
class Replicate:
    """Make a new trial of a role that trains this recipe anew, for trial `parent`, with the rows of `fold` held out."""

    parent: int
    recipe: Recipe
    seed: int
    fold: int
    role: str = FRESH


@dataclass(frozen=True)
class Stop:
    """This trial will not go on; its checkpoint may be dropped."""

    trial: int
    reason: str


@dataclass(frozen=True)
class Wait:
    """Nothing to do until a running stage ends."""


@dataclass(frozen=True)
class Done:
    """There is nothing more to do."""


Action = Run | Ask | Branch | Replicate | Stop | Wait | Done


class Scheduler(Protocol):
    """Decides what to do next. Rests on steps and work, never on the clock."""

    def next(self, study: Study) -> Action:
        """The next action. All but `Wait` and `Done` are carried out before the next call."""


def next_level(study: Study, record: Record) -> int:
    """The step of the first level that the trial has not reached."""
    return next(step for step in study.steps_at(record) if step > record.step)


def begin(study: Study) -> Run | None:
    """Take up the first trial that waits, or was cut between two levels as its study was ended, or the default.

    The default always goes on to its end.
    """
    for record in study.search_records():
        cut = record.state is TrialState.PAUSED and (record.is_default or record.step not in study.steps_at(record))
        if cut or record.state is TrialState.WAITING:
            return Run(record.trial.number, next_level(study, record))
    return None


def follows(replicates: Sequence[Record], step: int) -> bool:
    """Whether another replicate of the recipe has been let go on beyond this step: then all go on, to stay comparable."""
    return any(record.target > step for record in replicates)


def ask_or_end(study: Study, max_recipes: int | None) -> Action:
    """Ask for another trial while there may be and are more recipes, on all of their seeds; else wait for what runs."""
    more = max_recipes is None or len(study.search_records()) < max_recipes * study.repeats
    if more and not (study.exhausted or study.hopeless()):
        return Ask()
    return Wait() if study.running() else Done()
