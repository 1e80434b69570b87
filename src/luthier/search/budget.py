"""How a search's time is shared out: what a budget of seconds buys, and the least that works. Pure functions.

Seconds are turned into work once, at the start, from a measured speed; every later decision is in work.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from luthier.errors import ConfigError
from luthier.recipes.recipe import Recipe
from luthier.search.finals import decayed_total
from luthier.search.schedulers.asha import REDUCTION
from luthier.sharing.work import FORWARD_SHARE, Shape, pass_work, step_work

DEFAULT_SHARE, MOST_DEFAULT_SHARE = 0.5, 0.8
"""The default recipe takes at most this share of what the workers do in the search, so that others can be compared with it, and
of the search's time: it must come to its end, and the speed is an estimate."""
LEAST_STEPS = 50
FEWEST_RUNG_STEPS = 30
STAGE_SECONDS = 2.0
"""Time around the training of a stage: building the model, reading and writing its weights."""
WORKER_START_SECONDS = 2.0
CLOSING_SECONDS = 6.0
MARGIN = 1.1
LEAST_MARGIN = 1.25
"""By how much more than it takes now the least budget is named: the machine may be slower when it is asked again."""
FRESH_FINALS = ((3, 3), (2, 3), (1, 3))
"""Challengers of the default, and seeds that all are trained anew on: the first that there is time for. Two seeds would find a
true gain too seldom (benchmarks/LOG.md)."""
FRESH_SHARE = 0.4
"""What that may take of the time for search and finals, and of the trainings in all."""
MOST_CURVE_POINTS = 10
FEWEST_RUNG_ROWS = 200
LOOK_SHARE = 0.05
"""What one look at the rung rows may take, over the training of a full run, where there are more than the fewest."""
CURVE_SHARE = 0.08
"""What looking at the rung rows for the sake of the curve alone may take, over the training of a full run."""

_DURATION = re.compile(r"^(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?$")


def parse_duration(text: str) -> float:
    """Seconds of a duration such as 90s, 15m, 2h or 1h30m.

    Raises:
        ConfigError: it is not one, or is zero.
    """
    match = _DURATION.match(text.strip().lower())
    parts = [float(part or 0) for part in match.groups()] if match and text.strip() else []
    seconds = sum(part * unit for part, unit in zip(parts, (3600, 60, 1), strict=False))
    if not seconds > 0:
        raise ConfigError(f"--budget {text}: not a duration; write 90s, 15m, 2h or 1h30m")
    return seconds


def duration(seconds: float) -> str:
    """Seconds as a person says them: 45 s, 4 min 30 s, 2 h 5 min."""
    whole = max(0, round(seconds))
    if whole < 90:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min" + (f" {rest} s" if rest and minutes < 10 else "")
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h" + (f" {minutes} min" if minutes else "")


@dataclass(frozen=True)
class Speed:
    """Measured at the start: work (see sharing/work.py) a worker does in a second, training and only looking; and `serving`,
    what all cores together do for a finished model, which answers in fp32."""

    training: float
    forward: float
    serving: float


@dataclass(frozen=True)
class Job:
    """What has to be done besides searching; with `refit`, the recipe that is chosen is trained once more, on more rows.

    Where all rows are held out in turn, every finalist is trained on each of the `folds`.

    Rungs are scored on `rung_rows` validation rows at the most and `fewest_rung_rows` at the least, and on `recorded_rows`
    besides; at most so many `trials` are made. What goes on after more trials have paused than there are `kept_checkpoints` is
    trained from its first step; with `whole_runs` no trial pauses, so that only its end leaves a checkpoint.
    """

    recipe: Recipe
    shape: Shape
    workers: int
    validation_rows: int
    rung_rows: int
    test_rows: int
    repeats: int = 1
    fewest_rung_rows: int = FEWEST_RUNG_ROWS
    recorded_rows: int = 0
    kept_checkpoints: float = math.inf
    whole_runs: bool = False
    trials: float = math.inf
    refit: bool = False
    folds: int = 0


@dataclass(frozen=True)
class Plan:
    """How the time is shared out, in seconds from the start of the command; None where there is no budget.

    `work` is that of one full run of the default recipe; `levels` are the rungs; `curve_points` how often a full run is
    looked at for its curve, each time on `rung_rows`; `challengers` how many trials meet the default in the finals, in which
    each is trained anew on `fresh` seeds and held-out rows (0: too few trials or too little time).
    `full_run_seconds` is for people to read, and is shortened by what frozen blocks have stored; no decision rests on it.
    """

    work: float
    levels: tuple[float, ...]
    challengers: int
    fresh: int
    curve_points: int
    rung_rows: int
    full_run_seconds: float
    finals_seconds: float
    scoring_seconds: float
    search_until: float | None = None
    fresh_until: float | None = None
    finals_until: float | None = None

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Plan:
        """The plan that a journal holds."""
        return cls(**{**table, "levels": tuple(table["levels"])})


