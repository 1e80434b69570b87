"""The terminal: sentences as they come, and a live view of the trials (plain lines where it is not a terminal)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.live import Live

from luthier.cli.view import View
from luthier.recipes.trial import Progress, TrialState
from luthier.search.budget import Plan
from luthier.search.study import Record, Study

PLAIN_SECONDS = 15.0


class Display:
    """An `Observer` that draws on a console.

    Where one recipe is trained `alone`, it is called just that, and its final is shown only where it trains on.
    """

    def __init__(self, console: Console, *, alone: bool = False) -> None:
        self._console = console
        self.alone = alone
        self._live: Live | None = None
        self._plan: Plan | None = None
        self._trials: int | None = None
        self._refit = False
        self._started = time.monotonic()
        self._printed = 0.0
        self._scored: dict[int, int] = {}

    def __enter__(self) -> Display:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.searched()

    def say(self, line: str) -> None:
        """Print a sentence (above the live view, if there is one)."""
        self._console.print(line)

    def searching(self, plan: Plan, started: float, trials: int | None, refit: bool = False) -> None:
        """Begin the live view."""
        self._plan, self._started, self._trials, self._refit = plan, started, trials, refit
        if self._console.is_terminal and not self._console.quiet:
            self._live = Live(console=self._console, refresh_per_second=4, transient=False)
            self._live.start()

    def update(self, study: Study, running: Mapping[int, Progress]) -> None:
        """Draw the study anew, or print what is new."""
        view = self.view(study, running)
        if self._live:
            self._live.update(view.render(self._console.width, self._console.height))
            return
        for record in view.shown():
            self._print_news(view, record)
        if running and time.monotonic() - self._printed > PLAIN_SECONDS:
            self._printed = time.monotonic()
            self._console.print(f"  {view.clock():>6}  {view.status() or 'training'}")

    def view(self, study: Study, running: Mapping[int, Progress]) -> View:
        """The study as it stands now."""
        return View(study, running, time.monotonic() - self._started, self._plan, self._trials, self.alone, self._refit)

    def searched(self) -> None:
        """End the live view."""
        if self._live:
            self._live.stop()
            self._live = None

    def _print_news(self, view: View, record: Record) -> None:
        study, number = view.study, record.trial.number
        known = self._scored.get(number, 0)
        news = ""
        if record.state is TrialState.FAILED and known >= 0:
            self._scored[number], news = -1, f"{view.named(record)} failed: {record.reason}"
        elif record.state is TrialState.STOPPED and known >= 0:
            self._scored[number], news = -1, f"{view.named(record)} stopped: {record.reason}"
        elif len(record.points) > known >= 0:
            self._scored[number], self._printed = len(record.points), time.monotonic()
            role = "" if self.alone else f" ({record.trial.role})"
            parts = (f"{view.named(record)}{role}: step {record.step}, {study.metric} {record.value(study.metric) or 0:.3f}",
                     view.status())
            news = "; ".join(filter(None, parts))
        if news:
            self._console.print(f"  {view.clock():>6}  {news}")
