"""Does Luthier tell the truth about its searches? Simulated studies whose truth is known.

Rows are right or wrong (a probit model: a row's difficulty, which all recipes share, what a recipe finds hard of its own, and
luck of one training); a training's own luck moves all its rows; so recipes are correlated over rows as trained models are. A
study searches `trials` recipes on one seed and `search_rows` rows, trains the default and the best `challengers` anew on
`pairs` (seed, fold) pairs, and judges. The standard error of a share of right rows is what the bootstrap comes to, so it is
computed, not drawn. Bias-corrected bootstraps draw.

    python benchmarks/honesty.py            # 1,000 studies of each kind, 300 with bootstraps
    python benchmarks/honesty.py --quick    # 300 and 100
"""

from __future__ import annotations

import argparse
import functools
import json
import math
import platform
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy
from scipy import stats

from luthier.search.few_rows import bbc_cv
from luthier.search.honest import Entrant, Ruling, choose, dunnett_level, judge, optimism, winner
from luthier.tasks.bootstrap import Floats
from luthier.tasks.classification import Classification
from luthier.tasks.metrics import Score

Z = float(stats.norm.isf(0.025))


@dataclass(frozen=True)
class World:
    """What a study is like.

    Attributes:
        rows: of the finals: all together where folds are disjoint, else those of every pair.
        right: the share that the recipes get right on average.
        spread: the standard deviation of the recipes' true shares.
        seed_error: that of one recipe's true share from training to training.
        common: that of what a pair does to all recipes alike, beside its rows. The rule does not look for it.
        failed: the share of trials that come to nothing.
        alike, own: how much of a row's difficulty is shared by all recipes, and by the trainings of one.
    """

    rows: int = 600
    search_rows: int = 200
    trials: int = 30
    challengers: int = 3
    pairs: int = 3
    disjoint: bool = True
    right: float = 0.8
    spread: float = 0.01
    seed_error: float = 0.01
    common: float = 0.0
    failed: float = 0.0
    alike: float = 0.86
    own: float = 0.05

    @functools.cached_property
    def slope(self) -> float:
        """How fast the share grows with the latent score."""
        return float(stats.norm.pdf(stats.norm.ppf(self.right)))

    @functools.cached_property
    def correlation(self) -> float:
        """Of the outcomes of two recipes on one row."""
        return self._correlation(self.alike)

    @functools.cached_property
    def agreement(self) -> float:
        """Of the outcomes of two trainings of one recipe on one row."""
        return self._correlation(self.alike + self.own)

    def _correlation(self, latent: float) -> float:
        z = stats.norm.ppf(self.right)
        both = stats.multivariate_normal.cdf([z, z], cov=[[1, latent], [latent, 1]])
        return float((both - self.right**2) / (self.right * (1 - self.right)))

    def error(self, right: float) -> float:
        """The standard error of a finalist's mean, over rows and seeds: of an oracle who knows the world."""
        row = right * (1 - right) / self.rows
        if not self.disjoint:
            row *= self.agreement + (1 - self.agreement) / self.pairs
        return math.sqrt(row + (self.seed_error**2 + self.common**2) / self.pairs)

    def gain_error(self, pairs: int | None = None) -> float:
        """The standard error of a paired difference of two recipes over the finals, or over one of their pairs alone."""
        rows = self.rows if pairs is None or not self.disjoint else self.rows * pairs / self.pairs
        count = pairs or self.pairs
        row = 2 * (1 - self.correlation) * self.right * (1 - self.right) / rows
        if not self.disjoint:
            same = self.agreement + (1 - self.agreement) / count
            row = 2 * (same - self.correlation) * self.right * (1 - self.right) / rows
        return math.sqrt(row + 2 * self.seed_error**2 / count)


@dataclass(frozen=True)
class Study:
    """One study: the recipes' true shares (0 is the default), what the search saw, and what was ruled."""

    truths: Floats
    searched: Floats
    ruling: Ruling
    entrants: dict[int, Entrant]
    gains: dict[int, Score]


