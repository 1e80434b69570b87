"""Everything that can be explained of a finished run, from its tables alone: `explain`. The page, the command and `Run` show it.

    rows → curves, facts → verdicts → effects → overview
                   rows → importance → effects
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from luthier.explain.curves import Curve, curves_of
from luthier.explain.effects import Response, findings, respond
from luthier.explain.facts import facts_of
from luthier.explain.importance import Ranking, rank
from luthier.explain.rows import Row, listed, meaningful, searched, whole
from luthier.explain.verdicts import Kind, Verdict, judge_all


@dataclass(frozen=True)
class Explanation:
    """What is known of why a run came out as it did.

    Attributes:
        verdicts: on each trial.
        ranking: the searched hyperparameters by importance, or why nothing can be told.
        responses: to each of them, the most important first.
        sentences: what can be said of them.
        delivered: the number of the delivered trial.
    """

    verdicts: Mapping[int, Verdict]
    ranking: Ranking
    responses: tuple[Response, ...]
    sentences: tuple[str, ...]
    delivered: int

    @property
    def counts(self) -> dict[str, int]:
        """How many trials got each verdict, the most frequent first."""
        return dict(Counter(verdict.kind.value for verdict in self.verdicts.values()).most_common())

    def to_table(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "verdicts": [{"trial": trial, "verdict": verdict.kind.value, "evidence": verdict.evidence}
                         for trial, verdict in self.verdicts.items()],
            "verdict_counts": self.counts, "delivered": self.delivered,
            "importance": [asdict(entry) for entry in self.ranking.entries], "importance_reason": self.ranking.reason,
            "recipes": self.ranking.recipes, "responses": [asdict(response) for response in self.responses],
            "findings": list(self.sentences)}


def verdict_sentence(counts: Mapping[str, int]) -> str:
    """How many trials got each verdict."""
    return f"Verdicts: {listed([f'{amount} {kind}' for kind, amount in counts.items()])}." if counts else ""


def importance_sentence(ranking: Ranking) -> str:
    """Which hyperparameters stand out, in a sentence."""
    if ranking.reason:
        return f"Which hyperparameters mattered cannot be said: {ranking.reason}."
    if not ranking.distinguishable:
        return (f"Over {ranking.recipes} recipes, no hyperparameter's importance can be told from noise: differences between the "
                "recipes were small, chance was large, or too few were tried.")
    verb = "stands" if len(ranking.distinguishable) == 1 else "stand"
    return (f"Over {ranking.recipes} recipes, {listed(list(ranking.distinguishable))} {verb} out from noise; the others do not, "
            "which does not prove that they do nothing.")


def explain(results: Row, trials: Sequence[Row], curves: Sequence[Row]) -> Explanation:
    """The explanation of a run, from results.json and the rows of trials.csv and curves.csv."""
    trials, lines = meaningful(trials), curves_of(curves)
    verdicts = verdicts_of(results, trials, lines)
    delivered = int(results["best"]["trial"])
    if results["command"] != "tune":
        return Explanation(verdicts, Ranking((), len(verdicts), "one recipe was trained; nothing was searched"), (), (), delivered)
    names = [name for name in results.get("searched") or searched(trials) if any(name in trial for trial in trials)]
    ranking = rank(trials, work_points(lines, str(results["metric"])), names)
    names = [entry.name for entry in ranking.entries] or names
    responses = tuple(respond(name, trials, verdicts, ranking.outcomes) for name in names)
    return Explanation(verdicts, ranking, responses, tuple(findings(trials, verdicts, responses, ranking)), delivered)


def verdicts_of(results: Row, trials: Sequence[Row], curves: Mapping[int, Curve]) -> dict[int, Verdict]:
    """The verdicts as trials.csv holds them, else by the curves."""
    kept = {trial: Verdict(Kind(str(row["verdict"])), str(row.get("evidence") or "")) for row in trials
            if (trial := whole(row.get("trial"))) is not None and row.get("verdict") in {kind.value for kind in Kind}}
    return kept if kept and len(kept) == len(trials) else judge_all(trials, curves, facts_of(results))


def work_points(curves: Mapping[int, Curve], metric: str) -> dict[int, list[tuple[float, float]]]:
    """(work, score) of each trial's evaluations, in order; by step where a table has no work."""
    return {trial: [(reading.work or float(reading.step), value) for reading, value in curve.values(metric)]
            for trial, curve in curves.items() if curve.values(metric)}
