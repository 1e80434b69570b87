"""Metrics of regression: correlations and errors, weighted as though rows were repeated."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from luthier.tasks.bootstrap import Floats, Statistic, ratio, sums_by

CONSTANT = 1e-13
"""A spread of this part of the greatest value is rounding alone: the values are all one."""


def number_metrics(predictions: Floats, targets: Floats) -> Statistic:
    """pearson, spearman, r2, rmse, mae, and loss (the mean squared error).

    Spearman is Pearson's of mid-ranks, ranked anew in every resample. Where the predictions or the targets are all one value,
    correlations are undefined; they are given as 0.0, since such predictions tell nothing; so is r2 where the
    targets are.

    Args:
        predictions: [rows].
        targets: [rows].
    """
    errors = predictions - targets
    centred, scale = targets - targets.mean(), float(np.abs(targets - targets.mean()).max())
    ranks_of = [_ranks(values) for values in (predictions, targets)]

    def statistic(weights: Floats) -> dict[str, Floats]:
        total = weights.sum(-1)
        square = weights @ errors**2 / total
        one, two = (ranks(weights) for ranks in ranks_of)
        return {"pearson": _correlation(predictions, targets, weights), "spearman": _correlation(one, two, weights),
                "r2": _explained(square, weights @ centred**2 / total - (weights @ centred / total)**2, scale),
                "rmse": np.sqrt(square), "mae": weights @ np.abs(errors) / total, "loss": square}

    return statistic


def _explained(square: Floats, variance: Floats, scale: float) -> Floats:
    """The share of the variance that is explained, 0.0 where targets of this scale do not vary."""
    varies = variance > CONSTANT * scale**2
    return np.asarray(np.where(varies, 1 - ratio(square, np.where(varies, variance, 1.0)), 0.0))


def _ranks(values: Floats) -> Callable[[Floats], Floats]:
    """Weights [resamples, rows] → the mid-rank, less one half, of each row in each resample [resamples, rows]."""
    distinct, index = np.unique(values, return_inverse=True)
    sums = sums_by(index, len(distinct))

    def ranks(weights: Floats) -> Floats:
        drawn = sums(weights)
        return np.take(drawn.cumsum(-1) - drawn / 2, index, axis=-1)

    return ranks


def _correlation(one: Floats, two: Floats, weights: Floats) -> Floats:
    """Pearson's correlation of values [rows] or [resamples, rows] in each resample. Shape [resamples]."""
    total = weights.sum(-1, keepdims=True)
    centred, spreads = [], []
    for values in (one, two):
        difference = values - (weights * values).sum(-1, keepdims=True) / total
        spread = np.sqrt((weights * difference**2).sum(-1) / total[:, 0])
        centred.append(difference)
        spreads.append(np.where(spread > CONSTANT * np.abs(values).max(), spread, 0.0))
    shared = (weights * centred[0] * centred[1]).sum(-1) / total[:, 0]
    return np.clip(ratio(ratio(shared, spreads[0]), spreads[1]), -1.0, 1.0)
