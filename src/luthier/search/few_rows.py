"""Few rows: the figure of rows held out in turn, corrected for the choice among finalists, and when to offer it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats

from luthier.search.honest import COVERAGE
from luthier.tasks.bootstrap import Floats, Ints, Statistic, resamples
from luthier.tasks.metrics import Score

WIDE = 0.1
"""The width from which a test interval says too little, and out-of-fold predictions of all rows are offered in its place: the
differences that people search for are of a few hundredths."""


def bbc_cv(statistics: Sequence[Statistic], metric: str, rows: int, groups: Ints | None = None,
           choice: Callable[[Floats], int] | None = None, seed: int = 0, against: int | None = None) -> Score:
    """The figure of the best of several finalists, by their out-of-fold predictions, without the luck of the choice.

    The bias-corrected bootstrap (BBC-CV; Tsamardinos, Greasidou & Borboudakis 2018): the rows drawn choose the finalist, the rows
    not drawn score it, and the mean over the draws is the figure. The interval is that of its percentiles, drawn in by √(m/(n −
    m)) where m of n rows are not drawn, for m rows vary more than n do (Shao & Wu 1989): unscaled, it is some 1.3 times too wide.

    Args:
        statistics: of each finalist's out-of-fold predictions of the same rows.
        metric: the one that chooses and is reported.
        groups: which rows are drawn together, such as those of one document [rows].
        choice: the place of the finalist that is chosen by these figures of all, where that is not the best: else what is corrected
            would be another choice than was made.
        against: the place of the finalist whose figure on the same rows is taken off, so that what is scored is what the choice
            gains over always taking that one.

    Raises:
        ValueError: there is no finalist or no row, or the rows are too few for any to be left out.
    """
    if not statistics:
        raise ValueError("There is no finalist.")
    found, shares = [], []
    for drawn in resamples(rows, seed, groups):
        out = (drawn == 0).astype(np.float64)
        inside = np.array([statistic(drawn)[metric] for statistic in statistics])
        outside = np.array([statistic(out)[metric] for statistic in statistics])
        outside = outside if against is None else outside - outside[against]
        inside = np.where(np.isnan(inside), -np.inf, inside)
        chosen = inside.argmax(0) if choice is None else np.array([choice(figures) for figures in inside.T])
        scored = np.where(out.any(1), np.take_along_axis(outside, chosen[None], 0)[0], np.nan)
        found.append(scored)
        shares.append(out.mean(1))
    values, share = np.concatenate(found), float(np.concatenate(shares).mean())
    values = values[~np.isnan(values)]
    if not len(values):
        raise ValueError("Too few rows for any to be left out of a draw with a figure.")
    value, scale = float(values.mean()), math.sqrt(share / (1 - share))
    low, high = (value + scale * (float(np.percentile(values, percent)) - value) for percent in (2.5, 97.5))
    return Score(value, min(low, value), max(high, value), scale * float(values.std()))


def expected_width(rows: int, right: float = 0.8) -> float:
    """How wide a 95 % interval so many test rows, or groups of rows, would give: that of a share (Wilson 1927).

    Args:
        right: the share of rows that is expected to be right.
    """
    if rows < 1:
        return 1.0
    z = float(stats.norm.isf((1 - COVERAGE) / 2))
    return 2 * z / (1 + z**2 / rows) * math.sqrt(right * (1 - right) / rows + z**2 / (4 * rows**2))


def is_wide(rows: int, right: float = 0.8) -> bool:
    """Whether to offer out-of-fold predictions of all rows in place of so many test rows. Arguments as in `expected_width`."""
    return expected_width(rows, right) > WIDE
