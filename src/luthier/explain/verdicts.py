"""What became of one training, in a word, with the evidence in a sentence.

The rules, in the order they are asked, are those of the field's practice:

- **diverged**: a loss or gradient that is no number, or a training loss that was below that of guessing and ended above it, in
  its last two readings or by far.
- **collapsed**: one label for nearly all rows, while the labels are far from that; of other tasks, a score that is no better than
  saying the same of every text (of entities: none is found, and the training loss no longer falls).
- **overfit**: the validation loss rose from its minimum by more than its noise while the training loss fell, and the score
  fell too; **overconfident** where the score held.
- **underfit**: the training rows are learnt neither whole nor better than the validation rows, and the training loss was still
  falling or the score is not above that of the frozen probe on the same rows.
- **unstable**: the same recipe on other seeds came out further apart than chance and the default recipe do.
- **good**: none of these. **too short to say**: none of these, but the trial was ended early or read too rarely.
- **not judged**: it was read once, at its end, or never, for it was trained on the validation rows too.

A trial that was ended early can still be called by what it did do (diverge, collapse, overfit), not by what it did not.
"""

from __future__ import annotations

import enum
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist, variance

from luthier.explain.curves import Curve, Reading
from luthier.explain.facts import ERROR_RATE, Facts, elsewhere, loss_noise, score_error
from luthier.explain.rows import Row, branch_share, by_recipe, is_default, number, own_trials, whole
from luthier.search.study import FINAL, REFIT
from luthier.tasks.registry import of_tokens
from luthier.tasks.wording import wording_of

WAVERS = 0.25
"""How far over guessing, as a share of it, a training loss must end to have diverged by that one reading: with dropout and few
batches a reading wavers by a tenth."""
HOPELESS = 10.0
"""A training loss that ends at so many times that of guessing has diverged before its first reading, and is no slow start."""
CLEAR = 0.05
"""The least relative change of a training loss that counts. It is a mean over the rows of a few dozen batches, 400 or so, of
a spread like its own size: 1/√400."""
NEARLY_ALL = 0.95
"""The share of rows under one label that makes a collapse, which the labels' own greatest share must be "far" below."""
FAR = 0.1
PERFECT = 0.995
"""A score on the training rows that leaves nothing to learn."""
FEWEST_READINGS = 3
"""Readings from which a shape can be told: with two there is a rise or a fall, but no minimum between."""
BIMODAL_GAP = 0.1
"""Seeds have split in two groups where a gap this wide parts them: those that failed are tens of points below (Mosbach
2021), while good ones lie within a few."""


class Kind(enum.Enum):
    """A verdict."""

    DIVERGED = "diverged"
    COLLAPSED = "collapsed"
    OVERFIT = "overfit"
    OVERCONFIDENT = "overconfident"
    UNDERFIT = "underfit"
    UNSTABLE = "unstable"
    GOOD = "good"
    SHORT = "too short to say"
    UNJUDGED = "not judged"


@dataclass(frozen=True)
class Verdict:
    """What became of a trial, and why one can say so."""

    kind: Kind
    evidence: str


_REFITTED = Verdict(Kind.UNJUDGED, "It was trained on the validation rows too, so none are left to judge it by.")
_NOT_FINITE = re.compile(r"\b(nan|inf|gradient|loss is|not finite)\b", re.IGNORECASE)


def judge(curve: Curve, facts: Facts) -> Verdict:
    """The verdict on one trial by its own curve; `judge_all` also looks at its replicates."""
    for rule in (_diverged, _collapsed, _overfit, _short, _unread, _underfit):
        found = rule(curve, facts)
        if found:
            return found
    return _good(curve, facts)


