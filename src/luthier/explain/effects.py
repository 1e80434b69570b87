"""What each hyperparameter did: the response of score, verdicts, memory and time to its value, and what can be said of it.

A sentence is written only where it is supported. That a value goes with a verdict takes at least `FEWEST` runs on its side,
most of them so judged, clearly fewer elsewhere, and a chance below `CHANCE` that runs shuffled among the values would part
like this (Fisher's exact test). A verdict that a trial was ended too early for is not counted against it.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from luthier.explain.importance import Ranking
from luthier.explain.rows import Row, is_log, listed, number, own_trials, rounded, whole
from luthier.explain.verdicts import Kind, Verdict

FEWEST = 3
MOSTLY = 0.6
CLEARLY_LESS = 0.5
"""Elsewhere the verdict is at most half as frequent."""
CHANCE = 0.002
"""Of a single cut. Some seven hyperparameters with dozens of cuts each are tried for four families of verdicts: on 150 made-up
searches of 30 runs whose verdicts fell at random, 0.002 let a false sentence through in 5 % (0.01: 25 %), and found 84 % of
the thresholds above which 80 % of the runs diverged, against 3 % below."""
COST_CHANCE = 0.01
COST_RATIO = 1.2
"""A change of memory or time below this is not worth a sentence."""
MOST_VALUES = 6
"""Up to so many distinct values each has a bin of its own; more are parted into `BINS` bins of equally many runs."""
BINS = 5

FAMILIES = ((Kind.DIVERGED, Kind.COLLAPSED), (Kind.OVERFIT, Kind.OVERCONFIDENT), (Kind.UNDERFIT,), (Kind.UNSTABLE,))
"""Verdicts that have one cause are counted together."""
_SEEN_EARLY = (Kind.DIVERGED, Kind.COLLAPSED)


@dataclass(frozen=True)
class Bin:
    """The runs whose value lies in one stretch, or is one word.

    Attributes:
        low, high: the least and the greatest value in it; None for words.
        beats: the mean share of the other trials that these beat (see importance.py).
        score: their mean score as it stands in trials.csv, of those that ran to their end.
        seconds_per_1000_rows: of training; a median, as is `memory_mb`.
    """

    label: str
    low: float | None
    high: float | None
    runs: int
    beats: float | None
    score: float | None
    verdicts: Mapping[str, int]
    memory_mb: float | None
    seconds_per_1000_rows: float | None


@dataclass(frozen=True)
class Response:
    """What happened at each value of one hyperparameter."""

    name: str
    bins: tuple[Bin, ...]


def respond(name: str, trials: Sequence[Row], verdicts: Mapping[int, Verdict], outcomes: Mapping[int, float]) -> Response:
    """The response to one hyperparameter over the trials of the search, without the finals."""
    rows = [trial for trial in own_trials(trials) if name in trial]
    return Response(name, tuple(_bin(label, members, name, verdicts, outcomes) for label, members in _parted(name, rows)))


def _parted(name: str, rows: Sequence[Row]) -> Iterator[tuple[str, list[Row]]]:
    """The rows of each bin under its label, in order; blanks (not used there) come first."""
    blank = [row for row in rows if row[name] in ("", None)]
    rest = [row for row in rows if row[name] not in ("", None)]
    if blank:
        yield "not used", blank
    if not all(number(row[name]) is not None for row in rest):
        for word in dict.fromkeys(str(row[name]) for row in rest):
            yield word, [row for row in rest if str(row[name]) == word]
        return
    rest.sort(key=lambda row: number(row[name]) or 0.0)
    values = [number(row[name]) or 0.0 for row in rest]
    for low, high in _edges(values):
        members = [row for row, value in zip(rest, values, strict=True) if low <= value <= high]
        yield rounded(low) if low == high else f"{rounded(low)} to {rounded(high)}", members


def _edges(values: Sequence[float]) -> list[tuple[float, float]]:
    """The least and greatest value of each bin of ascending `values`; equal values stay together."""
    distinct = sorted(set(values))
    if len(distinct) <= MOST_VALUES:
        return [(value, value) for value in distinct]
    cuts = [values[round(len(values) * part / BINS)] for part in range(1, BINS)]
    starts = list(dict.fromkeys([distinct[0], *cuts]))
    ends = [max(value for value in distinct if value < start) for start in starts[1:]] + [distinct[-1]]
    return list(zip(starts, ends, strict=True))


def _bin(label: str, rows: Sequence[Row], name: str, verdicts: Mapping[int, Verdict], outcomes: Mapping[int, float]) -> Bin:
    values = [value for row in rows if (value := number(row[name])) is not None]
    trials = [trial for row in rows if (trial := whole(row.get("trial"))) is not None]
    found = Counter(verdicts[trial].kind.value for trial in trials if trial in verdicts)
    won = [outcomes[trial] for trial in trials if trial in outcomes]
    scores = _numbers([row for row in rows if row.get("state") == "complete"], "score")
    memory, speed = ([value for value in _numbers(rows, column) if value > 0] for column in ("peak_memory_mb", "rows_per_second"))
    return Bin(label, min(values, default=None), max(values, default=None), len(rows), fmean(won) if won else None,
               fmean(scores) if scores else None, dict(found.most_common()), median(memory) if memory else None,
               1000 / median(speed) if speed else None)


def _numbers(rows: Sequence[Row], name: str) -> list[float]:
    return [value for row in rows if (value := number(row.get(name))) is not None]


def findings(trials: Sequence[Row], verdicts: Mapping[int, Verdict], responses: Sequence[Response],
             ranking: Ranking) -> list[str]:
    """What can be said, in sentences: where runs went wrong, where they did best, what costs memory and time."""
    own = own_trials(trials)
    said = [_wrong(response.name, own, verdicts, family) for family in FAMILIES for response in responses]
    said += [_best(response, ranking) for response in responses]
    said += [_cost(response, own, *cost) for cost in _COSTS for response in responses]
    return [sentence for sentence in said if sentence]


@dataclass(frozen=True)
class _Side:
    """A part of the runs: how many there are, and how many got the verdict there and elsewhere."""

    where: str
    elsewhere: str
    runs: int
    bad: int
    others: int
    bad_others: int

    @property
    def chance(self) -> float:
        """Of at least so many of the bad runs on this side, if they fell at random (Fisher's exact test)."""
        from scipy.stats import hypergeom

        return float(hypergeom.sf(self.bad - 1, self.runs + self.others, self.bad + self.bad_others, self.runs))

    @property
    def is_clear(self) -> bool:
        """Whether enough runs are here, most of them bad, and clearly fewer elsewhere."""
        if min(self.runs, self.others) < FEWEST:
            return False
        here, there = self.bad / self.runs, self.bad_others / self.others
        return here >= MOSTLY and there <= CLEARLY_LESS * here


def _wrong(name: str, trials: Sequence[Row], verdicts: Mapping[int, Verdict], family: Sequence[Kind]) -> str:
    """Where one family of verdicts gathers, if anywhere."""
    judged = [(row, verdicts[trial].kind) for row in trials if (trial := whole(row.get("trial"))) in verdicts and trial is not None]
    if family[0] not in _SEEN_EARLY:
        judged = [(row, kind) for row, kind in judged if kind not in (Kind.SHORT, Kind.UNJUDGED)]
    pairs = [(row[name], kind in family) for row, kind in judged if row.get(name) not in ("", None)]
    sides = [side for side in _sides(name, pairs) if side.is_clear]
    best = min(sides, key=lambda side: (side.chance, -side.runs), default=None)
    if best is None or best.chance > CHANCE:
        return ""
    words = listed([kind.value for kind in family if any(kind is found for _, found in judged)]).replace(" and ", " or ")
    verb = {"underfit": "were underfit", "unstable": "were unstable"}.get(words, words if "over" not in words else f"were {words}")
    return (f"{name} {best.where}: {best.bad} of {best.runs} runs {verb}; {best.elsewhere}, {best.bad_others} of "
            f"{best.others}.")


def _sides(name: str, pairs: Sequence[tuple[object, bool]]) -> Iterator[_Side]:
    """Every way to part the runs: at a number, above and below; by a word, that word."""
    numbers = [number(value) for value, _ in pairs]
    if any(value is None for value in numbers):
        for word in dict.fromkeys(str(value) for value, _ in pairs):
            yield _side(f"= {word}", "otherwise", pairs, lambda value, word=word: str(value) == word)  # type: ignore[misc]
        return
    found = sorted({value for value in numbers if value is not None})
    whole_numbers = all(value == math.floor(value) for value in found)
    for below, above in itertools.pairwise(found):
        cut = _between(below, above, is_log(found))
        high = f"at {rounded(above)} or more" if whole_numbers else f"above {cut}"
        low = f"at {rounded(below)} or less" if whole_numbers else f"below {cut}"
        yield _side(high, "below", pairs, lambda value, at=above: (number(value) or 0.0) >= at)  # type: ignore[misc]
        yield _side(low, "above", pairs, lambda value, at=below: (number(value) or 0.0) <= at)  # type: ignore[misc]


def _side(where: str, elsewhere: str, pairs: Sequence[tuple[object, bool]], inside: Callable[[object], bool]) -> _Side:
    here = [bad for value, bad in pairs if inside(value)]
    there = [bad for value, bad in pairs if not inside(value)]
    return _Side(where, elsewhere, len(here), sum(here), len(there), sum(there))


def _between(low: float, high: float, log: bool) -> str:
    """A short number between two values."""
    middle = math.sqrt(low * high) if log else (low + high) / 2
    for digits in (1, 2, 3):
        found = float(f"{middle:.{digits}g}")
        if low <= found < high:
            return f"{found:.10g}".replace("e-0", "e-")
    return rounded(low)


def _best(response: Response, ranking: Ranking) -> str:
    """Where runs did best; only of a hyperparameter that can be told from noise."""
    bins = [each for each in response.bins if each.beats is not None and each.runs >= FEWEST]
    if response.name not in ranking.distinguishable or len(bins) < 2:
        return ""
    best, worst = (choose(bins, key=lambda each: each.beats or 0.0) for choose in (max, min))
    between = f"= {best.label}" if " to " not in best.label else "between " + best.label.replace(" to ", " and ")
    return (f"{response.name} {between}: the highest scores ({best.runs} runs, which beat {best.beats:.0%} of the others; "
            f"those at {worst.label} beat {worst.beats:.0%}).").replace("%", " %")


_COSTS = (("memory_mb", "peak_memory_mb", "memory"), ("seconds_per_1000_rows", "rows_per_second", "training time a row"))


def _cost(response: Response, trials: Sequence[Row], field: str, column: str, title: str) -> str:
    """How far memory or time follows the value: its cheapest bin against its dearest, where the order is no chance."""
    bins = [(each.label, value) for each in response.bins if (value := getattr(each, field)) is not None]
    if len(bins) < 2 or not _goes_with(response, trials, column):
        return ""
    (cheap, least), (dear, most) = (choose(bins, key=lambda pair: pair[1]) for choose in (min, max))
    if not least or most < COST_RATIO * least:
        return ""
    return f"{response.name} {dear} takes {rounded(most / least)} × the {title} of {cheap}."


def _goes_with(response: Response, trials: Sequence[Row], column: str) -> bool:
    """Whether a cost differs between the bins by more than chance (Kruskal and Wallis's rank test)."""
    from scipy.stats import kruskal

    values = [[cost for row in trials if _inside(each, row.get(response.name)) and (cost := number(row.get(column)))]
              for each in response.bins]
    groups = [group for group in values if group]
    if len(groups) < 2 or len({cost for group in groups for cost in group}) < 2:
        return False
    return bool(kruskal(*groups).pvalue <= COST_CHANCE)


def _inside(each: Bin, value: object) -> bool:
    found = number(value)
    if each.low is None or each.high is None:
        return str(value) == each.label or (value in ("", None) and each.label == "not used")
    return found is not None and each.low <= found <= each.high
