"""Telling the truth about a search: which recipe to deliver, how good it is, and how optimistic the search's own figure is.

Everything here is a pure function of figures that finals and searches leave behind. `benchmarks/honesty.py` shows on simulated
studies, whose truth is known, that the intervals cover and that the rule neither cries wolf nor sleeps; the constants below are
what they are for its sake.

A figure of a recipe has two kinds of noise: over rows, known from a bootstrap, and over training (seeds and folds), known only
from a few trainings. They are estimated apart and added (Bouthillier et al. 2021, "Accounting for variance in machine
learning benchmarks").
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
from scipy import integrate, optimize, stats

from luthier.search.finals import UNFINISHED
from luthier.tasks.metrics import Score

FALSE_ALARM = 0.1
"""How often a recipe is put before an equal default, over all finals together, at the most.

At 0.1 an equal default is kept in nine of ten studies. The usual 0.05 would find less, and a wrong change costs little where the
two are equal. No rule finds a gain of two standard errors of the finals' own paired difference in more than 76 % of studies at
this level, were its error known (Neyman & Pearson 1933): Φ(2 - 1.28).
"""
COVERAGE = 0.95
CHEAPER = 0.9
"""The work of a cheaper recipe over another's, at the most: most are trained for the same work, but for whole steps."""
LEAST_DEGREES = 8.0
"""The fewest degrees of freedom that intervals are drawn with. Two pairs of two recipes have one, whose t quantile of 12.7 would
make intervals 1.6 times as wide as the oracle's on average; with eight they are 1.15 times as wide and cover as often to half a
per cent, for the rows' part is known. Decisions go without it, or they would put a recipe before an equal default in one of
eight studies, and, where seeds are loud, in one of six.
"""


@dataclass(frozen=True)
class Entrant:
    """One finalist: a recipe trained anew on several (seed, fold) pairs, the same pairs in the same order for all.

    Attributes:
        number: of its trial.
        values: the headline metric on each pair.
        error: the standard error, over rows, of the figure of all pairs together: a bootstrap of the pooled out-of-fold
            predictions, or, where every pair has the same rows, of the mean over pairs, a row drawn with all its predictions.
        work: what one training costs; the cheaper of equal recipes is delivered.
        pooled: the metric of all pairs' predictions together, where that is another number than the mean of `values`, as F1 is:
            on the few rows of one fold it is biased. For all finalists or for none.
    """

    number: int
    values: tuple[float, ...]
    error: float
    work: float
    pooled: float | None = None

    @property
    def mean(self) -> float:
        """The figure over all pairs."""
        return fmean(self.values) if self.pooled is None else self.pooled


@dataclass(frozen=True)
class Ruling:
    """Which finalist is delivered, why, and how good its recipe is.

    Attributes:
        chosen: the number of the trial.
        reason: why, as people read it.
        scores: of each finalist, its shrunk mean with the recipe's 95 % interval, over seeds and rows.
        gain: of the best other recipe over the default; shrunk, its interval before selection. None without one of the two.
        needed: by how much each challenger's mean had to be ahead of the default's.
        ahead: the challengers that were.
        seed_error: the standard deviation from one training of a recipe to another, all rows being known.
        tie: by how much one may be behind another and yet be as good.
    """

    chosen: int
    reason: str
    scores: dict[int, Score]
    gain: Score | None
    needed: dict[int, float]
    ahead: tuple[int, ...]
    seed_error: float
    tie: float = 0.0

    @property
    def score(self) -> Score:
        """The figure of the recipe that is delivered."""
        return self.scores[self.chosen]


@dataclass(frozen=True)
class Noise:
    """The noise of one training: its variance apart from rows, and the mean square that says so, of so many degrees of freedom."""

    seed: float
    square: float
    degrees: int
    pairs: int

    def error(self, rows: float, recipes: int = 1) -> tuple[float, float]:
        """The standard error of a mean over pairs, or of a difference of two, and its degrees of freedom.

        The degrees are Satterthwaite's (1946): few trainings widen an interval only as far as training is what makes it wide.

        Args:
            rows: the variance over rows.
            recipes: how many independent trainings are in one pair's figure.
        """
        variance = rows + recipes * self.seed / self.pairs
        part = recipes * self.square / self.pairs
        degrees = variance**2 * self.degrees / part**2 if self.degrees and part else math.inf
        return math.sqrt(variance), degrees


