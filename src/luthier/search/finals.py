"""The finals: which recipe is best is found out on fresh seeds and rows; what is delivered is finished with a decay.

First the default and the best recipes are each trained anew, with the decay that they would be delivered with, on seeds and
held-out rows that the search has not chosen by: the same for all, so that they are paired. Then the trial of the chosen recipe,
and the default's, are finished: a final branches off its trial's constant-rate run, so it costs only the decay.
"""

from __future__ import annotations

from dataclasses import dataclass

from luthier.recipes.recipe import Recipe, Schedule, steps_per_epoch
from luthier.recipes.trial import NONE_HELD_OUT, Trial, TrialState
from luthier.search.schedulers.base import Action, Branch, Done, Replicate, Run, Wait
from luthier.search.study import FINAL, FRESH, REFIT, Record, Study

MOST_TRIES = 2
UNFINISHED = "was not run to its end"


@dataclass(frozen=True)
class FreshFinals:
    """A scheduler that trains the default and the best `challengers` other recipes anew on `number` seeds, and waits for them.

    A study that was extended has other seeds each time, for by those of the time before it has chosen.

    Args:
        folds: whether each seed has rows of its own held out; else all have the study's validation rows.
    """

    challengers: int
    number: int
    folds: bool
    decay: bool = True

    def next(self, study: Study) -> Action:
        """Take up what a killed command left, or begin the next: all recipes on the first seed come before the second."""
        made = study.ends(FRESH)
        for record in made:
            if record.state in (TrialState.WAITING, TrialState.PAUSED):
                return Run(record.trial.number, study.total_steps(record.trial.recipe))
        known = {(record.trial.parent, record.trial.seed) for record in made}
        for turn in range(self.number):
            seed = study.seed + study.repeats + study.extended + turn
            for record in finalists(study, self.challengers, self.decay):
                if (record.trial.number, seed) not in known:
                    recipe, _ = finished(record, study, self.decay)
                    return Replicate(record.trial.number, recipe, seed, 1 + turn if self.folds else 0)
        return Wait() if study.running() else Done()


@dataclass(frozen=True)
class Finals:
    """A scheduler that branches the default and the best `challengers` other trials, and waits for them.

    Without `decay` they are delivered as they stand, as when the user has interrupted the search or chosen a schedule.

    Args:
        only: the trials to finish, in this order, where it is known which, whoever the challengers are.
    """

    challengers: int
    decay: bool = True
    only: tuple[int, ...] | None = None

    def next(self, study: Study) -> Action:
        """Take up a final that a killed command left, or branch the next finalist that has not been branched."""
        finals = study.ends(FINAL)
        for final in finals:
            if final.state is TrialState.WAITING:
                return Run(final.trial.number, study.total_steps(final.trial.recipe))
        branched = {final.trial.parent for final in finals if final.state is not TrialState.FAILED}
        tried = [final.trial.parent for final in finals]
        wanted = (finalists(study, self.challengers, self.decay) if self.only is None
                  else [study.records[own] for own in self.only])
        for record in wanted:
            number = record.trial.number
            if number not in branched and tried.count(number) < MOST_TRIES:
                return Branch(number, *finished(record, study, self.decay))
        return Wait() if study.running() else Done()


@dataclass(frozen=True)
class Refit:
    """A scheduler that trains the recipe of final `final` anew, for as many steps, on training and validation rows together."""

    final: int

    def next(self, study: Study) -> Action:
        """Take up what a killed command left, or begin; once."""
        made = [record for record in study.ends(REFIT) if record.trial.parent == self.final]
        for record in made:
            if record.state in (TrialState.WAITING, TrialState.PAUSED):
                return Run(record.trial.number, study.total_steps(record.trial.recipe))
        if not made:
            trial = study.records[self.final].trial
            return Replicate(self.final, trial.recipe, trial.seed, NONE_HELD_OUT, REFIT)
        return Wait() if study.running() else Done()


def finished(record: Record, study: Study, decay: bool) -> tuple[Recipe, int]:
    """The trial's recipe with the steps to its peak as its epochs and, after a constant rate, a decay; and all of its steps.

    Without `decay`, the recipe as it stands.
    """
    recipe, step = record.trial.recipe, study.peak(record)[1] if decay else record.step
    if not recipe.horizon_free:
        return recipe, step
    per_epoch = steps_per_epoch(study.shape.rows(recipe), recipe.batch_size)
    if not decay:
        return recipe.replace(epochs=step / per_epoch), step
    total = decayed_total(step, recipe.decay_share)
    return recipe.replace(schedule=Schedule.WARMUP_STABLE_DECAY, epochs=total / per_epoch), total


def finalists(study: Study, challengers: int, decay: bool = True) -> list[Record]:
    """The default, where it has run to its end, and the best other candidates; any recipe where there is no other.

    Those that have come to a higher rung come first; those of one rung rank by the peaks of their means over all seeds, or, where
    none is to have a `decay`, as they stand. Each recipe is there with its first trial: that seed was fixed beforehand, so no
    final is the lucky one of several. Whether a checkpoint was kept is of no account, for what is missing is replayed.
    """
    candidates = [record for record in study.candidates() if record.state is not TrialState.STOPPED]
    default = [record for record in candidates if record.is_default and record.state is TrialState.COMPLETE][:1]
    if not default:
        return candidates[:challengers + 1]
    others = [record for record in candidates if not record.is_default]
    others.sort(key=lambda record: study.place(record, decay))
    return default + others[:challengers]


def constant_steps(recipe: Recipe, total: int) -> int:
    """The steps of a run of `total` before its decay, where it has one."""
    return total - max(1, round(total * recipe.decay_share)) if recipe.schedule is Schedule.WARMUP_STABLE_DECAY else total


def branch_step(final: Trial, until: int, parent: Record) -> int:
    """The step of its parent's run after which a final of so many steps in all goes its own way."""
    return min(parent.step, constant_steps(final.recipe, until)) if parent.trial.recipe.horizon_free else parent.step


def decayed_total(constant_steps: int, decay_share: float) -> int:
    """The fewest steps in all of which `decay_share` are a decay that begins after `constant_steps`."""
    total = max(constant_steps, int((constant_steps - 1) / (1 - decay_share)) - 1)
    while total - max(1, round(total * decay_share)) < constant_steps:
        total += 1
    return total


def missing_default(study: Study) -> str:
    """Why the default recipe cannot be compared with, where it cannot: what comes after "the default recipe"."""
    if study.default is None:
        return "is not a cell of the grid"
    again = [record for record in study.records.values() if record.trial.parent == study.default.trial.number]
    return "failed when it was trained again" if any(record.state is TrialState.FAILED for record in again) else UNFINISHED
