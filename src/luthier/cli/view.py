"""What a search looks like while it runs: a line that says where it stands, one of its rungs, and a row for each trial."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from luthier.data.places import count
from luthier.recipes.trial import Progress, TrialState
from luthier.search.budget import Plan, duration
from luthier.search.study import FINAL, FRESH, REFIT, Record, Study

MOST_ROWS, BEST_ROWS = 14, 4
CURVE_WIDTH = 10
WHY_WIDTH = 18
"""The narrowest column of reasons that says something."""
FEW_RECIPES = 3
"""Before so many have been tried, nothing can be said of the time that others will take."""
AFTER = (FRESH, FINAL, REFIT)
"""The roles of what is trained after the search."""
_BLOCKS = "▁▂▃▄▅▆▇█"
_GAP = 2
_STEPS = re.compile(r" after [\d,]+ steps")


@dataclass(frozen=True)
class Cell:
    """A column: its title, what it says of a trial, and how soon it goes where the terminal is narrow (0: never)."""

    title: str
    says: Callable[[Record], str]
    goes: int = 0
    right: bool = False


@dataclass(frozen=True)
class View:
    """A study as it stands, to be drawn.

    Attributes:
        running: the newest progress of each trial that is being trained.
        seconds: that the run has worked.
        trials: the most recipes that are to be tried.
        alone: whether one recipe is trained, which is then called just that.
        refit: whether the chosen recipe is trained once more, on more rows.
    """

    study: Study
    running: Mapping[int, Progress]
    seconds: float
    plan: Plan | None = None
    trials: int | None = None
    alone: bool = False
    refit: bool = False

    def shown(self) -> list[Record]:
        """The trials to speak of: of one recipe alone, its final only where that trains on."""
        return [record for record in self.study.records.values() if not (self.alone and self._is_empty(record))]

    def named(self, record: Record) -> str:
        """What a trial is called in a sentence."""
        if self.alone:
            return "the recipe" if record.trial.parent is None else "its final"
        return f"trial {record.trial.number}"

    def clock(self) -> str:
        """The time so far."""
        minutes, seconds = divmod(int(self.seconds), 60)
        return f"{minutes}:{seconds:02d}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"

    def status(self) -> str:
        """The best so far, speed and time left, as far as they are known."""
        speed = sum(progress.rows_per_second for progress in self.running.values())
        best = "" if self.alone else self.best()
        parts = [best] if best else []
        parts += [f"{speed:,.0f} rows/s"] if speed else []
        left = self.left()
        parts += [f"{'' if self._limited else 'about '}{duration(left)} left"] if left is not None else []
        return ", ".join(parts)

    def best(self) -> str:
        """The highest figure on the rung rows that any trial has had, finals too, and where that trial stands now.

        Fresh finals hold out other rows. Of several seeds the mean counts, which is known of recipes as they stand.
        """
        if self.study.repeats > 1:
            lead = next(iter(self.study.ranked()), None)
            return f"best mean validation score {self.study.score(lead):.3f} (from trial {lead.trial.number})" if lead else ""
        seen = [(value, -record.trial.number, values[-1]) for record in self.study.records.values() if record.trial.fold == 0
                and record.trial.role != FRESH and (values := self._values(record)) for value in values]
        if not seen:
            return ""
        value, number, last = max(seen)
        now = f", now {last:.3f}" if round(last, 3) < round(value, 3) else ""
        return f"best validation score {value:.3f} (trial {-number}{now})"

    @property
    def _limited(self) -> bool:
        return self.plan is not None and self.plan.finals_until is not None

    def left(self) -> float | None:
        """Seconds until the end: those of the budget, or a guess from what the trials so far have taken."""
        plan = self.plan
        if plan is None:
            return None
        if plan.finals_until is not None:
            return max(0.0, plan.finals_until + plan.scoring_seconds - self.seconds)
        recipes, ends = len(self.study.recipes()), [record for role in AFTER for record in self.study.ends(role)]
        if self.alone or self.trials is None or recipes < FEW_RECIPES:
            return None
        finals = plan.finals_seconds * (1 - self._share_made(plan, ends))
        search = 0.0 if ends or self.study.exhausted else self.seconds / recipes * max(0, self.trials - recipes)
        return search + finals + plan.scoring_seconds

    def _share_made(self, plan: Plan, ends: Sequence[Record]) -> float:
        """How much of what comes after the search is made, in steps: a final makes its decay, all others a whole run with one."""
        finalists, decay = 1 + plan.challengers, next((record.trial.recipe.decay_share for record in ends), 0.0)
        weights = {FRESH: 1.0, FINAL: decay, REFIT: 1.0}
        finals = 2 if plan.fresh else finalists
        whole = weights[FRESH] * finalists * plan.fresh + weights[FINAL] * finals + weights[REFIT] * self.refit
        made = sum(weights[record.trial.role] * self._share(record) for record in ends)
        return min(1.0, made / whole) if whole else 0.0

    def _share(self, record: Record) -> float:
        """How much of its own steps a trial after the search has made."""
        if record.state in (TrialState.COMPLETE, TrialState.STOPPED, TrialState.FAILED):
            return 1.0
        parent = self.study.records.get(record.trial.parent) if record.trial.parent is not None else None
        start = parent.step if parent and record.trial.role == FINAL else 0
        own = self.study.total_steps(record.trial.recipe) - start
        return min(1.0, max(0.0, (self._step(record) - start) / own)) if own > 0 else 0.0

    def rungs(self) -> str:
        """How many trials stand where."""
        states = Counter(record.state for record in self.study.search_records())
        said = [f"{states[state]} {state.value}" for state in TrialState if states[state] and state is not TrialState.WAITING]
        most = f" of {self.trials * self.study.repeats}" if self.trials else ""
        parts = [f"{len(self.study.search_records())}{most} trials: {', '.join(said)}"] if said else []
        levels = len(self.study.levels)
        if levels > 1 and said:
            there = [sum(self._level(record) >= level for record in self.study.search_records()) for level in range(1, levels + 1)]
            parts.append("reached rung " + ", ".join(f"{level}: {number}" for level, number in enumerate(there, start=1)))
        fresh, finals = self.study.ends(FRESH), self.study.ends(FINAL)
        if fresh:
            ended = sum(record.state is TrialState.COMPLETE for record in fresh)
            parts.append(f"fresh: {ended} of {len(fresh)}")
        if finals:
            parts.append(count(len(finals), "final"))
        if self.study.ends(REFIT):
            parts.append("final fit on training and validation rows")
        return "; ".join(parts)

    def render(self, width: int, height: int = 0) -> RenderableType:
        """All of it, in so many columns and (0: as many as it takes) lines."""
        parts: list[RenderableType] = [Text(f"{self.clock()}  {self.status() or 'training'}", overflow="ellipsis", no_wrap=True)]
        if not self.alone and (rungs := self.rungs()):
            parts.append(Text(rungs, style="dim", overflow="ellipsis", no_wrap=True))
        records = self._chosen(min(MOST_ROWS, max(3, height - 6)) if height else MOST_ROWS)
        if records:
            parts.append(self._table(records, width))
        hidden = len(self.shown()) - len(records)
        if hidden:
            parts.append(Text(f"and {count(hidden, 'other trial')}", style="dim"))
        return Group(*parts)

    def _chosen(self, most: int) -> list[Record]:
        """The trials that there is room for: those that run, the best, and the newest, in order."""
        records = self.shown()
        best = [record.trial.number for record in self.study.ranked()[:BEST_ROWS]]
        by_wish = sorted(records, key=lambda record: (
            record.state is not TrialState.RUNNING, record.trial.number not in best, -record.trial.number))
        return sorted(by_wish[:most], key=lambda record: record.trial.number)

    def _table(self, records: Sequence[Record], width: int) -> Table:
        cells = self._cells(records, width)
        table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="dim")
        for cell in cells:
            table.add_column(cell.title, justify="right" if cell.right else "left", no_wrap=True, overflow="ellipsis")
        best = self.study.ranked()[:1]
        for record in records:
            quiet = record.state in (TrialState.STOPPED, TrialState.FAILED)
            style = "bold" if best and record is best[0] else "dim" if quiet else ""
            table.add_row(*(Text(cell.says(record)) for cell in cells), style=style)
        return table

    def _cells(self, records: Sequence[Record], width: int) -> list[Cell]:
        """The columns that fit, the least telling left out first."""
        values = [value for record in records for value in self._values(record)]
        low, high = min(values, default=0.0), max(values, default=1.0)
        cells = [
            Cell("trial", lambda record: str(record.trial.number), right=True), Cell("from", self._source, 5),
            Cell("state", self._state), Cell("steps", self._steps, right=True),
            Cell("rung", self._rung, 6, right=True),
            Cell(self.study.metric, lambda record: _figure(record.value(self.study.metric)), right=True),
            Cell("curve", lambda record: _curve(self._values(record), low, high), 4),
            Cell("rate", lambda record: f"{record.trial.recipe.learning_rate:.2g}", 3, right=True),
            Cell("layers", _layers, 2, right=True),
            Cell("batch", lambda record: str(record.trial.recipe.batch_size), 1, right=True),
            Cell("why", _why)]
        if self.alone:
            cells = [cell for cell in cells if cell.title not in ("trial", "rung")]
        cells = [cell for cell in cells if any(cell.says(record) for record in records)]

        def needs(cell: Cell) -> int:
            longest = max(len(cell.title), *(len(cell.says(record)) for record in records))
            return _GAP + (min(longest, WHY_WIDTH) if cell.title == "why" else longest)

        while sum(map(needs, cells)) > width and any(cell.goes for cell in cells):
            cells.remove(min((cell for cell in cells if cell.goes), key=lambda cell: cell.goes))
        return cells

    def _source(self, record: Record) -> str:
        """Where a recipe comes from."""
        trial = record.trial
        if self.alone or trial.parent is None:
            return self.named(record) if self.alone else trial.role
        return f"{trial.role} of {trial.parent}"

    def _state(self, record: Record) -> str:
        return "replaying" if self._step(record) < record.step else record.state.value

    def _step(self, record: Record) -> int:
        progress = self.running.get(record.trial.number)
        return progress.step if progress else record.step

    def _steps(self, record: Record) -> str:
        goal = f"/{record.target}" if record.state is TrialState.RUNNING else ""
        return f"{self._step(record)}{goal}"

    def _level(self, record: Record) -> int:
        """How many rungs a trial has reached."""
        return sum(record.step >= step for step in self.study.steps_at(record))

    def _rung(self, record: Record) -> str:
        if record.trial.parent is not None or len(self.study.levels) < 2:
            return ""
        return f"{self._level(record)}/{len(self.study.levels)}"

    def _values(self, record: Record) -> list[float]:
        """The curve of a trial: its values on the rung rows."""
        return [point.metrics[self.study.metric] for point in record.points if point.rows == "rung"]

    def _is_empty(self, record: Record) -> bool:
        """Whether a final has no step of its own to make, so that it only writes down the model of its trial."""
        if record.trial.role != FINAL or record.trial.parent is None or record.state is TrialState.FAILED:
            return False
        total = self.study.total_steps(record.trial.recipe)
        return total <= self.study.records[record.trial.parent].step


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _layers(record: Record) -> str:
    """Which blocks are trained."""
    return f"{record.trial.recipe.frozen_layers}+" if record.trial.recipe.frozen_layers else "all"


def _why(record: Record) -> str:
    """Why a trial has stopped or failed, in few words: its steps have a column of their own."""
    return _STEPS.sub("", record.reason) if record.state in (TrialState.STOPPED, TrialState.FAILED) else ""


def _curve(values: Sequence[float], low: float, high: float) -> str:
    """Values as blocks between the lowest and the highest of all trials shown, so that curves can be held side by side."""
    some = values if len(values) <= CURVE_WIDTH else [
        values[place * (len(values) - 1) // (CURVE_WIDTH - 1)] for place in range(CURVE_WIDTH)]
    return "".join(_BLOCKS[round((len(_BLOCKS) - 1) * (value - low) / (high - low))] if high > low else _BLOCKS[0]
                   for value in some)