def outcomes(world: World, truths: Floats, rows: int, random: np.random.Generator,
             hardness: Floats | None = None, own: Floats | None = None) -> Floats:
    """Which rows are right, of one training of each recipe. Shape [recipes, rows]."""
    luck = random.normal(0, world.seed_error / world.slope, len(truths)) + random.normal(0, world.common / world.slope)
    spoilt = (world.seed_error**2 + world.common**2) / world.slope**2
    level = stats.norm.ppf(truths) * math.sqrt(1 + spoilt)
    hardness = random.normal(size=rows) if hardness is None else hardness
    own = random.normal(size=(len(truths), rows)) if own is None else own
    latent = (math.sqrt(world.alike) * hardness + math.sqrt(world.own) * own
              + math.sqrt(1 - world.alike - world.own) * random.normal(size=(len(truths), rows)))
    return ((level + luck)[:, None] + latent > 0).astype(np.float64)


def finals(world: World, truths: Floats, random: np.random.Generator) -> tuple[Floats, Floats]:
    """The value of each finalist on each pair, and what is bootstrapped of its rows: outcomes [finalists, rows]."""
    if world.disjoint:
        parts = [outcomes(world, truths, world.rows // world.pairs, random) for _ in range(world.pairs)]
        return np.stack([part.mean(1) for part in parts], 1), np.concatenate(parts, 1)
    hardness, own = random.normal(size=world.rows), random.normal(size=(len(truths), world.rows))
    parts = [outcomes(world, truths, world.rows, random, hardness, own) for _ in range(world.pairs)]
    return np.stack([part.mean(1) for part in parts], 1), np.mean(parts, 0)


def judged(world: World, truths: Floats, numbers: Sequence[int], random: np.random.Generator
           ) -> tuple[Ruling, dict[int, Entrant], dict[int, Score]]:
    """Finals of some recipes, the default (0) first, and the ruling."""
    return ruling_of(world, numbers, *finals(world, truths[list(numbers)], random))


def ruling_of(world: World, numbers: Sequence[int], values: Floats, right: Floats
              ) -> tuple[Ruling, dict[int, Entrant], dict[int, Score]]:
    """The ruling on what `finals` returned."""
    root = math.sqrt(right.shape[1])
    entrants = [Entrant(number, tuple(values[place].tolist()), float(right[place].std() / root), 1.0)
                for place, number in enumerate(numbers)]
    gains = {}
    for place, number in enumerate(numbers):
        if place:
            apart = right[place] - right[0]
            value, error = float(apart.mean()), float(apart.std() / root)
            gains[number] = Score(value, value - Z * error, value + Z * error, error)
    return judge(numbers[0], entrants, gains, world.disjoint), {entrant.number: entrant for entrant in entrants}, gains


def study(world: World, truths: Floats, random: np.random.Generator) -> Study:
    """Search, finals, ruling."""
    searched = outcomes(world, truths, world.search_rows, random).mean(1)
    order = [int(number) for number in np.argsort(-searched, kind="stable") if number]
    ruling, entrants, gains = judged(world, truths, [0, *order[:world.challengers]], random)
    return Study(truths, searched, ruling, entrants, gains)


def true_shares(world: World, random: np.random.Generator) -> Floats:
    """The true shares of a study's recipes; the default is a little better than most."""
    found = world.right + world.spread * random.normal(size=world.trials)
    found[random.random(world.trials) < world.failed] = 0.4
    found[0] = world.right + world.spread / 2
    return np.clip(found, 0.02, 0.98)


def coverage(world: World, studies: int, seed: int = 0) -> dict[str, float]:
    """How often intervals cover, and how wide they are beside the oracle's.

    "naive" is the best figure of the search with the interval over its rows, about the recipe that has it. "rows" ignores
    training, "own" knows each recipe's own pairs alone: both about the recipe that was ruled.
    """
    random = np.random.default_rng([seed, 1])
    tally: dict[str, list[float]] = {name: [] for name in (
        "covered", "width", "oracle", "oracle_width", "naive", "naive_width", "rows", "own", "own_width", "bias", "raw_bias",
        "naive_bias", "shrunk_bias", "expected_optimism", "default", "gain_covered", "top_bias", "top_raw_bias")}
    for _ in range(studies):
        one = study(world, true_shares(world, random), random)
        ruling, chosen = one.ruling, one.ruling.chosen
        truth, entrant, score = float(one.truths[chosen]), one.entrants[chosen], one.ruling.score
        known = world.error(truth)
        best = int(one.searched.argmax())
        top, flat = float(one.searched[best]), float(one.truths[best])
        reach = Z * math.sqrt(top * (1 - top) / world.search_rows)
        own = float(np.std(entrant.values, ddof=1)) / math.sqrt(world.pairs) * float(stats.t.isf(0.025, world.pairs - 1))
        scale = world.rows / world.search_rows
        between = np.mean([gain.error**2 for gain in one.gains.values()] or [entrant.error**2])
        apart = math.sqrt(between / 2 * scale + ruling.seed_error**2)
        told = optimism(one.searched.tolist(), best, apart)
        first = max(one.entrants.values(), key=lambda entrant: entrant.mean)
        row = {"covered": score.low <= truth <= score.high, "width": score.high - score.low,
               "oracle": abs(entrant.mean - truth) <= Z * known, "oracle_width": 2 * Z * known,
               "naive": abs(top - flat) <= reach, "naive_width": 2 * reach,
               "rows": abs(entrant.mean - truth) <= Z * entrant.error, "own": abs(entrant.mean - truth) <= own,
               "own_width": 2 * own, "bias": score.value - truth, "raw_bias": entrant.mean - truth, "naive_bias": top - flat,
               "shrunk_bias": told.shrunk.value - flat, "expected_optimism": told.expected, "default": chosen == 0,
               "top_bias": ruling.scores[first.number].value - one.truths[first.number],
               "top_raw_bias": first.mean - one.truths[first.number]}
        if ruling.gain:
            ahead = chosen or max(one.gains, key=lambda number: ruling.scores[number].value)
            row["gain_covered"] = ruling.gain.low <= one.truths[ahead] - one.truths[0] <= ruling.gain.high
        for name, value in row.items():
            tally[name].append(float(value))
    means = {name: float(np.mean(values)) for name, values in tally.items() if values}
    for name in ("width", "own_width", "naive_width"):
        means[name] /= means["oracle_width"]
    return means | {"correlation": world.correlation, "studies": studies}


def macro_f1(world: World, labels: int, studies: int, seed: int = 0) -> dict[str, float]:
    """The same of macro-F1 of unbalanced labels, with bootstraps: finals alone, and "folds" if the mean of folds were the figure.

    The default and the challengers are equal; a wrong row is any other label. "oracle_width" is that of 1.96 standard
    deviations of the default's figure over the studies.
    """
    random = np.random.default_rng([seed, 5])
    task = Classification(tuple(f"label {number}" for number in range(labels)), "macro_f1")
    share = 0.7**np.arange(labels)
    share /= share.sum()
    given = world.right * share + (1 - world.right) * (1 - share) / (labels - 1)
    truth = float(np.mean(2 * world.right * share / (share + given)))
    tally: dict[str, list[float]] = {name: [] for name in ("covered", "width", "folds", "bias", "folds_bias", "default", "figure")}
    for _ in range(studies):
        right = finals(world, np.full(world.challengers + 1, world.right), random)[1].astype(bool)
        true = random.choice(labels, size=world.rows, p=share)
        wrong = (true + random.integers(1, labels, size=right.shape)) % labels
        scores = [np.eye(labels)[np.where(row, true, other)] for row, other in zip(right, wrong, strict=True)]
        parts = np.array_split(np.arange(world.rows), world.pairs)
        entrants = [Entrant(number, tuple(task.metrics(one[part], true[part])["macro_f1"] for part in parts),
                            task.score(one, true).error, 1.0, task.metrics(one, true)["macro_f1"])
                    for number, one in enumerate(scores)]
        gains = {number: task.difference(scores[number], scores[0], true) for number in range(1, len(scores))}
        ruling = judge(0, entrants, gains, True)
        folds = judge(0, [replace(entrant, pooled=None) for entrant in entrants], gains, True)
        row = {"covered": ruling.score.low <= truth <= ruling.score.high, "width": ruling.score.high - ruling.score.low,
               "folds": folds.score.low <= truth <= folds.score.high, "bias": ruling.score.value - truth,
               "folds_bias": folds.score.value - truth, "default": ruling.chosen == 0, "figure": entrants[0].mean}
        for name, value in row.items():
            tally[name].append(float(value))
    means = {name: float(np.mean(values)) for name, values in tally.items()}
    return means | {"width": means["width"] / (2 * Z * float(np.std(tally["figure"]))), "truth": truth, "studies": studies}


def noise(world: World, studies: int, seed: int = 0) -> float:
    """How often the default is kept where all recipes are equal."""
    random = np.random.default_rng([seed, 2])
    truths = np.full(world.trials, world.right)
    return float(np.mean([study(world, truths, random).ruling.chosen == 0 for _ in range(studies)]))


def power(world: World, gain: float, better: int, studies: int, seed: int = 0, search: bool = False) -> float:
    """How often a better recipe is delivered, where so many are better than the default and all others by `gain`.

    Args:
        search: whether the search must find them first, among all trials; else they are among the finalists.
    """
    random = np.random.default_rng([seed, 3])
    truths = np.full(world.trials, world.right)
    truths[1:better + 1] += gain
    found = []
    for _ in range(studies):
        if search:
            chosen = study(world, truths, random).ruling.chosen
        else:
            chosen = judged(world, truths, list(range(world.challengers + 1)), random)[0].chosen
        found.append(1 <= chosen <= better)
    return float(np.mean(found))


def hasty(world: World, gain: float, better: int, studies: int, seed: int = 0) -> dict[str, float]:
    """Where there is no time for fresh seeds: how often one of the `better` recipes, or the default, is chosen by rows once seen.

    At its worst: what is finished is the very training that the search saw, on the search's rows and others. "kept, one error" is
    how often the default would be kept if a lead of one standard error were enough.
    """
    random = np.random.default_rng([seed, 6])
    truths = np.full(world.trials, world.right)
    truths[1:better + 1] += gain
    kept, found, lenient = [], [], []
    for _ in range(studies):
        right = outcomes(world, truths, world.rows, random)
        searched, values = right[:, :world.search_rows].mean(1), right.mean(1)
        best = [int(number) for number in np.argsort(-searched, kind="stable") if number][:world.challengers]
        gains = {}
        for number in best:
            apart = right[number] - right[0]
            value, error = float(apart.mean()), float(apart.std() / math.sqrt(world.rows))
            gains[number] = Score(value, value - Z * error, value + Z * error, error)
        chosen = choose(0, {number: float(values[number]) for number in (0, *best)}, gains, world.trials).chosen
        kept.append(chosen == 0)
        found.append(1 <= chosen <= better)
        lenient.append(all(one.value <= one.error for one in gains.values()))
    return {"kept": float(np.mean(kept)), "found": float(np.mean(found)), "kept, one error": float(np.mean(lenient))}


def gains_of_two_errors(world: World) -> dict[str, float]:
    """Two standard errors: of one pair's paired difference, of the recipe's reported figure, of the finals' paired difference."""
    return {"one comparison": 2 * world.gain_error(1), "recipe's figure": 2 * world.error(world.right),
            "finals' difference": 2 * world.gain_error()}


def best_possible(world: World, gain: float) -> float:
    """How often the one better finalist would be ahead, by the rule at its level, were the error of the difference known."""
    return float(stats.norm.cdf(gain / world.gain_error() - stats.norm.isf(dunnett_level(world.challengers))))


def out_of_fold(world: World, finalists: int, studies: int, seed: int = 0, ruled: bool = False) -> dict[str, float]:
    """The bias and the coverage of the chosen one's own out-of-fold figure, and of BBC-CV's.

    Args:
        ruled: whether `judge` chooses; else the best figure does.
    """
    random = np.random.default_rng([seed, 4])
    tally: dict[str, list[float]] = {name: [] for name in ("naive_bias", "bias", "naive", "covered", "width")}
    for number in range(studies):
        truths = true_shares(replace(world, trials=finalists), random)
        values, right = finals(world, truths, random)
        means, choice = right.mean(1), None
        best = int(means.argmax())
        if ruled:
            ruling, _, _ = ruling_of(world, list(range(finalists)), values, right)
            best, choice = ruling.chosen, functools.partial(chosen_by, ruling)
        score = bbc_cv([statistic_of(rows) for rows in right], "accuracy", right.shape[1], choice=choice, seed=number)
        reach = Z * float(right[best].std()) / math.sqrt(right.shape[1])
        row = {"naive_bias": means[best] - truths[best], "bias": score.value - truths[best],
               "naive": abs(means[best] - truths[best]) <= reach, "covered": score.low <= truths[best] <= score.high,
               "width": (score.high - score.low) / (2 * Z * world.error(world.right))}
        for name, value in row.items():
            tally[name].append(float(value))
    return {name: float(np.mean(values)) for name, values in tally.items()} | {
        "error_of_bias": float(np.std(tally["bias"]) / math.sqrt(studies)), "studies": studies}


def chosen_by(ruling: Ruling, figures: Floats) -> int:
    """The place that the rule of a ruling chooses by other figures; all recipes cost the same."""
    means = dict(enumerate(figures.tolist()))
    return winner(means, dict.fromkeys(means, 1.0), ruling.tie, 0, ruling.needed)


def statistic_of(right: Floats) -> Any:
    """The share of right rows as a function of how often each row counts."""
    def share(weights: Floats) -> dict[str, Floats]:
        total = weights.sum(1)
        return {"accuracy": np.divide(weights @ right, total, out=np.full(len(weights), np.nan), where=total > 0)}

    return share


WORLDS: dict[str, World] = {
    "3 pairs, 3 challengers": World(),
    "3 pairs, 1 challenger": World(challengers=1),
    "2 pairs, 1 challenger": World(pairs=2, challengers=1),
    "2 pairs, 3 challengers": World(pairs=2),
    "4 pairs, 2 challengers": World(pairs=4, challengers=2),
    "3 pairs, the default alone": World(challengers=0),
    "2 pairs, the default alone": World(pairs=2, challengers=0),
    "same rows in each pair": World(rows=300, disjoint=False),
    "same rows, 2 pairs": World(rows=300, disjoint=False, pairs=2),
    "loud seeds": World(seed_error=0.02),
    "loud seeds, 2 pairs, 1 challenger": World(seed_error=0.02, pairs=2, challengers=1),
    "quiet seeds": World(seed_error=0.003),
    "150 rows": World(rows=150, search_rows=100),
    "5,000 rows": World(rows=5001, search_rows=1000),
    "recipes far apart": World(spread=0.04),
    "all recipes equal": World(spread=0.0),
    "a third of trials failed": World(failed=0.33),
    "right 95 %": World(right=0.95, spread=0.005, seed_error=0.005),
    "pairs move all alike": World(common=0.01),
    "pairs move all far alike": World(common=0.02),
}
POWER = ("3 pairs, 3 challengers", "3 pairs, 1 challenger", "2 pairs, 1 challenger", "2 pairs, 3 challengers",
         "4 pairs, 2 challengers", "same rows in each pair", "loud seeds")
OUT_OF_FOLD: dict[str, tuple[World, int, bool]] = {
    "4 finalists, 150 rows, equal": (World(rows=150, spread=0.0), 4, False),
    "4 finalists, 150 rows": (World(rows=150), 4, False),
    "30 finalists, 150 rows, equal": (World(rows=150, spread=0.0), 30, False),
    "4 finalists, 60 rows, equal": (World(rows=60, spread=0.0), 4, False),
    "4 finalists, 150 rows, ruled": (World(rows=150), 4, True),
    "4 far apart, 150 rows, ruled": (World(rows=150, spread=0.04), 4, True),
}

HASTY: dict[str, World] = {
    f"{trials} trials, {rows:,} rows": World(trials=trials, rows=rows, search_rows=rows // 3, seed_error=0.005)
    for trials in (6, 12, 30) for rows in (300, 1000)} | {
    "12 trials, 300 rows, louder seeds": World(trials=12, rows=300, search_rows=100)}
MACRO_F1: dict[str, tuple[World, int]] = {"3 labels, 300 rows": (World(rows=300, challengers=2), 3),
                                          "8 labels, 300 rows": (World(rows=300, challengers=2), 8)}


def main() -> None:
    """Print the tables and a last line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="300 studies of each kind, 100 with bootstraps")
    asked = parser.parse_args()
    studies, drawn = (300, 100) if asked.quick else (1000, 300)
    table: dict[str, Any] = {"studies": studies, "versions": {"python": platform.python_version(), "numpy": np.__version__,
                                                               "scipy": scipy.__version__}}
    print(f"{studies:,} studies a line; widths are multiples of the oracle's; biases in points of a hundred\n")
    print(f"{'coverage':<34}{'recipe':>8}{'width':>7}{'oracle':>8}{'naive':>7}{'rows':>7}{'own':>7}{'width':>7}"
          f"{'bias':>7}{'raw':>7}{'naive':>7}{'shrunk':>8}{'told':>7}{'gain':>7}")
    for name, world in WORLDS.items():
        found = coverage(world, studies)
        table.setdefault("coverage", {})[name] = found
        found = {"gain_covered": math.nan} | found
        shares = (f"{found[key]:>{width}.1%}" if key.endswith(("covered", "oracle", "naive", "rows", "own")) else
                  f"{found[key]:>{width}.2f}" if key.endswith("width") else f"{100 * found[key]:>+{width}.2f}"
                  for key, width in (("covered", 8), ("width", 7), ("oracle", 8), ("naive", 7), ("rows", 7), ("own", 7),
                                     ("own_width", 7), ("bias", 7), ("raw_bias", 7), ("naive_bias", 7), ("shrunk_bias", 8),
                                     ("expected_optimism", 7), ("gain_covered", 7)))
        print(f"{name:<34}" + "".join(shares), flush=True)
    print(f"\n{'pure noise: default kept':<34}")
    for name, world in WORLDS.items():
        table.setdefault("noise", {})[name] = found_noise = noise(world, studies)
        print(f"{name:<34}{found_noise:>8.1%}", flush=True)
    print(f"\n{'a gain of two standard errors of':<34}{'gain':>8}{'one of the finalists':>22}{'at best':>9}{'all finalists':>15}"
          f"{'1 of the trials':>17}{'a third of them':>17}")
    for name in POWER:
        world = WORLDS[name]
        for definition, gain in gains_of_two_errors(world).items():
            cells = {"one": power(world, gain, 1, studies), "all": power(world, gain, world.challengers, studies),
                     "search one": power(world, gain, 1, studies, search=True),
                     "search third": power(world, gain, world.trials // 3, studies, search=True)}
            table.setdefault("power", {}).setdefault(name, {})[definition] = {
                "gain": gain, "best_possible": best_possible(world, gain)} | cells
            print(f"{name + ': ' + definition:<46}{gain:>8.4f}{cells['one']:>9.1%}{best_possible(world, gain):>9.1%}"
                  f"{cells['all']:>15.1%}"
                  f"{cells['search one']:>17.1%}{cells['search third']:>17.1%}", flush=True)
    print(f"\n{'without fresh seeds':<34}{'equal: kept':>12}{'one error':>11}{'gain':>8}{'found':>8}")
    for name, world in HASTY.items():
        equal, gain = hasty(world, 0.0, 0, studies), 2 * replace(world, pairs=1).gain_error()
        ahead = hasty(world, gain, 1, studies)
        table.setdefault("without_fresh_seeds", {})[name] = {"equal": equal, "gain": gain, "ahead": ahead}
        print(f"{name:<34}{equal['kept']:>12.1%}{equal['kept, one error']:>11.1%}{gain:>8.4f}{ahead['found']:>8.1%}", flush=True)
    print(f"\n{'out of fold, ' + str(drawn) + ' studies':<34}{'naive bias':>11}{'BBC bias':>10}{'±':>7}{'naive':>8}{'BBC':>8}"
          f"{'width':>7}")
    for name, (world, finalists, ruled) in OUT_OF_FOLD.items():
        found = out_of_fold(world, finalists, drawn, ruled=ruled)
        table.setdefault("out_of_fold", {})[name] = found
        print(f"{name:<34}{100 * found['naive_bias']:>+11.2f}{100 * found['bias']:>+10.2f}{100 * found['error_of_bias']:>7.2f}"
              f"{found['naive']:>8.1%}{found['covered']:>8.1%}{found['width']:>7.2f}", flush=True)
    print(f"\n{'macro-F1, ' + str(drawn) + ' studies':<34}{'truth':>8}{'recipe':>8}{'width':>7}{'bias':>7}{'default':>9}"
          f"{'mean of folds':>15}{'bias':>7}")
    for name, (world, labels) in MACRO_F1.items():
        found = macro_f1(world, labels, drawn)
        table.setdefault("macro_f1", {})[name] = found
        print(f"{name:<34}{found['truth']:>8.3f}{found['covered']:>8.1%}{found['width']:>7.2f}{100 * found['bias']:>+7.2f}"
              f"{found['default']:>9.1%}{found['folds']:>15.1%}{100 * found['folds_bias']:>+7.2f}", flush=True)
    print(json.dumps(table))


if __name__ == "__main__":
    main()
