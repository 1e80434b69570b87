"""The terminal: sentences as they come, and a live table of the trials (plain lines where it is not a terminal)."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table

from luthier.recipes.trial import Progress, TrialState
from luthier.search.budget import Plan, duration
from luthier.search.study import Record, Study

PLAIN_SECONDS = 15.0
MOST_ROWS = 14


class Display:
    """An `Observer` that draws on a console.

    Where one recipe is trained `alone`, it is called just that, and its final is shown only where it trains on.
    """

    def __init__(self, console: Console, *, alone: bool = False) -> None:
        self._console = console
        self.alone = alone
        self._live: Live | None = None
        self._plan: Plan | None = None
        self._started = time.monotonic()
        self._printed = 0.0
        self._scored: dict[int, int] = {}

    def __enter__(self) -> Display:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.searched()

    def say(self, line: str) -> None:
        """Print a sentence (above the live table, if there is one)."""
        self._console.print(line)

    def searching(self, plan: Plan, started: float) -> None:
        """Begin the live table."""
        self._plan, self._started = plan, started
        if self._console.is_terminal and not self._console.quiet:
            self._live = Live(console=self._console, refresh_per_second=4, transient=False)
            self._live.start()

    def update(self, study: Study, running: dict[int, Progress]) -> None:
        """Draw the study anew, or print what is new."""
        if self._live:
            self._live.update(self._table(study, running))
            return
        for record in self._shown(study):
            self._print_news(study, record, running)
        if running and time.monotonic() - self._printed > PLAIN_SECONDS:
            self._printed = time.monotonic()
            self._console.print(f"  {self._clock()}  {self._status(study, running) or 'training'}")

    def searched(self) -> None:
        """End the live table."""
        if self._live:
            self._live.stop()
            self._live = None

    def _shown(self, study: Study) -> list[Record]:
        """The trials to speak of."""
        return [record for record in study.records.values() if not (self.alone and _is_empty(study, record))]

    def _named(self, record: Record) -> str:
        if self.alone:
            return "the recipe" if record.trial.parent is None else "its final"
        return f"trial {record.trial.number}"

    def _print_news(self, study: Study, record: Record, running: dict[int, Progress]) -> None:
        known = self._scored.get(record.trial.number, 0)
        if record.state is TrialState.FAILED and known >= 0:
            self._scored[record.trial.number] = -1
            self._console.print(f"  {self._clock()}  {self._named(record)} failed: {record.reason}")
        elif len(record.points) > known >= 0:
            self._scored[record.trial.number] = len(record.points)
            self._printed = time.monotonic()
            role = "" if self.alone else f" ({record.trial.role})"
            news = (f"{self._named(record)}{role}: step {record.step}, {study.metric} {record.value(study.metric) or 0:.3f}",
                    self._status(study, running))
            self._console.print(f"  {self._clock()}  {'; '.join(filter(None, news))}")

    def _status(self, study: Study, running: dict[int, Progress]) -> str:
        best = study.ranked()[:1]
        speed = sum(progress.rows_per_second for progress in running.values())
        parts = [f"best {study.score(best[0]):.3f} (trial {best[0].trial.number})"] if best and not self.alone else []
        parts += [f"{speed:.0f} rows/s"] if speed else []
        left = self._left()
        parts += [f"{duration(left)} left"] if left is not None else []
        return ", ".join(parts)

    def _left(self) -> float | None:
        if self._plan is None or self._plan.finals_until is None:
            return None
        return max(0.0, self._plan.finals_until + self._plan.scoring_seconds - (time.monotonic() - self._started))

    def _clock(self) -> str:
        seconds = int(time.monotonic() - self._started)
        return f"{seconds // 60:3d}:{seconds % 60:02d}"

    def _table(self, study: Study, running: dict[int, Progress]) -> Table:
        title = f"{self._clock().strip()}  {self._status(study, running) or 'training'}"
        table = Table(title=title, title_justify="left", expand=False)
        for name in ("trial", "from", "state", "steps", study.metric, "learning rate", "layers", "batch"):
            table.add_column(name, justify="left" if name in ("from", "state") else "right")
        best = study.ranked()[:1]
        shown = sorted(self._shown(study), key=lambda r: (r.state is not TrialState.RUNNING, -r.trial.number))[:MOST_ROWS]
        for record in sorted(shown, key=lambda record: record.trial.number):
            recipe, value = record.trial.recipe, record.value(study.metric)
            step = running[record.trial.number].step if record.trial.number in running else record.step
            state = "replaying" if step < record.step else record.state.value
            goal = f"/{record.target}" if record.state is TrialState.RUNNING else ""
            table.add_row(
                str(record.trial.number), self._named(record) if self.alone else record.trial.role, state,
                f"{step}{goal}",
                "" if value is None else f"{value:.3f}", f"{recipe.learning_rate:.2g}",
                f"{recipe.frozen_layers}+" if recipe.frozen_layers else "all", str(recipe.batch_size),
                style="bold" if best and record is best[0] else "")
        return table


def _is_empty(study: Study, record: Record) -> bool:
    """Whether a final has no step of its own to make, so that it only writes down the model of its trial."""
    if record.trial.parent is None or record.state is TrialState.FAILED:
        return False
    return record.trial.recipe.total_steps(study.shape.rows(record.trial.recipe)) <= study.records[record.trial.parent].step
