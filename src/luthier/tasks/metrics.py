"""Metrics of classification with bootstrap intervals (Efron & Tibshirani 1993: percentile, over rows)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
RESAMPLES = 1000


@dataclass(frozen=True)
class Score:
    """A figure with its 95 % interval, and the standard error that the interval rests on."""

    value: float
    low: float
    high: float
    error: float = 0.0

    def to_table(self) -> dict[str, float]:
        """{value, low, high}, as results.json holds it."""
        return {"value": self.value, "low": self.low, "high": self.high}

    @classmethod
    def from_table(cls, table: dict[str, Any]) -> Score:
        """The score that `to_table` describes."""
        return cls(table["value"], table["low"], table["high"])

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def confusion(targets: Ints, predicted: Ints, labels: int) -> Floats:
    """Counts of (true, predicted) pairs. Shape [labels, labels]."""
    pairs = np.bincount(targets * labels + predicted, minlength=labels * labels)
    return pairs.reshape(labels, labels).astype(np.float64)


def accuracy(counts: Floats) -> Floats:
    """The share of right answers."""
    return np.asarray(np.trace(counts, axis1=-2, axis2=-1) / counts.sum((-2, -1)))


def macro_f1(counts: Floats) -> Floats:
    """The mean F1 over the labels that occur, as true or as predicted (scikit-learn's `average="macro"`)."""
    return _mean_f1(*_margins(counts))


def _margins(counts: Floats) -> tuple[Floats, Floats, Floats]:
    return np.diagonal(counts, axis1=-2, axis2=-1), counts.sum(-1), counts.sum(-2)


def _mean_f1(right: Floats, true: Floats, predicted: Floats) -> Floats:
    both = true + predicted
    f1 = np.divide(2 * right, both, out=np.zeros_like(both), where=both > 0)
    return np.asarray(f1.sum(-1) / np.maximum(1, (both > 0).sum(-1)))


@dataclass(frozen=True)
class Answers:
    """True and predicted label indices of the same rows. Shapes [rows]."""

    targets: Ints
    predicted: Ints
    labels: int

    def resampled_macro_f1(self, picks: Ints) -> Floats:
        """Macro-F1 of each resample of rows (`picks`: row numbers, shape [resamples, rows])."""
        right = np.where(self.targets == self.predicted, self.targets, self.labels)
        counts = [np.stack([np.bincount(values[pick], minlength=self.labels + 1)[:self.labels] for pick in picks])
                  for values in (right, self.targets, self.predicted)]
        return _mean_f1(*(count.astype(np.float64) for count in counts))

    @property
    def macro_f1(self) -> float:
        """Macro-F1 of the rows."""
        return float(macro_f1(confusion(self.targets, self.predicted, self.labels)))


def bootstrap_macro_f1(answers: Answers, seed: int = 0) -> Score:
    """Macro-F1 with its 95 % percentile interval over rows."""
    values = answers.resampled_macro_f1(resamples(len(answers.targets), seed))
    return _score(answers.macro_f1, values)


def bootstrap_difference(answers: Answers, other: Answers, seed: int = 0) -> Score:
    """Macro-F1 of `answers` minus that of `other`, paired over the same rows."""
    picks = resamples(len(answers.targets), seed)
    values = answers.resampled_macro_f1(picks) - other.resampled_macro_f1(picks)
    return _score(answers.macro_f1 - other.macro_f1, values)


def resamples(rows: int, seed: int) -> Ints:
    """Row numbers drawn with replacement. Shape [RESAMPLES, rows]."""
    return np.random.default_rng(seed).integers(0, rows, size=(RESAMPLES, rows))


def _score(value: float, values: Floats) -> Score:
    low, high = np.percentile(values, [2.5, 97.5])
    return Score(value, float(min(low, value)), float(max(high, value)), float(values.std()))
