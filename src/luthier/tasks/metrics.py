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

    @property
    def macro_f1(self) -> float:
        """Macro-F1 of the rows."""
        return float(macro_f1(confusion(self.targets, self.predicted, self.labels)))


def bootstrap_macro_f1(answers: Answers, seed: int = 0) -> Score:
    """Macro-F1 with its 95 % percentile interval over rows."""
    kinds, draws = _resample(np.stack([answers.targets, answers.predicted]), seed)
    return _score(answers.macro_f1, _macro_f1_of(draws, kinds[0], kinds[1], answers.labels))


def bootstrap_difference(answers: Answers, other: Answers, seed: int = 0) -> Score:
    """Macro-F1 of `answers` minus that of `other`, paired over the same rows."""
    kinds, draws = _resample(np.stack([answers.targets, answers.predicted, other.predicted]), seed)
    values = _macro_f1_of(draws, kinds[0], kinds[1], answers.labels) - _macro_f1_of(draws, kinds[0], kinds[2], answers.labels)
    return _score(answers.macro_f1 - other.macro_f1, values)


def _resample(rows: Ints, seed: int) -> tuple[Ints, Floats]:
    """Rows that give the same answers are alike: draw how many of each kind a resample holds.

    Args:
        rows: one column a row of data. Shape [answers, rows].

    Returns:
        The distinct columns [answers, kinds], and the count of each in each resample [RESAMPLES, kinds].
    """
    kinds, counts = np.unique(rows, axis=1, return_counts=True)
    total = int(counts.sum())
    return kinds, np.random.default_rng(seed).multinomial(total, counts / total, size=RESAMPLES).astype(np.float64)


def _macro_f1_of(draws: Floats, targets: Ints, predicted: Ints, labels: int) -> Floats:
    """Macro-F1 of each resample, from the counts of each kind of row."""
    one_hot = np.eye(labels)
    right = one_hot[targets] * (targets == predicted)[:, None]
    return _mean_f1(draws @ right, draws @ one_hot[targets], draws @ one_hot[predicted])


def _score(value: float, values: Floats) -> Score:
    """The interval always holds the value itself, which the bootstrap of a biased metric may leave out."""
    low, high = np.percentile(values, [2.5, 97.5])
    return Score(value, float(min(low, value)), float(max(high, value)), float(values.std()))
