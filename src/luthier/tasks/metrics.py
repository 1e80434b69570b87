"""`Score`: a figure with its 95 % interval. What the figures are is said in `class_metrics`, `label_metrics` and so on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy.typing as npt

LEAST_PROBABILITY = 1e-12
"""Log losses are of no smaller probability, so that one row that was surely wrong leaves them finite."""
_SIGNED = ("pearson", "spearman", "mcc")


def bounds(metric: str) -> tuple[float, float]:
    """The least and the greatest value that a headline metric can have."""
    return -math.inf if metric == "r2" else -1.0 if metric in _SIGNED else 0.0, 1.0


@dataclass(frozen=True)
class Score:
    """A figure with its 95 % interval, and the standard error that the interval rests on."""

    value: float
    low: float
    high: float
    error: float = 0.0

    def within(self, low: float, high: float) -> Score:
        """The same with an interval that ends at the bounds of the metric; the error stays as it is."""
        return replace(self, low=max(low, self.low), high=min(high, self.high))

    def to_table(self) -> dict[str, float]:
        """{value, low, high}, as results.json holds it."""
        return {"value": self.value, "low": self.low, "high": self.high}

    @classmethod
    def from_table(cls, table: dict[str, Any]) -> Score:
        """The score that `to_table` describes."""
        return cls(table["value"], table["low"], table["high"])

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def per_label(labels: Sequence[str], right: npt.NDArray[Any], true: npt.NDArray[Any],
              given: npt.NDArray[Any]) -> dict[str, dict[str, float]]:
    """{label: {precision, recall, f1, rows, given}} from counts [labels]; what is undefined is left out."""
    found = {}
    for label, hits, own, said in zip(labels, right.tolist(), true.tolist(), given.tolist(), strict=True):
        rates = {"precision": (hits, said), "recall": (hits, own), "f1": (2 * hits, own + said)}
        found[label] = {name: part / whole for name, (part, whole) in rates.items() if whole} | {"rows": own, "given": said}
    return found
