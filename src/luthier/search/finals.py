"""The finals: the best trials and the default, each finished with the decay of the learning rate it is delivered with.

A final branches off its trial's constant-rate run, so it costs only the decay. What is compared is what is delivered.
"""

from __future__ import annotations

from dataclasses import dataclass

from luthier.recipes.recipe import Schedule, steps_per_epoch
from luthier.recipes.trial import TrialState
from luthier.search.schedulers.base import Action, Branch, Done, Wait
from luthier.search.study import Record, Study
from luthier.tasks.metrics import Score

MOST_TRIES = 2


@dataclass(frozen=True)
class Finals:
    """A scheduler that branches the default and the best `challengers` other trials, and waits for them.

    Without `decay` they are delivered as they stand, as when the user has interrupted the search or chosen a schedule.
    """

    challengers: int
    decay: bool = True

    def next(self, study: Study) -> Action:
        """Branch the next finalist that has not been branched."""
        branched = {record.trial.parent for record in study.records.values() if record.state is not TrialState.FAILED}
        tried = [record.trial.parent for record in study.records.values()]
        for record in finalists(study, self.challengers):
            if record.trial.number not in branched and tried.count(record.trial.number) < MOST_TRIES:
                return self._branch(record, study)
        return Wait() if study.running() else Done()

    def _branch(self, record: Record, study: Study) -> Branch:
        """The trial's recipe with the steps made so far as its epochs and, after a constant rate, a decay."""
        recipe, step = record.trial.recipe, record.step
        if not recipe.horizon_free:
            return Branch(record.trial.number, recipe, step)
        per_epoch = steps_per_epoch(study.shape.rows(recipe), recipe.batch_size)
        if not self.decay:
            return Branch(record.trial.number, recipe.replace(epochs=step / per_epoch), step)
        total = decayed_total(step, recipe.decay_share)
        decayed = recipe.replace(schedule=Schedule.WARMUP_STABLE_DECAY, epochs=total / per_epoch)
        return Branch(record.trial.number, decayed, total)


def finalists(study: Study, challengers: int) -> list[Record]:
    """The default, where it has run to its end, and the best other recipes; any recipe where there is no other.

    Recipes rank by their mean over all seeds, and each is there with its first trial: that seed was fixed beforehand, so
    no final is the lucky one of several. Whether a checkpoint was kept is of no account, for what is missing is replayed.
    """
    ranked = [record for record in study.ranked() if record.state is not TrialState.STOPPED]
    default = [record for record in ranked if record.is_default and record.state is TrialState.COMPLETE][:1]
    if not default:
        return ranked[:challengers + 1]
    return default + [record for record in ranked if not record.is_default][:challengers]


def decayed_total(constant_steps: int, decay_share: float) -> int:
    """The fewest steps in all of which `decay_share` are a decay that begins after `constant_steps`."""
    total = max(constant_steps, int((constant_steps - 1) / (1 - decay_share)) - 1)
    while total - max(1, round(total * decay_share)) < constant_steps:
        total += 1
    return total


@dataclass(frozen=True)
class Verdict:
    """Which finalist is delivered, and why, in a sentence."""

    chosen: int
    reason: str


def choose(default: int | None, values: dict[int, float], gains: dict[int, Score], *, in_search: bool = True) -> Verdict:
    """Choose among the finals by their score on all validation rows.

    The default is kept unless another is better by more than one standard error of their paired difference (the
    one-standard-error rule, Breiman 1984).

    Args:
        default: the number of the default's final, if it could be run.
        values: the headline metric of each final.
        gains: each other final's gain over the default, paired over rows.
        in_search: whether the default recipe was a trial of the search at all; a grid may not hold it.
    """
    best = max(values, key=lambda number: (values[number], -number))
    if default is None:
        why = "was not run to its end" if in_search else "is not a cell of the grid"
        return Verdict(best, f"the default recipe {why}, so the best of the others is delivered")
    if len(values) == 1:
        return Verdict(default, "no other trial could be finished, so the default recipe is delivered without a comparison")
    if best == default:
        return Verdict(default, "no trial beat the default recipe on the validation rows: the default is delivered")
    gain = gains[best]
    if gain.value <= gain.error:
        return Verdict(default, f"the best trial is ahead of the default recipe by {gain.value:+.3f}, within one standard "
                                f"error ({gain.error:.3f}): the default is as good, and is delivered")
    return Verdict(best, f"ahead of the default recipe by {gain.value:+.3f} on the validation rows, 95 % interval "
                         f"[{gain.low:+.3f}, {gain.high:+.3f}] before selection among {len(values)} finals")