def _diverged(curve: Curve, facts: Facts) -> Verdict | None:
    if not curve.is_finite or _NOT_FINITE.search(facts.failure):
        return Verdict(Kind.DIVERGED, f"Training failed: {facts.failure.rstrip('.')}." if facts.failure
                       else "The loss was no longer a finite number.")
    losses, chance = curve.train_values("loss"), facts.chance_loss
    if chance is None or len(losses) < 2:
        return None
    (last, end), least = losses[-1], min(value for _, value in losses)
    above = end > (1 + WAVERS) * chance or min(value for _, value in losses[-2:]) > chance  # one reading may waver
    if above and least < (1 - CLEAR) * chance:
        return Verdict(Kind.DIVERGED, f"The training loss was down to {_loss(least)} and ended at {end:.2f} at {_at(last)}, above "
                                      f"the {chance:.2f} of {facts.guessing}.")
    if end > (1 + WAVERS) * chance and (end >= losses[0][1] or end > HOPELESS * chance):
        rose = "rose to" if end >= losses[0][1] else "was still at"
        return Verdict(Kind.DIVERGED, f"The training loss {rose} {end:.2f} by {_at(last)}, above the {chance:.2f} of "
                                      f"{facts.guessing}, and had never been below it.")
    return None


def _collapsed(curve: Curve, facts: Facts) -> Verdict | None:
    """A trial that was ended early may only have been slow to start, so its training loss must have stopped falling too."""
    said = _one_label(curve, facts)
    if not said or (facts.ended_early and not _stuck(curve, facts)):
        return None
    if of_tokens(facts.task) and _still_falling(curve, facts):
        return None  # that all is O is how every training on entities begins
    return Verdict(Kind.COLLAPSED, said)


def _one_label(curve: Curve, facts: Facts) -> str:
    shares, scores = curve.values("largest_share"), curve.values(facts.metric)
    own = facts.largest_label_share
    if shares:
        reading, share = shares[-1]
        if share >= NEARLY_ALL and own is not None and own <= NEARLY_ALL - FAR:
            return (f"At {_at(reading)} it gave {share:.0%} of the validation rows one label; the most frequent label has "
                    f"{own:.0%} of them.").replace("%", " %")
    elif scores and facts.majority_score is not None and scores[-1][1] <= facts.majority_score:
        own_score = f"Its {facts.title} at {_at(scores[-1][0])}, {scores[-1][1]:.3f}, is no more than that of"
        return f"{own_score} {wording_of(facts.task).same} ({facts.majority_score:.3f})."
    return ""


def _stuck(curve: Curve, facts: Facts) -> bool:
    """Whether the training loss stopped falling, or is above that of guessing, which a slow start is not."""
    losses = [value for _, value in curve.train_values("loss")]
    if len(losses) >= 2:
        return losses[-1] > (1 - CLEAR) * losses[0]
    return bool(losses) and facts.chance_loss is not None and losses[0] > (1 + CLEAR) * facts.chance_loss


def _overfit(curve: Curve, facts: Facts) -> Verdict | None:
    losses, train = curve.values("loss"), curve.train_values("loss")
    if len(losses) < 2 or not facts.validation_rows:
        return None
    minimum, least = min(losses, key=lambda pair: pair[1])
    later = [pair for pair in losses if pair[0].step > minimum.step]
    # The last two readings must both be above: a single wave of the loss is no trend.
    if not later or min(value for _, value in later[-2:]) - least <= loss_noise(least, later[-1][1], facts, len(losses)):
        return None
    fell = _fall(train, minimum)
    if fell is None:
        return None
    last, end = later[-1]
    rose = (f"The validation loss was lowest at {_at(minimum)} ({_loss(least)}) and ended at {_loss(end)} at {_at(last)}, while "
            f"the training loss fell from {_loss(fell[0])} to {_loss(fell[1])}")
    return _overfit_or_overconfident(curve, facts, minimum, rose)


def _fall(train: Sequence[tuple[Reading, float]], minimum: Reading) -> tuple[float, float] | None:
    """The training loss around the minimum and at the end, where it fell."""
    before = [value for reading, value in train if reading.step <= minimum.step] or [value for _, value in train[:1]]
    if not before or not train or train[-1][1] >= before[-1]:
        return None
    return before[-1], train[-1][1]


def _overfit_or_overconfident(curve: Curve, facts: Facts, minimum: Reading, rose: str) -> Verdict:
    before, scores = minimum.metrics.get(facts.metric), curve.values(facts.metric)
    if before is None or not scores:
        return Verdict(Kind.OVERFIT, f"{rose}.")
    end = scores[-1][1]
    moved = f"{facts.title} went from {before:.3f} to {end:.3f}"
    if end < before - score_error(before, facts):
        return Verdict(Kind.OVERFIT, f"{rose}; {moved}.")
    return Verdict(Kind.OVERCONFIDENT, f"{rose}; but {moved}, so its answers held and only its probabilities got too sure.")


