"""Whether probabilities mean what they say: calibration errors, the temperature that mends them, and operating points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from luthier.data.places import percent
from luthier.tasks.bootstrap import Floats, Ints, Statistic, bootstrap, ratio

Bools = npt.NDArray[np.bool_]
BINS = 15
LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
COLDEST, HOTTEST = 0.05, 20.0
LEAST_ROWS = 30
"""Fewer rows fit no temperature."""


def calibration_metrics(confidence: Floats, right: Bools, squares: Floats, bins: int = BINS) -> Statistic:
    """ece and brier for `bootstrap`. Confidence is [rows], or [rows, labels] where each label is an answer.

    ece is the mean distance of confidence and share of right answers, over bins of equal width (Naeini et al. 2015; Guo et al.
    2017).

    Args:
        confidence: the probability of each answer.
        right: whether it is right.
        squares: of each row, from `class_squares` or `label_squares` [rows].
        bins: how many the calibration error has.
    """
    error = _calibration_error(confidence, right, bins)

    def statistic(weights: Floats) -> dict[str, Floats]:
        return {"ece": error(weights), "brier": weights @ squares / weights.sum(-1)}

    return statistic


def class_squares(probabilities: Floats, targets: Ints) -> Floats:
    """Squared errors, summed over the labels, whose mean over rows is the Brier score (Brier 1950). Shape [rows].

    Of two labels half the sum, so that it is the squared error of either one, as in scikit-learn.
    """
    squares = ((probabilities - np.eye(probabilities.shape[1])[targets]) ** 2).sum(1)
    return np.asarray(squares / 2 if probabilities.shape[1] == 2 else squares)


def label_squares(probabilities: Floats, truth: Bools) -> Floats:
    """The mean squared error over the labels of each row, whose mean over rows is the Brier score of many labels. Shape [rows]."""
    return np.asarray(((probabilities - truth) ** 2).mean(1))


def reliability(confidence: Floats, right: Bools, bins: int = BINS) -> list[dict[str, float]]:
    """For a plot: {low, high, rows, confidence, right} of each bin that holds an answer: its bounds, means and share right."""
    place = _bins(confidence, bins)
    rows = np.bincount(place, minlength=bins)
    sums = [np.bincount(place, weights=values, minlength=bins) for values in (confidence, right)]
    return [{"low": i / bins, "high": (i + 1) / bins, "rows": float(rows[i]), "confidence": float(sums[0][i] / rows[i]),
             "right": float(sums[1][i] / rows[i])} for i in range(bins) if rows[i]]


def fit_temperature(logits: npt.NDArray[np.floating], targets: npt.NDArray[np.integer] | Bools,
                    kind: Literal["softmax", "sigmoid"]) -> float:
    """The number that logits are to be divided by, so that the rows become likeliest (Guo et al. 2017); between 0.05 and 20.

    One row more is counted in, whose labels are drawn at random as often as they occur: without it, rows that are all answered
    rightly would call for certainty (Platt 1999 smooths targets to this end). It is 1.0 where there are fewer than `LEAST_ROWS`
    rows, all rows have one label, or the likelihood gains less than one parameter costs (one nat; Akaike 1974).

    Args:
        logits: of rows that the model was not trained on [rows, labels].
        targets: label indices [rows] for softmax, whether each row has each label [rows, labels] for sigmoid.
        kind: what the logits go through.
    """
    from scipy.optimize import minimize_scalar

    values = np.asarray(logits, dtype=np.float64)
    rows, labels = values.shape
    truth = np.eye(labels)[targets] if kind == "softmax" else np.asarray(targets, dtype=np.float64)
    if rows < LEAST_ROWS or (truth == truth[0]).all():
        return 1.0
    wanted = truth + truth.mean(0) / rows
    amount = wanted.sum(1) if kind == "softmax" else np.full((rows, labels), 1 + 1 / rows)

    def loss(log_temperature: float) -> float:
        scaled = values * np.exp(-log_temperature)
        if kind == "softmax":
            top = scaled.max(1)
            normal = top + np.log(np.exp(scaled - top[:, None]).sum(1))
        else:
            normal = np.logaddexp(0.0, scaled)
        return float((amount * normal).sum() - (wanted * scaled).sum())

    found = minimize_scalar(loss, bounds=(np.log(COLDEST), np.log(HOTTEST)), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x)) if loss(0.0) - float(found.fun) > 1.0 else 1.0


def operating_points(confidence: Floats, right: Bools, levels: Sequence[float] = LEVELS) -> list[dict[str, float | None]]:
    """{confidence, answered, right} for each level: the share of rows at least so confident, and the share of those right.

    `right` is None where no row is answered.
    """
    points: list[dict[str, float | None]] = []
    for level in levels:
        answered = confidence >= level
        points.append({"confidence": level, "answered": float(answered.mean()),
                       "right": float(right[answered].mean()) if answered.any() else None})
    return points


def operating_metrics(confidence: Floats, right: Bools, levels: Sequence[float] = LEVELS) -> Statistic:
    """The points for `bootstrap`: "answered_0.8" and "right_0.8" for the level 0.8, and so on."""
    answered = [(confidence >= level).astype(np.float64) for level in levels]

    def statistic(weights: Floats) -> dict[str, Floats]:
        figures = {}
        for level, given in zip(levels, answered, strict=True):
            number = weights @ given
            figures[f"answered_{level:g}"] = number / weights.sum(-1)
            figures[f"right_{level:g}"] = np.where(number > 0, ratio(weights @ (given * right), number), np.nan)
        return figures

    return statistic


def describe_point(point: dict[str, float | None]) -> str:
    """A point in words: "at confidence ≥ 0.8: 71 % of rows answered, 96 % right"."""
    start = f"at confidence ≥ {point['confidence']:g}: "
    if point["right"] is None or point["answered"] is None:
        return f"{start}no row answered"
    return f"{start}{percent(point['answered'])} of rows answered, {percent(point['right'])} right"


def _bins(confidence: Floats, bins: int) -> Ints:
    """The bin of each confidence, of which each holds its upper bound and not its lower one."""
    return np.asarray(np.clip(np.ceil(confidence * bins) - 1, 0, bins - 1), dtype=np.int64)


def _calibration_error(confidence: Floats, right: Bools, bins: int) -> Callable[[Floats], Floats]:
    rows = len(confidence)
    gaps, place = (confidence - right).reshape(rows, -1), _bins(confidence, bins).reshape(rows, -1)
    by_bin = np.zeros((rows, bins))
    np.add.at(by_bin, (np.arange(rows)[:, None], place), gaps)

    def error(weights: Floats) -> Floats:
        return np.asarray(np.abs(weights @ by_bin).sum(-1) / (weights.sum(-1) * gaps.shape[1]))

    return error


def calibration_tables(confidence: Floats, right: Bools, squares: Floats, sure: Floats, all_right: Bools,
                       groups: npt.NDArray[Any] | None = None) -> dict[str, Any]:
    """{ece, brier, reliability, operating_points}, the first two with intervals, as results.json holds them.

    Args:
        confidence, right, squares: as `calibration_metrics` takes them.
        sure, all_right: how sure the whole answer of each row is, and whether it is right [rows].
        groups: which rows are drawn together for the intervals [rows].
    """
    figures = bootstrap(calibration_metrics(confidence, right, squares), len(sure), groups=groups)
    shares = bootstrap(operating_metrics(sure, all_right), len(sure), groups=groups)
    points = [{**point, "sentence": describe_point(point),
               **{f"{name}_interval": score.to_table() for name in ("answered", "right")
                  if (score := shares.get(f"{name}_{point['confidence']:g}"))}} for point in operating_points(sure, all_right)]
    return {**{name: score.to_table() for name, score in figures.items()},
            "reliability": reliability(confidence.ravel(), np.asarray(right).ravel()), "operating_points": points}