def plan_budget(budget: float | None, elapsed: float, job: Job, speed: Speed) -> Plan:
    """Share out `budget` seconds, of which `elapsed` are gone; without a budget, plan the recipe's own epochs.

    Raises:
        ConfigError: the budget is too small for one run of the default recipe; says the least that works.
    """
    ideal = job.recipe.total_steps(job.shape.rows(job.recipe))
    costs = _Costs(job, speed, limited=budget is not None)
    known = _known_finals(job)
    if budget is None:
        return _plan(ideal, *(known[0] if known else (3, 0)), costs, None, None)
    left = budget - elapsed - WORKER_START_SECONDS - costs.scoring
    for challengers in (3, 1):
        steps = min(ideal, costs.affordable_steps(left, challengers, job.folds))
        if steps >= (ideal if challengers > 1 else min(ideal, LEAST_STEPS)):  # longer runs are worth more than more finals
            chosen = next((some for some in known if costs.leaves_room(steps, *some, left)), (challengers, job.folds))
            search_until = budget - costs.scoring - costs.finals(steps, *chosen)
            return _plan(steps, *chosen, costs, search_until, budget - costs.scoring)
    least = elapsed + WORKER_START_SECONDS + costs.least_seconds(min(ideal, LEAST_STEPS)) + costs.scoring
    what = f"once, and then two recipes on each of {job.folds} folds," if job.folds else "once"
    raise ConfigError(
        f"--budget {duration(budget)}: too short to train the default recipe {what} on these {len(job.shape.lengths)} rows; at the "
        f"speed measured just now the least that works here is {math.ceil(least * LEAST_MARGIN / 10) * 10}s. Give more time or "
        "fewer rows.")


def prolonged(plan: Plan, budget: float | None, elapsed: float, job: Job, speed: Speed) -> Plan:
    """The plan of a search that has begun, with another end or more trials, after `elapsed` seconds of work.

    Its rungs stay, or its trials could not be compared; its finals, which are made anew, are those that a search so long has.
    """
    costs = _Costs(job, speed, budget is not None)
    steps, before = round(plan.work / costs.step_work), (plan.challengers, plan.fresh)
    if budget is None:
        chosen, until = next(iter(_known_finals(job)), before), None
    else:
        until = budget - costs.scoring
        whole, left = until - WORKER_START_SECONDS, until - elapsed - WORKER_START_SECONDS
        known = _known_finals(job)
        cheapest = min([before, *known], key=lambda some: costs.finals(steps, *some))
        chosen = next((some for some in known
                       if costs.leaves_room(steps, *some, whole) and costs.finals(steps, *some) <= left), cheapest)
    finals = costs.finals(steps, *chosen)
    return replace(plan, challengers=chosen[0], fresh=chosen[1], finals_seconds=finals, scoring_seconds=costs.scoring,
                   search_until=None if until is None else until - finals,
                   fresh_until=None if until is None else until - costs.finishing(steps), finals_until=until)


def _known_finals(job: Job) -> list[tuple[int, int]]:
    """Challengers and seeds of the finals that a search of so many trials may have, the most first."""
    if job.folds:
        return [(some, job.folds) for some in (3, 2, 1)]
    most = job.trials * FRESH_SHARE / (1 - FRESH_SHARE)
    return [(some, fresh) for some, fresh in FRESH_FINALS if (1 + some) * fresh <= most]


def check_time(plan: Plan, budget: float | None, elapsed: float) -> None:
    """See that a run that has delivered a model has the time to deliver another.

    Raises:
        ConfigError: it has not; says the least that works.
    """
    if budget is None or plan.search_until is None or elapsed + WORKER_START_SECONDS <= plan.search_until:
        return
    least = elapsed + (WORKER_START_SECONDS + plan.finals_seconds + plan.scoring_seconds) * LEAST_MARGIN
    raise ConfigError(f"--budget {duration(budget)}: too short to go on with a run that has worked for {duration(elapsed)}, for "
                      f"its finals are made anew; the least that works here is {math.ceil(least / 10) * 10}s")


def _plan(steps: int, challengers: int, fresh: int, costs: _Costs, search_until: float | None,
          finals_until: float | None) -> Plan:
    work = steps * costs.step_work
    return Plan(work=work, levels=rung_levels(steps, costs.step_work), challengers=challengers, fresh=fresh,
                curve_points=min(MOST_CURVE_POINTS, int(CURVE_SHARE * work / costs.look_work(steps))),
                rung_rows=costs.rung_rows(steps),
                full_run_seconds=steps * costs.step_seconds, finals_seconds=costs.finals(steps, challengers, fresh),
                scoring_seconds=costs.scoring, search_until=search_until,
                fresh_until=None if finals_until is None else finals_until - costs.finishing(steps), finals_until=finals_until)


def rung_levels(steps: int, cost: float) -> tuple[float, ...]:
    """The rungs of a full run of `steps`: its ninth, its third and its end, where they are long enough to tell."""
    fractions = [steps / REDUCTION**power for power in (2, 1, 0)]
    return tuple(part * cost for part in fractions if part >= FEWEST_RUNG_STEPS or part == steps)


