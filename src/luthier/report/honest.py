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
    """The figures of the delivered recipe from the most flattering to the most honest; none where nothing was searched."""
    seen, fresh = results.get("optimism"), results.get("fresh")
    if not seen:
        return []
    said = [
        Said("as the search saw it", figure(seen["raw"]["value"]), interval(seen["raw"]),
             f"one of {_tried(results)} on the rows that it was chosen by; its lead is partly luck, which is expected to be "
             f"{signed(seen['expected'])} for the best"),
        Said("the same, shrunk", figure(seen["shrunk"]["value"]), interval(seen["shrunk"]),
             "drawn towards the other trials as far as their spread is noise"),
    ]
    if fresh:
        held = (f"with other training rows held out, {count(fresh['rows'], 'row')} in all" if fresh["own_rows"]
                else f"by the same {count(fresh['rows'], 'validation row')} as in the search")
        said.append(Said(
            "the recipe", figure(fresh["recipe"]["value"]), interval(fresh["recipe"]),
            f"trained anew on {count(fresh['seeds'], 'fresh seed')}, {held}; over seeds and rows, shrunk among "
            f"{count(fresh['finalists'], 'finalist')}"))
    else:
        said.append(Said(
            "as it was finished", figure(results["validation"]["value"]), interval(results["validation"]),
            f"on all {count(results['rows']['validation'], 'validation row')}, by which it was chosen: nothing was trained on "
            "fresh seeds (too few trials, too little time, or the run was interrupted)"))
    rows = results["rows"]["test"]
    said.append(
        Said("the recipe, corrected for the choice", figure(results["test"]["value"]), interval(results["test"]),
             f"by the predictions of {count(rows, 'row')} held out in turn; over rows") if results.get("folds") else
        Said("the delivered model", figure(results["test"]["value"]), interval(results["test"]),
             f"this one model on {count(rows, 'test row')}, which chose nothing; over rows"))
    return said


def luck_sentence(results: Table) -> str:
    """What the search's own figure was, and how much of it is luck, for the terminal and the card; empty without a choice."""
    seen = results.get("optimism")
    if not seen or results["trials"] <= results["repeats"]:
        return ""
    return (f"On the rows that it was chosen by, the search saw {figure(seen['raw']['value'])} (95 % interval "
            f"{interval(seen['raw'])}); of the best of {_tried(results)}, {signed(seen['expected'])} is expected "
            "to be luck.")


def _tried(results: Table) -> str:
    return count(results["trials"] // results["repeats"], "recipe")


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
