"""Areas under curves over all thresholds, for many weightings of the rows at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from luthier.tasks.bootstrap import Floats, ratio, sums_by

Area = Callable[[Floats], Floats]
"""Weights [resamples, rows] → area [resamples]; NaN where it is undefined."""


def roc_auc(scores: Floats, positive: npt.NDArray[np.bool_]) -> Area:
    """The share of pairs of a positive and a negative row that the scores order rightly, ties half (Hanley & McNeil 1982).

    Args:
        scores: greater ones speak for positive [rows].
        positive: which rows are [rows].
    """
    values, index = np.unique(scores, return_inverse=True)
    positives, negatives = sums_by(index[positive], len(values)), sums_by(index[~positive], len(values))

    def area(weights: Floats) -> Floats:
        above, below = positives(weights[:, positive]), negatives(weights[:, ~positive])
        pairs = above.sum(-1) * below.sum(-1)
        ordered = (above * (below.cumsum(-1) - below / 2)).sum(-1)
        return np.where(pairs > 0, ratio(ordered, pairs), np.nan)

    return area


def average_precision(scores: Floats, positive: npt.NDArray[np.bool_]) -> Area:
    """The mean, over positive rows, of the precision among rows that score at least as high (scikit-learn's definition).

    Arguments as in `roc_auc`.
    """
    steps, index = np.unique(-scores[positive], return_inverse=True)
    place = np.searchsorted(steps, -scores)
    counted = place < len(steps)
    hits, rows = sums_by(index, len(steps)), sums_by(place[counted], len(steps))

    def area(weights: Floats) -> Floats:
        found = hits(weights[:, positive])
        precision = ratio(found.cumsum(-1), rows(weights[:, counted]).cumsum(-1))
        total = found.sum(-1)
        return np.where(total > 0, ratio((found * precision).sum(-1), total), np.nan)

    return area