def judge(default: int | None, entrants: Sequence[Entrant], gains: Mapping[int, Score], disjoint: bool, *,
          missing: str = UNFINISHED) -> Ruling:
    """Choose the recipe to deliver among finalists that were trained on fresh seeds and folds.

    The default is kept unless a challenger's paired gain is clearly above its error: further above 0 than the best of as many
    equal challengers would be in all but `FALSE_ALARM` of studies (Dunnett 1955, one-sided). Among those that are, the best by
    shrunk mean is chosen or, of those within one standard error of their paired difference from it, the cheapest (the
    one-standard-error rule, Breiman et al. 1984), where that is cheaper by a tenth at least.

    Args:
        default: the number of the default's trial, if it could be run.
        entrants: the finalists.
        gains: each challenger's gain over the default, paired over rows, of the same predictions as the entrants' errors.
            Without them nothing is known of how alike two recipes err, and the interval of a gain is wider.
        disjoint: whether every pair has rows of its own. Where all share theirs, more seeds tell no more about rows.
        missing: why the default recipe is not among them, where it is not.

    Raises:
        ValueError: there is no finalist, or they were not trained on the same pairs.
    """
    if (len({len(entrant.values) for entrant in entrants}) != 1 or not entrants[0].values
            or len({entrant.pooled is None for entrant in entrants}) != 1):
        raise ValueError("Finalists are compared by the same figures of the same pairs, of which there must be one at least.")
    there = {entrant.number: entrant for entrant in entrants}
    base = there.get(default) if default is not None else None
    challengers = [entrant for entrant in entrants if entrant is not base]
    gains = {entrant.number: gains[entrant.number] for entrant in challengers if entrant.number in gains}
    noise = training_noise(entrants, gains, disjoint)
    rows = {entrant.number: _gain_variance(entrant, base or entrants[0], gains, disjoint) for entrant in challengers}
    between = fmean(rows.values()) if rows else 0.0
    shrunk = shrunk_means({entrant.number: entrant.mean for entrant in entrants}, noise.error(between, 2)[0])
    scores = {number: _score(shrunk[number], *noise.error(there[number].error**2)) for number in shrunk}

    def decide(chosen: int, reason: str, needed: dict[int, float] | None = None, ahead: Sequence[int] = (),
               gain: Score | None = None) -> Ruling:
        return Ruling(chosen, reason, scores, gain, needed or {}, tuple(ahead), math.sqrt(noise.seed), tie)

    tie = noise.error(between, 2)[0]
    means, works = {number: one.mean for number, one in there.items()}, {number: one.work for number, one in there.items()}
    if base is None:
        best = winner(means, works, tie)
        which = "the best" if shrunk[best] == max(shrunk.values()) else "the cheapest of those as good as the best"
        return decide(best, f"the default recipe {missing}, so {which} of the others is delivered")
    if not challengers:
        return decide(base.number, "no other trial could be finished, so the default recipe is delivered without a comparison")
    level = dunnett_level(len(challengers))
    errors = {entrant.number: noise.error(rows[entrant.number], 2) for entrant in challengers}
    needed = {number: error * float(stats.t.isf(level, degrees)) for number, (error, degrees) in errors.items()}
    ahead = leaders(means, base.number, needed)
    best = winner(means, works, tie, base.number, needed) if ahead else max(needed, key=lambda number: (shrunk[number], -number))
    gain = _score(shrunk[best] - shrunk[base.number], *errors[best])
    seeds = "one fresh seed" if noise.pairs == 1 else f"{noise.pairs} fresh seeds"
    lead = there[best].mean - base.mean
    if not ahead and lead <= 0:
        reason = f"no other recipe was ahead of the default on {seeds}: the default is as good, and is delivered"
        return decide(base.number, reason, needed, ahead, gain)
    if not ahead:
        return decide(base.number, f"on {seeds} the best other recipe is ahead of the default by {lead:+.3f}, which may be "
                                   f"chance (standard error {gain.error:.3f}; above {needed[best]:+.3f} would count): the "
                                   "default is as good, and is delivered", needed, ahead, gain)
    others = [number for number in ahead if number != best and shrunk[number] > shrunk[best]]
    cheap = "; the cheapest of those that are as good" if others else ""
    return decide(best, f"ahead of the default by {gain.value:+.3f} on {seeds}, 95 % interval [{gain.low:+.3f}, {gain.high:+.3f}] "
                        f"before selection among {len(entrants)} finals{cheap}", needed, ahead, gain)


def leaders(means: Mapping[int, float], default: int, needed: Mapping[int, float]) -> list[int]:
    """The finalists that are ahead of the default by more than each needs."""
    return [number for number, lead in needed.items() if means[number] - means[default] > lead]