def _short(curve: Curve, facts: Facts) -> Verdict | None:
    scores = curve.values(facts.metric)
    if facts.failure:
        return Verdict(Kind.SHORT, f"It failed before it could be judged: {facts.failure.rstrip('.')}.")
    if not scores:
        return Verdict(Kind.SHORT, "It was never evaluated.")
    if facts.ended_early:
        return Verdict(Kind.SHORT, f"It was ended at {_at(scores[-1][0])}, before its planned end, with nothing wrong to "
                                   "see by then.")
    return None


def _unread(curve: Curve, facts: Facts) -> Verdict | None:
    """One reading is no curve: whatever is delivered has a trial behind it whose curve tells more."""
    if len(curve.validation) != 1:
        return None
    reading, score = curve.values(facts.metric)[-1]
    return Verdict(Kind.UNJUDGED, f"It was evaluated only once, so how it went cannot be told; {facts.title} {score:.3f} at "
                                  f"{_at(reading)}.")


def _underfit(curve: Curve, facts: Facts) -> Verdict | None:
    scores = curve.values(facts.metric)
    if _learnt_whole(curve, facts) or _fits_training_better(curve, facts):
        return None
    falling, weak = _still_falling(curve, facts), _no_better_than_probe(scores[-1][1], facts)
    said = " and ".join(filter(None, (falling, weak)))
    return Verdict(Kind.UNDERFIT, f"{said[:1].upper()}{said[1:]}, and it does no better on the training rows than on the "
                                  "validation rows.") if said else None


def _learnt_whole(curve: Curve, facts: Facts) -> bool:
    """Whether next to nothing is left to learn of the training rows: by their loss, or by a perfect score."""
    losses, scores = curve.train_values("loss"), curve.train_values(facts.metric) or curve.values(facts.metric)
    if losses and facts.chance_loss is not None and losses[-1][1] <= CLEAR * facts.chance_loss:
        return True
    return scores[-1][1] >= PERFECT


def _fits_training_better(curve: Curve, facts: Facts) -> bool:
    """Whether the training rows are learnt beyond the validation rows, by score or by loss."""
    scores, train = curve.values(facts.metric), curve.train_values(facts.metric)
    if train and scores and train[-1][1] > scores[-1][1] + 2 * score_error(scores[-1][1], facts):
        return True
    losses, held = curve.train_values("loss"), curve.values("loss")
    return bool(losses and held) and losses[-1][1] < (1 - CLEAR) * held[-1][1]


