"""`Observer`: is told what a run does. The command line draws; a library user gets log lines."""

from __future__ import annotations

import logging
from typing import Protocol

from luthier.recipes.trial import Progress
from luthier.search.budget import Plan
from luthier.search.study import Study

log = logging.getLogger("luthier")


class Observer(Protocol):
    """Is told what a run does, in the order in which it happens."""

    def say(self, line: str) -> None:
        """A sentence for the user."""

    def searching(self, plan: Plan, started: float, trials: int | None, refit: bool = False) -> None:
        """The search begins, of at most so many recipes; `started` is when the command did, on the monotonic clock.

        With `refit`, the recipe that is chosen is trained once more in the end.
        """

    def update(self, study: Study, running: dict[int, Progress]) -> None:
        """The study has changed; `running` holds the newest progress of each running trial."""

    def searched(self) -> None:
        """The search and its finals have ended."""


class LogObserver:
    """Passes sentences on to the logger "luthier"."""

    def say(self, line: str) -> None:
        """Log the sentence."""
        log.info(line)

    def searching(self, plan: Plan, started: float, trials: int | None, refit: bool = False) -> None:
        """Nothing to draw."""

    def update(self, study: Study, running: dict[int, Progress]) -> None:
        """Nothing to draw."""

    def searched(self) -> None:
        """Nothing to draw."""
