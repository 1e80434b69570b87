"""`Scheduler` and the actions it chooses among."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from luthier.recipes.recipe import Recipe
from luthier.search.study import Study


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


Action = Run | Ask | Branch | Stop | Wait | Done


class Scheduler(Protocol):
    """Decides what to do next. Rests on steps and work, never on the clock."""

    def next(self, study: Study) -> Action:
        """The next action. `Run`, `Ask`, `Branch` and `Stop` are carried out before the next call."""
