"""What the search saw, what of it is to be believed, and what fresh seeds and the test rows say: side by side, and told apart.

The recipe's figure is of models that other seeds would give; the delivered model's is of that one model.
"""

from __future__ import annotations

from dataclasses import dataclass

from luthier.data.places import count
from luthier.report.wording import Table, figure, interval, signed


@dataclass(frozen=True)
class Said:
    """A figure with its interval, if it has one, and what it is worth."""

    title: str
    value: str
    interval: str
    meaning: str


def stand(results: Table) -> list[Said]:
    """The figures of the delivered recipe from the most flattering to the most honest; none where no fresh seeds were tried."""
    fresh = results.get("fresh")
    if not fresh:
        return []
    seeds, rows = count(fresh["seeds"], "fresh seed"), count(fresh["rows"], "row")
    held = (f"with other training rows held out, {rows} in all" if fresh["own_rows"]
            else f"by the same {count(fresh['rows'], 'validation row')} as in the search")
    return [
        Said("as the search saw it", figure(fresh["raw"]), "",
             f"one of {count(results['trials'], 'trial')} on the rows that it was chosen by; its lead is partly luck, which is "
             f"expected to be {signed(fresh['expected'])} for the best"),
        Said("the same, shrunk", figure(fresh["shrunk"]["value"]), interval(fresh["shrunk"]),
             "drawn towards the other trials as far as their spread is noise"),
        Said("the recipe", figure(fresh["recipe"]["value"]), interval(fresh["recipe"]),
             f"trained anew on {seeds}, {held}; over seeds and rows, shrunk among {count(fresh['finalists'], 'finalist')}"),
        Said("the delivered model", figure(results["test"]["value"]), interval(results["test"]),
             f"this one model on {count(results['rows']['test'], 'test row')}, which chose nothing; over rows")
        if not results.get("folds") else
        Said("the recipe, corrected for the choice", figure(results["test"]["value"]), interval(results["test"]),
             f"by the predictions of {count(results['rows']['test'], 'row')} held out in turn; over rows"),
    ]


def recipe_sentence(results: Table) -> str:
    """The recipe's own figure, for the opening and the terminal; empty where there is none."""
    fresh = results.get("fresh")
    if not fresh:
        return ""
    rows = "with other rows held out" if fresh["own_rows"] else "on the validation rows"
    rows = f"each {rows}" if fresh["own_rows"] and fresh["seeds"] > 1 else rows
    return (f"The recipe itself, trained anew on {count(fresh['seeds'], 'fresh seed')}, {rows}, comes to "
            f"{figure(fresh['recipe']['value'])} (95 % interval {interval(fresh['recipe'])}): that is what to expect of training "
            "it again.")