def winner(means: Mapping[int, float], works: Mapping[int, float], tie: float, default: int | None = None,
           needed: Mapping[int, float] | None = None) -> int:
    """The finalist to deliver: the default where none is ahead of it by what is `needed`; else the best of those that are.

    One that is behind it by no more than `tie`, and cheaper by a tenth, is taken in its place; the best of the cheapest such.
    """
    among = list(means) if default is None else leaders(means, default, needed or {})
    if default is not None and not among:
        return default
    top = max(among, key=lambda number: (means[number], -number))
    equal = [number for number in among if means[top] - means[number] <= tie]
    cheap = [number for number in equal if works[number] <= CHEAPER * works[top]] or [top]
    least = min(works[number] for number in cheap)
    return max((number for number in cheap if works[number] <= least / CHEAPER), key=lambda number: (means[number], -number))


@dataclass(frozen=True)
class Verdict:
    """Which finalist is delivered, why, in a sentence, and what the search's own figure of it is worth, where there was one."""

    chosen: int
    reason: str
    optimism: Optimism | None = None


def choose(default: int | None, values: Mapping[int, float], gains: Mapping[int, Score], tried: int,
           missing: str = UNFINISHED) -> Verdict:
    """Choose among finals by the validation rows, by which the search has chosen them: where none was trained on fresh seeds.

    The default is kept unless another is ahead by more than the best of as many equal recipes as were tried would be in all but
    `FALSE_ALARM` of studies (Dunnett 1955, one-sided), as far as that is chance among rows.

    Args:
        default: the number of the default's final, if it could be run.
        values: the headline metric of each final.
        gains: each other final's gain over the default, paired over rows.
        tried: how many recipes the finals were chosen among.
        missing: why the default recipe is not there, where it is not.
    """
    best = max(values, key=lambda number: (values[number], -number))
    if default is None:
        return Verdict(best, f"the default recipe {missing}, so the best of the others is delivered")
    if len(values) == 1:
        return Verdict(default, "no other trial could be finished, so the default recipe is delivered without a comparison")
    if best == default:
        return Verdict(default, "no trial beat the default recipe on the validation rows: the default is delivered")
    gain, tried = gains[best], max(tried, len(values))
    needed = gain.error * float(stats.norm.isf(dunnett_level(tried - 1)))
    if gain.value <= needed:
        return Verdict(default, f"the best trial is ahead of the default recipe by {gain.value:+.3f}, which may be chance among "
                                f"{tried} recipes (standard error {gain.error:.3f}; above {needed:+.3f} would count): the default "
                                "is as good, and is delivered")
    return Verdict(best, f"ahead of the default recipe by {gain.value:+.3f} on the validation rows, 95 % interval "
                         f"[{gain.low:+.3f}, {gain.high:+.3f}] before selection among {tried} recipes")


def training_noise(entrants: Sequence[Entrant], gains: Mapping[int, Score], disjoint: bool) -> Noise:
    """The noise from one training to another, pooled over the finalists as their recipe × pair interaction.

    What a pair does to all recipes alike (its rows are hard) is taken out first; of what is left, the rows' part is known from
    the paired gains where each pair has its own rows. One finalist alone has only its own spread. Not in it is what a seed or
    a fold does to all recipes alike beyond its rows: of two to four pairs nothing useful can be said of that, and no
    estimate of the variance of a cross-validation is unbiased (Bengio & Grandvalet 2004).
    """
    values = np.array([entrant.values for entrant in entrants])
    recipes, pairs = values.shape
    degrees = (max(recipes, 2) - 1) * (pairs - 1)
    if not degrees:
        return Noise(0.0, 0.0, 0, pairs)
    left = values - values.mean(1, keepdims=True)
    if recipes > 1:
        left -= left.mean(0, keepdims=True)
    square = float((left**2).sum() / degrees)
    known = 0.0
    if disjoint and recipes == 1:
        known = pairs * entrants[0].error**2
    elif disjoint:
        known = pairs * fmean([gain.error**2 for gain in gains.values()]) / 2 if gains else 0.0
    return Noise(max(0.0, square - known), square, degrees, pairs)


def _gain_variance(one: Entrant, other: Entrant, gains: Mapping[int, Score], disjoint: bool) -> float:
    """The variance of a gain over rows. Where pairs have rows of their own and no gain is known, the interaction holds it."""
    if one.number in gains:
        return gains[one.number].error**2
    if gains:
        return fmean([gain.error**2 for gain in gains.values()])
    return 0.0 if disjoint and len(one.values) > 1 else one.error**2 + other.error**2


