"""`luthier explain RUN`."""

from __future__ import annotations

import json as json_module
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from luthier.cli import options as o

if TYPE_CHECKING:
    from luthier.explain.importance import Ranking
    from luthier.explain.overview import Explanation

BAR = 24
"""Characters of the longest bar."""


def explain(
    run: Annotated[str, typer.Argument(help="The folder of a finished run.", show_default=False)],
    json: Annotated[bool, o.option("--json", help="Print the same facts as JSON.")] = False,
) -> None:
    """Say what became of each trial, which hyperparameters mattered, and what each did."""
    from luthier.api.run import Run

    found = Run(run)
    if json:
        print(json_module.dumps(found.explanation.to_table(), ensure_ascii=False, indent=1))
        return
    lines = _search(found.explanation) if found.results["command"] == "tune" else []
    for line in [*lines, *_delivered(found.explanation, found.results)]:
        print(line)


def _search(explanation: Explanation) -> list[str]:
    from luthier.explain.overview import importance_sentence, verdict_sentence

    lines = [verdict_sentence(explanation.counts), importance_sentence(explanation.ranking), ""]
    lines += _table(explanation.ranking)
    if explanation.sentences:
        lines += ["What each hyperparameter did:", *(f"  {sentence}" for sentence in explanation.sentences), ""]
    return lines


def _table(ranking: Ranking) -> list[str]:
    """One line a hyperparameter: its bar with the mark of what noise reaches, and the figures."""
    if not ranking.entries:
        return []
    most = max(max(entry.importance, entry.noise) for entry in ranking.entries) or 1.0
    width = max(len(entry.name) for entry in ranking.entries)
    lines = [f"{'hyperparameter':<{max(width, 14)}}  {'importance':<{BAR}}  share  noise reaches      p"]
    for entry in ranking.entries:
        bar = list(("#" * round(BAR * entry.importance / most)).ljust(BAR))
        bar[min(BAR - 1, round(BAR * entry.noise / most))] = "|"
        verdict = "stands out" if entry.distinguishable else "not distinguishable from noise"
        lines.append(f"{entry.name:<{max(width, 14)}}  {''.join(bar)}   {entry.importance:.2f}           {entry.noise:.2f}   "
                     f"{entry.p:.2f}  {verdict}")
    return [*lines, "The mark | is what the strongest reaches by chance in one search of thirty.", ""]


def _delivered(explanation: Explanation, results: Mapping[str, Any]) -> list[str]:
    verdict = explanation.verdicts.get(explanation.delivered)
    if verdict is None:
        return []
    whose = f"The delivered trial, {explanation.delivered}" if results["command"] == "tune" else "This training"
    if results.get("refit"):
        whose = (f"The delivered model was trained once more, on the validation rows too, so the trial before is judged in its "
                 f"place, {explanation.delivered}")
    return [f"{whose}: {verdict.kind.value}.", f"  {verdict.evidence}"]
