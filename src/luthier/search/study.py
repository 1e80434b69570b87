"""`Study`: what a journal says, folded into the trials as they stand now."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from luthier.recipes.recipe import Recipe, steps_per_epoch
from luthier.recipes.seeds import HeldSeeds
from luthier.recipes.trial import Costs, Point, Trial, TrialState
from luthier.search.journal import Event
from luthier.sharing.work import Shape, steps_for

FAILURES_IN_A_ROW = 4
DEFAULT, SHORTENED, FINAL, FRESH, REFIT = "default", "shortened", "final", "fresh", "refit"
"""Roles: the default recipe's trials; the default with fewer epochs, read off its curve; a trial's last decay, from its weights;
its recipe trained anew on another seed and fold; the same on all training and validation rows."""
GONE_ON = ("resumed", "extended")
"""Events with which a journal goes on after its command had ended; the second begins the finals anew."""
_NUMBER = re.compile(r"\d[\d.]*(?:e[-+]?\d+)?")


@dataclass
class Record:
    """One trial and all that is known of it.

    `target` is the step that its running stage goes to; `part_tokens` the most tokens that passed at once where memory had its
    batches pass in more parts than usual, else 0. `losses` counts the workers that its stage has lost, `before` holds the
    state and target from before that stage. `checkpoints` are by their steps: the newest one, and that of the rung where the
    trial was best so far, from which a final would branch off.
    """

    trial: Trial
    state: TrialState = TrialState.WAITING
    step: int = 0
    points: list[Point] = field(default_factory=list)
    checkpoints: dict[int, Path] = field(default_factory=dict)
    target: int = 0
    costs: Costs = Costs()
    reason: str = ""
    part_tokens: int = 0
    losses: int = 0
    before: tuple[TrialState, int] = (TrialState.WAITING, 0)

    @property
    def is_default(self) -> bool:
        """Whether this is a trial of the default recipe, which all others are held against."""
        return self.trial.role == DEFAULT

    @property
    def last(self) -> Point | None:
        """The newest evaluation on the rung rows of weights that are still there."""
        return next((point for point in reversed(self.points) if point.rows == "rung" and point.step <= self.step), None)

    def value(self, metric: str) -> float | None:
        """The newest value of `metric` on the rung rows."""
        return self.last.metrics[metric] if self.last else None

    def value_at(self, step: int, metric: str) -> float | None:
        """The value of `metric` on the rung rows at `step` exactly."""
        return next((p.metrics[metric] for p in self.points if p.step == step and p.rows == "rung"), None)


@dataclass(frozen=True)
class Observation:
    """What a sampler may know of a recipe: its newest value (None: it failed), at which level; `number` counts recipes.

    A recipe trained on several seeds is one observation, their mean. Shown once a trial, TPE would take the same point for
    as many independent findings: its kernels would narrow there, and the noise between seeds would pass for structure.
    """

    number: int
    recipe: Recipe
    value: float | None
    level: int
    complete: bool


@dataclass
class Study:
    """All trials of one search.

    Every recipe is trained on the same `repeats` seeds, `seed`, `seed` + 1, …: its replicates, which follow one another in
    the journal. So recipes are compared on equal seeds, by the mean over them.

    Args:
        seed: of the study; the suggestion of recipe n is seeded by (seed, n).
        metric: the headline metric; greater is better.
        shape: what the cost of a trial depends on.
        levels: the rungs, in work (see sharing/work.py), ascending; the last is a full run.
        own_epochs: whether epochs were set or searched: then a recipe's full run is its own, and its rungs are the same
            shares of it.
        exhausted: whether every recipe of the space has been tried, so that no other can be asked for.
        extended: how many trials there were when a study that had ended was last given more time; their finals are of the past.
    """

    seed: int
    metric: str
    shape: Shape
    levels: tuple[float, ...]
    repeats: int = 1
    held: HeldSeeds = HeldSeeds()
    own_epochs: bool = False
    exhausted: bool = False
    extended: int = 0
    records: dict[int, Record] = field(default_factory=dict)

    @classmethod
    def begun(cls, event: Event) -> Study:
        """The study, still without trials, whose journal begins with this event."""
        return cls(event["seed"], event["metric"], Shape.from_table(event["shape"]), tuple(event["plan"]["levels"]),
                   event["repeats"], HeldSeeds(**event["held_seeds"]), event["own_epochs"])

    def apply(self, event: Event) -> None:
        """Take in one event of the journal."""
        kind = event["event"]
        if kind in ("trial", "shortened"):
            trial = Trial.from_table(event["trial"])
            self.records[trial.number] = Record(trial) if kind == "trial" else self._shortened(trial, event["step"])
            return
        if kind == "exhausted":
            self.exhausted = True
        elif kind in GONE_ON:
            self.extended = len(self.records) if kind == "extended" else self.extended
            for record in self.running():
                record.state, record.target = record.before
        if kind not in ("stage", "result", "lost", "stopped", "dropped"):
            return
        record = self.records[event["trial"]]
        if kind == "stage":
            record.before = (record.state, record.target)
            record.state, record.target = TrialState.RUNNING, event["until"]
        elif kind == "lost":
            record.losses += 1
        elif kind == "dropped":
            record.checkpoints = {}
        elif kind == "stopped":
            record.state, record.reason, record.checkpoints = TrialState.STOPPED, event["reason"], {}
        else:
            self._apply_result(record, event)

    def _apply_result(self, record: Record, event: Event) -> None:
        for table in event["points"]:
            point = Point(**table)
            record.points.append(replace(point, seconds=record.costs.seconds + point.seconds))
        recipe, record.step, record.losses = record.trial.recipe, event["step"], 0
        newest = {record.step: Path(event["checkpoint"])} if event["checkpoint"] else {}
        record.checkpoints = self._worth_keeping(record) | newest
        costs = Costs(**event["costs"])
        record.costs = replace(costs, seconds=record.costs.seconds + costs.seconds,
                               replayed_steps=record.costs.replayed_steps + costs.replayed_steps,
                               replay_seconds=record.costs.replay_seconds + costs.replay_seconds,
                               peak_memory=max(record.costs.peak_memory, costs.peak_memory),
                               drift=record.costs.drift if costs.drift is None else costs.drift)
        record.part_tokens = event.get("part_tokens", 0) or record.part_tokens
        if event["failure"]:
            record.state, record.reason = TrialState.FAILED, event["failure"]
        elif record.step >= min(self.total_steps(recipe), self.steps_at(record)[-1]):
            record.state = TrialState.COMPLETE
        else:
            record.state = TrialState.PAUSED

    def _worth_keeping(self, record: Record) -> dict[int, Path]:
        """The earlier checkpoint that a final would branch off from: where the trial was better than it is now."""
        if self.own_epochs or not record.trial.recipe.horizon_free:
            return {}
        values = {step: record.value_at(step, self.metric) or 0.0 for step in {*record.checkpoints, record.step}}
        best = max(values, key=lambda step: (values[step], step))
        return {step: file for step, file in record.checkpoints.items() if step == best}

    def _shortened(self, trial: Trial, step: int) -> Record:
        """The trial that another is until a step: what has been trained and seen of that is its curve."""
        assert trial.parent is not None
        whole = self.records[trial.parent]
        points = [point for point in whole.points if point.step <= step]
        held = {at: file for at, file in whole.checkpoints.items() if at <= step}
        return Record(trial, TrialState.COMPLETE, step, points, held, target=step, part_tokens=whole.part_tokens)

    def total_steps(self, recipe: Recipe) -> int:
        """The steps of a recipe's epochs."""
        return recipe.total_steps(self.shape.rows(recipe))

    def steps_at(self, record: Record) -> tuple[int, ...]:
        """The step at which the trial reaches each level; all are its end where the schedule has a horizon."""
        recipe = record.trial.recipe
        total = self.total_steps(recipe)
        if not recipe.horizon_free:
            return (total,) * len(self.levels)
        if self.own_epochs:
            return tuple(max(1, round(total * level / self.levels[-1])) for level in self.levels)
        return tuple(min(total, steps_for(level, recipe, self.shape)) for level in self.levels)

    def search_records(self) -> list[Record]:
        """The trials of the search itself, in order, without the finals."""
        return [record for record in self.records.values() if record.trial.parent is None]

    def ends(self, role: str) -> list[Record]:
        """The trials that end others, of one role (`FINAL`, `FRESH` or `REFIT`), in order.

        Those from before the study was extended are not among them.
        """
        return [record for record in self.records.values() if record.trial.parent is not None and record.trial.role == role
                and record.trial.number >= self.extended]

    def recipes(self) -> list[list[Record]]:
        """The trials of the search by recipe: each recipe's replicates, in the order of their seeds."""
        records = self.search_records()
        return [records[start:start + self.repeats] for start in range(0, len(records), self.repeats)]

    def next_trial(self) -> tuple[int, int]:
        """The recipe that the next trial of the search is of, and the replicate; both count from 0."""
        return divmod(len(self.search_records()), self.repeats)

    @property
    def default(self) -> Record | None:
        """The default recipe's first trial; a grid may have none."""
        return next((record for record in self.search_records() if record.is_default), None)

    def mean_at(self, replicates: list[Record], level: int) -> float | None:
        """The mean value of a recipe at a level; None until all its replicates have got there; never where one failed."""
        there = [] if has_failed(replicates) else replicates
        values = [record.value_at(self.steps_at(record)[level], self.metric) for record in there]
        found = [value for value in values if value is not None]
        return fmean(found) if found and len(found) == len(values) and len(replicates) == self.repeats else None

    def mean(self, replicates: Iterable[Record]) -> tuple[int, float] | None:
        """The highest level that all of the replicates have reached, and their mean there; None without any value.

        A replicate that is not at its first rung yet, while another is, has nothing to say.
        """
        reached = [(self._level(record, record.last), record) for record in replicates if record.last]
        compared = [level for level, _ in reached if level] or [0]
        found = [self._newest(record, min(compared)) for level, record in reached if level >= min(compared)]
        return (min(compared), fmean(found)) if found else None

    def _level(self, record: Record, point: Point | None) -> int:
        """How many levels the trial had reached at that point."""
        return sum(point.step >= step for step in self.steps_at(record)) if point else 0

    def _newest(self, record: Record, level: int) -> float:
        """The newest value of a trial at that level, or at a lower one where it was not evaluated there."""
        points = [point for point in record.points if point.rows == "rung" and point.step <= record.step]
        return next(p.metrics[self.metric] for p in reversed(points) if self._level(record, p) <= level or p is points[0])

    def out_of_the_running(self, kept: int) -> list[Record]:
        """Ended trials whose checkpoints will not be wanted: finals go on from the first replicates of the best recipes.

        A recipe's place is known when all its replicates have ended; the `kept` best and the default stay.
        """
        settled = {replicates[0].trial.number for replicates in self.recipes() if len(replicates) == self.repeats
                   and all(record.state in _ENDED for record in replicates)}
        ranked = sorted(self.ranked(), key=self.place)
        best = [lead for lead in ranked if lead.trial.number in settled and lead.state is not TrialState.STOPPED]
        wanted = {lead.trial.number for lead in best[:kept]}
        leads = [lead for lead, *_ in self.recipes() if lead.trial.number in settled - wanted and not lead.is_default]
        others = [record for _, *replicates in self.recipes() for record in replicates]
        return [record for record in leads + others if record.checkpoints and record.state in _ENDED]

    def least_wanted_first(self) -> list[Record]:
        """The trials that have a checkpoint and do not run, in the order in which a quota takes them away.

        Recipes without a value come first, then the worst; the best comes last but for the default, which always goes on.
        """
        place = {lead.trial.number: number for number, lead in enumerate(sorted(self.ranked(), key=self.place))}
        recipes = sorted(self.recipes(), key=lambda replicates: (
            replicates[0].is_default, -place.get(replicates[0].trial.number, len(self.records))))
        return [record for replicates in recipes for record in reversed(replicates)
                if record.checkpoints and record.state is not TrialState.RUNNING]

    def hopeless(self) -> bool:
        """Whether the last few recipes have failed on every seed: then more of them would fail too."""
        few = FAILURES_IN_A_ROW * self.repeats
        states = [record.state for record in self.search_records()][-few:]
        return len(states) == few and set(states) == {TrialState.FAILED}

    def failures(self) -> dict[str, Any]:
        """How many trials failed, and the reason of most of them; reasons that differ in their numbers alone are one."""
        reasons = [record.reason for record in self.records.values() if record.state is TrialState.FAILED]
        kinds = Counter(_NUMBER.sub("#", reason) for reason in reasons)
        most = kinds.most_common(1)[0][0] if kinds else ""
        return {"number": len(reasons), "of": len(self.records),
                "reason": next((reason for reason in reasons if _NUMBER.sub("#", reason) == most), "")}

    def running(self) -> list[Record]:
        """The trials that are being trained now."""
        return [record for record in self.records.values() if record.state is TrialState.RUNNING]

    def ranked(self) -> list[Record]:
        """The first trial of each recipe that has a value, best first.

        Recipes that have come to a higher rung come first, for an earlier look is noisier and of another training; those of one
        rung rank by their means, earlier ones first among equals. One of several seeds that failed on any of them comes last.
        """
        found = []
        for replicates in self.recipes():
            lead, mean = replicates[0], self.mean(replicates)
            if lead.last and mean:
                failed = len(replicates) > 1 and has_failed(replicates)
                found.append((failed, -mean[0], -mean[1], lead.trial.number, lead))
        return [lead for *_, lead in sorted(found, key=lambda place: place[:4])]

    def score(self, lead: Record) -> float:
        """The mean value of the recipe that a trial of `ranked` stands for."""
        return self._end(lead)[0]

    def candidates(self) -> list[Record]:
        """What can be chosen: the first trial of each recipe, and the default with fewer epochs, where that was better."""
        return self.ranked() + [record for record in self.records.values() if record.trial.role == SHORTENED]

    def rung(self, candidate: Record) -> int:
        """The highest level at which a value can be held against others'; 0 where its recipe failed on one of several seeds."""
        if candidate.trial.role == SHORTENED:
            return len(self.levels)
        replicates = self.replicates(candidate)
        mean = self.mean(replicates)
        return 0 if mean is None or (len(replicates) > 1 and has_failed(replicates)) else mean[0]

    def place(self, candidate: Record, decay: bool = True) -> tuple[int, float]:
        """Where a candidate for the finals stands among others, least first: by its rung, and among those of one by its peak."""
        return -self.rung(candidate), -self.peak(candidate, decay)[0]

    def peak(self, lead: Record, decay: bool = True) -> tuple[float, int]:
        """The best value of a candidate on its way, by the mean over its seeds, and the step of its first trial there.

        The default is taken where it stands, for that is what one would get without a search; and so are all where they are to
        be delivered without a `decay`.
        """
        if lead.trial.role == SHORTENED and lead.trial.parent is not None:
            return self.best_on_the_way(self.records[lead.trial.parent])
        return self._end(lead) if lead.is_default or not decay else self.best_on_the_way(lead)

    def best_on_the_way(self, lead: Record) -> tuple[float, int]:
        """Where a recipe was best, by the mean over its seeds, and the step of its first trial there.

        Epochs are read off the curve: where a recipe was better before its end, it is better with fewer. Of equal values the
        later counts. Epochs that were set or searched stay as they are.
        """
        end = self._end(lead)
        if self.own_epochs or not lead.trial.recipe.horizon_free:
            return end
        replicates, steps = self.replicates(lead), self.steps_at(lead)
        means = [(self.mean_at(replicates, level), step) for level, step in enumerate(steps) if step <= lead.step]
        return max([end, *((value, step) for value, step in means if value is not None)])

    def _end(self, lead: Record) -> tuple[float, int]:
        """The newest mean value of a recipe, and the step of its first trial that it is of."""
        mean = self.mean(self.replicates(lead))
        if mean is None:
            return 0.0, lead.step
        level, value = mean
        return value, lead.step if self.repeats == 1 or not level else min(lead.step, self.steps_at(lead)[level - 1])

    def shortened_default(self) -> tuple[Trial, int] | None:
        """The default with as many epochs as were best for it, as a trial, and its steps; None where it was best at its end.

        None, too, where the default has not come to its end on all of its seeds, or was shortened before.
        """
        default = self.default
        known = any(record.trial.role == SHORTENED for record in self.records.values())
        if known or default is None or any(record.state is not TrialState.COMPLETE for record in self.replicates(default)):
            return None
        _, step = self.best_on_the_way(default)
        if step == default.step:
            return None
        trial = default.trial
        epochs = step / steps_per_epoch(self.shape.rows(trial.recipe), trial.recipe.batch_size)
        return replace(trial, number=len(self.records), recipe=trial.recipe.replace(epochs=epochs), role=SHORTENED,
                       parent=trial.number), step

    def replicates(self, lead: Record) -> list[Record]:
        """The trials of a recipe, by its first."""
        return next(found for found in self.recipes() if found[0] is lead)

    def observations(self) -> list[Observation]:
        """What samplers may know: every recipe of the search that has been evaluated or has failed."""
        found = []
        for number, replicates in enumerate(self.recipes()):
            mean, recipe = self.mean(replicates), replicates[0].trial.recipe
            complete = all(record.state is TrialState.COMPLETE for record in replicates) and len(replicates) == self.repeats
            if mean and not has_failed(replicates):
                found.append(Observation(number, recipe, mean[1], mean[0], complete))
            elif has_failed(replicates):
                level = max(self._level(record, record.last) for record in replicates)
                found.append(Observation(number, recipe, None, level, False))
        return found


def has_failed(replicates: Iterable[Record]) -> bool:
    """Whether a recipe failed on any of its seeds: then its mean over the others says nothing of it."""
    return any(record.state is TrialState.FAILED for record in replicates)


_ENDED = (TrialState.COMPLETE, TrialState.STOPPED, TrialState.FAILED)