def _still_falling(curve: Curve, facts: Facts) -> str:
    """The fall of the training loss over the last third of its readings, where it is clear.

    It must be so beside what there was to learn, too: the last thousandths of a loss halve for ever, and nobody is better off.
    """
    losses = curve.train_values("loss")
    if len(losses) < FEWEST_READINGS:
        return ""
    before, end = losses[-1 - max(1, len(losses) // 3)][1], losses[-1][1]
    whole_way = losses[0][1] if facts.chance_loss is None else facts.chance_loss
    if before - end <= CLEAR * max(before, whole_way):
        return ""
    return f"the training loss was still falling at the end ({_loss(before)} to {_loss(end)})"


def _no_better_than_probe(score: float, facts: Facts) -> str:
    if facts.probe_score is None:
        return ""
    z = NormalDist().inv_cdf(1 - ERROR_RATE)
    if score > facts.probe_score + z * score_error(score, facts):
        return ""
    if score <= facts.probe_score:
        return f"its {facts.title}, {score:.3f}, is not above the frozen probe's ({facts.probe_score:.3f})"
    return f"its {facts.title}, {score:.3f}, is above the frozen probe's ({facts.probe_score:.3f}) by no more than noise"


def _good(curve: Curve, facts: Facts) -> Verdict:
    reading, score = curve.values(facts.metric)[-1]
    if len(curve.validation) < FEWEST_READINGS:
        return Verdict(Kind.SHORT, f"It was evaluated only twice, so how it went cannot be told; {facts.title} {score:.3f} at "
                                   f"{_at(reading)}.")
    weak = _no_better_than_probe(score, facts)
    return Verdict(Kind.GOOD, f"It learnt ({facts.title} {score:.3f} at {_at(reading)}), with no sign of over- or underfitting" +
                   (f"; but {weak}." if weak else "."))


def _at(reading: Reading) -> str:
    return f"epoch {reading.epoch:.2g}" if reading.epoch < 10 else f"epoch {reading.epoch:.0f}"


def _loss(value: float) -> str:
    """A loss to two decimals, a small one to two digits, so that none is told as nothing."""
    return f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.2g}"


def judge_all(trials: Sequence[Row], curves: Mapping[int, Curve], facts: Facts) -> dict[int, Verdict]:
    """The verdict on every trial; a final is judged with the curve of its parent before it."""
    found, rows = {}, {whole(trial.get("trial")): trial for trial in trials}
    for trial in trials:
        own, parent = whole(trial.get("trial")), whole(trial.get("parent"))
        if own is None:
            continue
        curve = curves.get(own, Curve())
        if parent is not None and trial.get("role") == FINAL:
            curve = curve.after(curves.get(parent, Curve()), branch_share(trial, rows.get(parent, {})))
        found[own] = _REFITTED if _is_refitted(trial) else judge(curve, _own_facts(trial, facts))
    return found | _unstable(trials, found, facts)


def _is_refitted(trial: Row) -> bool:
    return trial.get("role") == REFIT and trial.get("state") == "complete"


def _own_facts(trial: Row, facts: Facts) -> Facts:
    state = str(trial.get("state"))
    failure = str(trial.get("reason") or "no reason is known") if state == "failed" else ""
    own = replace(facts, failure=failure, ended_early=state not in ("complete", "failed"))
    return elsewhere(own) if whole(trial.get("fold")) else own


def _unstable(trials: Sequence[Row], verdicts: Mapping[int, Verdict], facts: Facts) -> dict[int, Verdict]:
    """The trials whose recipe came out too differently on its seeds, but for those whose own curve says what went wrong."""
    groups = [group for group in by_recipe(own_trials(trials)) if len({str(trial.get("seed")) for trial in group}) > 1]
    default = next((_scores(group) for group in groups if any(map(is_default, group))), [])
    found = {}
    for group in groups:
        said = _apart(_scores(group), [] if any(map(is_default, group)) else default, facts)
        for trial in group if said else []:
            own = whole(trial.get("trial"))
            if own is not None and verdicts[own].kind in (Kind.GOOD, Kind.UNDERFIT, Kind.SHORT, Kind.UNJUDGED):
                found[own] = Verdict(Kind.UNSTABLE, said)
    return found


def _scores(group: Sequence[Row]) -> list[float]:
    """The final scores of replicates; those ended early are left out, since a score grows with training."""
    return sorted(score for trial in group if trial.get("state") == "complete"
                  and (score := number(trial.get("score"))) is not None)


def _apart(scores: Sequence[float], default: Sequence[float], facts: Facts) -> str:
    """Why these scores of one recipe are further apart than they should be, if they are."""
    if len(scores) < 2:
        return ""
    gaps = [after - before for before, after in itertools.pairwise(scores)]
    reach = f"On {len(scores)} seeds this recipe scored {scores[0]:.3f} to {scores[-1]:.3f}"
    if max(gaps) >= max(BIMODAL_GAP, 4 * score_error(scores[0], facts)):
        return f"{reach}, in two groups that are {max(gaps):.3f} apart."
    if len(default) < 2 or not _wider(scores, default, facts):
        return ""
    return f"{reach}, further apart than the default recipe's {default[0]:.3f} to {default[-1]:.3f}."


def _wider(scores: Sequence[float], default: Sequence[float], facts: Facts) -> bool:
    """An F test of the two variances. The default's is at least that of which rows happen to be right."""
    from scipy.stats import f

    floor = score_error(default[0], facts) ** 2 / 2
    ratio = variance(scores) / max(variance(default), floor)
    return bool(f.sf(ratio, len(scores) - 1, len(default) - 1) <= ERROR_RATE)
