"""What trials of each kind take and share, as a small table and a few sentences."""

from __future__ import annotations

from collections.abc import Sequence

from luthier.api.costs import Entry, Kind, TrialCosts
from luthier.data.places import count
from luthier.search.budget import duration

WORDS = (0, 5)
"""The columns of the table that hold words."""


def cost_lines(costs: TrialCosts) -> list[str]:
    """A line for each kind of trial; what is stored, and what making that takes; how many trials there is time for."""
    table = [["", "blocks trained", "steps", "unshared", *(["shared", "reuses"] if costs.shares else [])]]
    table += [[_title(kind, costs), f"{kind.trained} of {kind.blocks}", str(kind.steps), duration(kind.seconds_unshared),
               *([duration(kind.seconds_shared), reused(kind)] if costs.shares else [])] for kind in costs.kinds]
    what = "a full run takes of one worker" if costs.searching else "the training takes, its final included"
    return [f"What {what}{', unshared and shared' if costs.shares else ''}:",
            *_aligned(table), *_storing(costs), *_fitting(costs)]


def reused(kind: Kind) -> str:
    """What a kind of trial does not compute again, where trials share."""
    parts = [f"{_blocks(kind.stored)} stored"] if kind.stored else []
    parts += ["its own checkpoints"] if kind.goes_on else []
    return ", ".join(parts) or "nothing"


def _title(kind: Kind, costs: TrialCosts) -> str:
    if kind.is_default:
        return "default" if costs.searching else "this recipe"
    if kind.trained == kind.blocks:
        return "all blocks"
    return f"top {kind.trained}" if kind.trained else "head only"


def _blocks(boundary: int) -> str:
    return "block 1" if boundary == 1 else f"blocks 1 to {boundary}"


def _storing(costs: TrialCosts) -> list[str]:
    if not costs.shares:
        return ["  Nothing is shared (--no-sharing): every stage begins anew, and every block is run."]
    if costs.why_not_stored:
        return [f"  What frozen blocks make of rows is not stored: {costs.why_not_stored}."]
    if not costs.entries:
        return []
    return ["  Stored once a study, by the first trial that needs it: " + "; ".join(map(_entry, costs.entries)) + ".",
            "  Steps of few blocks take somewhat longer than shown: seconds count blocks alone."]


def _entry(entry: Entry) -> str:
    source = f" from {_blocks(entry.lower)}," if entry.lower else ""
    return f"{_blocks(entry.boundary)},{source} in about {duration(max(1.0, entry.seconds))}, {entry.bytes / 1e6:.1f} MB"


def _fitting(costs: TrialCosts) -> list[str]:
    if not costs.searching:
        return []
    on = f" on {costs.workers} workers" if costs.workers > 1 else ""
    early = " Most trials stop at an early rung, so more are tried." if costs.kinds[0].stages > 1 else ""
    if costs.search_seconds is not None:
        numbers = [f"{costs.fitting(kind)} × {_title(kind, costs)}" for kind in costs.kinds]
        return [f"  Full runs that fit in the {duration(costs.search_seconds)} of search{on}: {' or '.join(numbers)}.{early}"]
    if not costs.trials:
        return []
    times = [f"{duration(costs.trials * kind.whole_seconds / costs.workers)} ({_title(kind, costs)})" for kind in costs.kinds]
    early = " Most stop at an early rung, which takes less." if early else ""
    return [f"  {count(costs.trials, 'full run')}{on}, finals aside: {' or '.join(times)}.{early}"]


def _aligned(table: Sequence[Sequence[str]]) -> list[str]:
    """Columns under one another: words from the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return ["  " + "  ".join(cell.ljust(width) if place in WORDS else cell.rjust(width)
                             for place, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip() for row in table]