class _Costs:
    """Seconds of each part, from the measured speed."""

    def __init__(self, job: Job, speed: Speed, limited: bool) -> None:
        self.job, self.limited = job, limited
        self.step_work = step_work(job.recipe, job.shape)
        self.step_seconds = self.step_work / speed.training
        self.default_share = min(MOST_DEFAULT_SHARE, DEFAULT_SHARE * job.workers / min(job.workers, job.repeats))
        row_seconds = job.shape.tokens_per_row(job.recipe) * FORWARD_SHARE / speed.forward
        self.row_seconds = row_seconds
        self.validation = job.validation_rows * row_seconds
        # With all cores at work, the test rows pass through the delivered model as it was written, and through the default's, the
        # pre-trained one and, where that has been trained once more, the chosen one of before as the study computes them.
        served = job.shape.tokens_per_row(job.recipe) * FORWARD_SHARE / speed.serving
        self.scoring = job.test_rows * (served + (2 + job.refit) * row_seconds / job.workers) + CLOSING_SECONDS

    def rung_rows(self, steps: int) -> int:
        """The validation rows of a rung in a full run of `steps`; where time is limited, no more than its share of it pays."""
        most, fewest = self.job.rung_rows, min(self.job.rung_rows, self.job.fewest_rung_rows)
        if not self.limited:
            return most
        paid = LOOK_SHARE * steps * self.step_work / pass_work(1, self.job.recipe, self.job.shape)
        return max(fewest, min(most, int(paid)))

    def look_work(self, steps: int) -> float:
        """The work of looking at a rung: not in seconds, for two runs must look at the same steps."""
        return pass_work(self.rung_rows(steps) + self.job.recorded_rows, self.job.recipe, self.job.shape)

    def finals(self, steps: int, challengers: int, fresh: int = 0) -> float:
        """The default and its challengers, side by side on the workers.

        With `fresh` seeds all are trained anew on each, and then only two are finished.
        """
        replay = self._replay(steps, 1 + challengers)
        if not fresh:
            return MARGIN * math.ceil((1 + challengers) / self.job.workers) * (self._final(steps) + replay) + self.refit(steps)
        anew = math.ceil((1 + challengers) * fresh / self.job.workers) * (self._final(steps) + steps * self.step_seconds)
        return MARGIN * anew + self.finishing(steps)

    def finishing(self, steps: int) -> float:
        """The last decay of the chosen trial and of the default's."""
        replay = self._replay(steps, 2)
        return MARGIN * math.ceil(2 / self.job.workers) * (self._final(steps) + replay) + self.refit(steps)

    def _replay(self, steps: int, finals: int) -> float:
        """Training again up to where finals branch off, where not all of them find a checkpoint there.

        A trial keeps two: of where it stands, and of the rung where it was best.
        """
        if self.job.kept_checkpoints < 2 * finals:
            return steps * self.step_seconds
        return steps * self.step_seconds / REDUCTION if self.job.whole_runs else 0.0

    def refit(self, steps: int) -> float:
        """The chosen recipe trained once more, on one worker."""
        more = 1 + self.job.validation_rows / len(self.job.shape.lengths)  # validation rows have the lengths of the others
        return MARGIN * more * (self._final(steps) + steps * self.step_seconds) if self.job.refit else 0.0

    def _final(self, steps: int) -> float:
        return (decayed_total(steps, self.job.recipe.decay_share) - steps) * self.step_seconds + self.validation + STAGE_SECONDS

    def leaves_room(self, steps: int, challengers: int, fresh: int, seconds: float) -> bool:
        """Whether fresh finals of so many take no more than their share, and leave the search the time that it needs."""
        taken = self.finals(steps, challengers, fresh)
        return taken <= FRESH_SHARE * seconds and self._default(steps) <= self.default_share * (seconds - taken)

    def affordable_steps(self, seconds: float, challengers: int, fresh: int = 0) -> int:
        """The longest full run that leaves the search room, found by halving."""
        low, high = 0, max(1, int(seconds / self.step_seconds)) if seconds > 0 else 0
        while low < high:
            steps = (low + high + 1) // 2
            room = seconds - self.finals(steps, challengers, fresh)
            if self._default(steps) <= self.default_share * room:
                low = steps
            else:
                high = steps - 1
        return low

    def least_seconds(self, steps: int) -> float:
        """One full run at its share of the search, and the smallest finals."""
        return self._default(steps) / self.default_share + self.finals(steps, 1, self.job.folds)

    def _default(self, steps: int) -> float:
        """The default recipe on all of its seeds, side by side on the workers."""
        rounds = math.ceil(self.job.repeats / self.job.workers)
        rung = (self.rung_rows(steps) + self.job.recorded_rows) * self.row_seconds
        replay = 1 / REDUCTION + 1 / REDUCTION**2 if self.job.kept_checkpoints < 1 else 0.0
        stages = len(rung_levels(steps, self.step_work))
        return rounds * ((1 + CURVE_SHARE + replay) * steps * self.step_seconds + stages * (rung + STAGE_SECONDS))
