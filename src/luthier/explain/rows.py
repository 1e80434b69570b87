"""The rows of trials.csv as the explanations read them: numbers out of cells, what was searched, equal recipes.

A table may come straight from a study or back from a file, so a cell may hold a number or its text, and a blank one means
that the trial has no such figure (a hyperparameter that does not apply, a trial without a score).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from luthier.recipes.recipe import HELP, Schedule, applies
from luthier.search.samplers.equal_work import WARMUP_SHARE
from luthier.search.study import DEFAULT

Row = Mapping[str, Any]

BLANK = ("", None)


def number(value: Any) -> float | None:
    """`value` as a finite number, or None where a table has an empty cell or a word."""
    if isinstance(value, bool):
        return None
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None


def whole(value: Any) -> int | None:
    """`value` as a whole number, such as that of a trial, or None."""
    found = number(value)
    return None if found is None else int(found)


def meaningful(trials: Sequence[Row]) -> list[Row]:
    """The rows with blanks for hyperparameters that meant nothing in them, such as the rank of LoRA where there was none.

    trials.csv holds what stood in the recipe all the same; taken for a value, it would say of one what another did.
    """
    return [{name: value if applies(name, trial) else "" for name, value in trial.items()} for trial in trials]


def branch_share(final: Row, parent: Row) -> float:
    """The share of a final's steps, to the step, after which it branched off from its trial: 1 where it adds no decay to that."""
    steps, decay = number(final.get("steps")), number(final.get("decay_share"))
    schedules = [trial.get("schedule") == Schedule.WARMUP_STABLE_DECAY.value for trial in (final, parent)]
    return 1 - decay + 1 / steps if schedules == [True, False] and steps and decay is not None else 1.0


def is_default(trial: Row) -> bool:
    """Whether this is a trial of the default recipe."""
    return trial.get("role") == DEFAULT


def own_trials(trials: Sequence[Row]) -> list[Row]:
    """The trials of the search itself, without the finals and others that go on from a parent."""
    return [trial for trial in trials if whole(trial.get("parent")) is None]


def searched(trials: Sequence[Row]) -> list[str]:
    """The hyperparameters that the search varied, in the recipe's order.

    The default recipe and the presets may differ in more than was searched, so they count only where nothing else ran.
    `epochs` is left out: in trials.csv it is how far a trial got, which follows from its score more than it makes it.
    """
    own = own_trials(trials)
    sampled = [trial for trial in own if not str(trial.get("role", "")).startswith((DEFAULT, "preset"))]
    return varied(sampled if len(sampled) >= 2 else own)


def varied(trials: Sequence[Row]) -> list[str]:
    """The hyperparameters of which `trials` hold more than one value, in the recipe's order; see `searched`."""
    known = {name for trial in trials for name in trial}
    found = [name for name in HELP
             if name in known and name != "epochs" and len({str(trial.get(name, "")) for trial in trials}) > 1]
    return [name for name in found if name != "warmup_steps" or not _derived_warmup(trials)]


def _derived_warmup(trials: Sequence[Row]) -> bool:
    """Whether every warmup is the share of a full run that the search itself sets, so that nobody searched it."""
    pairs = [(number(trial.get("warmup_steps")), number(trial.get("steps"))) for trial in trials
             if trial.get("state") == "complete"]
    return bool(pairs) and all(warmup is not None and steps is not None and abs(warmup - WARMUP_SHARE * steps) <= 1
                               for warmup, steps in pairs)


def by_recipe(trials: Sequence[Row]) -> list[list[Row]]:
    """The trials in groups of one recipe each: replicates differ in their seeds alone."""
    groups: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for trial in trials:
        own = tuple(str(trial.get(name, "")) for name in HELP if name != "epochs")
        groups[(str(trial["recipe"]),) if trial.get("recipe") else own].append(trial)
    return list(groups.values())


def is_log(values: Sequence[float]) -> bool:
    """Whether numbers are best seen on a logarithmic scale: all above zero, and over more than a factor of ten."""
    return bool(values) and min(values) > 0 and max(values) > 10 * min(values)


def listed(names: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def rounded(value: float) -> str:
    """Two significant digits: 0.00083, 8e-05, 1.8, 64, 910."""
    text = f"{float(f'{value:.2g}'):.10g}"
    return text.replace("e-0", "e-").replace("e+0", "e")