def shrunk_means(means: Mapping[int, float], error: float) -> dict[int, float]:
    """The means, each drawn to the mean of all as far as their spread is noise.

    m̄ + τ²/(τ² + ω²)·(m − m̄), where τ² + ω² is estimated by the spread seen (method of moments, never negative; Robbins 1956;
    Efron & Morris 1975). So the best of several does not keep the luck that it was chosen for.

    Args:
        error: the standard error of a difference of two of them, √2·ω.
    """
    if len(means) < 2:
        return dict(means)
    kept = _share_kept(float(np.var(list(means.values()), ddof=1)), error**2 / 2)
    middle = fmean(means.values())
    return {number: middle + kept * (mean - middle) for number, mean in means.items()}


def _share_kept(seen: float, noise: float) -> float:
    """τ²/(τ² + ω²), where τ² + ω² is the variance seen and ω² the noise."""
    return max(0.0, 1 - noise / seen) if seen > 0 else 0.0


@functools.cache
def dunnett_level(challengers: int) -> float:
    """The one-sided level of each comparison at which any of so many equal challengers is ahead in `FALSE_ALARM` of studies.

    Differences from one default share its noise, so they are correlated by one half (Dunnett 1955).
    """
    points, weights = np.polynomial.hermite_e.hermegauss(64)
    weights /= weights.sum()

    def excess(threshold: float) -> float:
        return float(weights @ stats.norm.cdf(math.sqrt(2) * threshold + points)**challengers) - (1 - FALSE_ALARM)

    return float(stats.norm.sf(optimize.brentq(excess, -1.0, 6.0)))


def _score(value: float, error: float, degrees: float) -> Score:
    reach = error * float(stats.t.isf((1 - COVERAGE) / 2, max(degrees, LEAST_DEGREES)))
    return Score(value, value - reach, value + reach, error)


@dataclass(frozen=True)
class Optimism:
    """By how much the best figure of a search flatters.

    Attributes:
        raw: the figure as the search saw it, with its 95 % interval had it not been chosen.
        shrunk: what of it is to be believed, with its 95 % interval.
        expected: by how much the best of so many recipes is expected to be overstated.
        spread: the standard deviation of the recipes' true figures, near the top.
    """

    raw: Score
    shrunk: Score
    expected: float
    spread: float

    def to_table(self) -> dict[str, Any]:
        """{raw, shrunk, expected}, as results.json holds it."""
        return {"raw": self.raw.to_table(), "shrunk": self.shrunk.to_table(), "expected": self.expected}


def optimism(values: Sequence[float], best: int, error: float, common: float = 0.0, tried: int = 0) -> Optimism:
    """What the best of K noisy figures overstates: m_K·σ²/√(σ² + τ²), and the figure shrunk by τ²/(τ² + σ²).

    τ² + σ² is estimated by the method of moments from the upper half alone, mirrored at the median: which recipes failed says
    nothing of how close the good ones are, and the bias of the best depends on the density near it (Efron 2011, "Tweedie's
    formula and selection bias").

    Args:
        values: the figures of all recipes of the search at the same stage.
        best: the index of the one that is asked about.
        error: σ, the standard deviation of what is not shared by all recipes: where they saw the same rows, the standard error of
            a paired difference over √2, and one training's noise (`Ruling.seed_error`) beside it.
        common: the standard error of what all figures share, for the intervals alone.
        tried: of how many recipes these are those that came to this stage, by figures with the same noise; fewer than there are
            values count as these.

    Raises:
        ValueError: there are no values.
    """
    if not len(values):
        raise ValueError("There are no values.")
    figures = np.asarray(values, dtype=np.float64)
    middle = float(np.median(figures))
    upper = figures[figures >= middle]
    seen = float(((upper - middle)**2).mean()) if len(figures) > 1 else 0.0
    spread = max(0.0, seen - error**2)
    kept = _share_kept(seen, error**2)
    total = math.sqrt(spread + error**2)
    expected = expected_maximum(max(len(figures), tried)) * error**2 / total if total else 0.0
    shrunk = middle + kept * (float(figures[best]) - middle)
    return Optimism(_score(float(figures[best]), math.hypot(error, common), math.inf),
                    _score(shrunk, math.sqrt(kept * error**2 + common**2), math.inf), expected, math.sqrt(spread))


@functools.cache
def expected_maximum(number: int) -> float:
    """The expected greatest of so many independent standard normal numbers, m_K: 20: 1.87, 50: 2.25, 200: 2.75."""
    if number < 2:
        return 0.0
    found, _ = integrate.quad(lambda x: x * number * stats.norm.pdf(x) * stats.norm.cdf(x)**(number - 1), -9, 9, limit=200)
    return float(found)
