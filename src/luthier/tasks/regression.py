"""Regression: a number a row, such as a sentiment score or the similarity of a pair.

A model learns the number in standard deviations from the mean of the training rows, so that a learning rate means the same
whatever the unit; in a saved model that scale is part of the last layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from luthier.data.row import Kind, Row, Target
from luthier.data.tokens import Tokens
from luthier.tasks.base import Answer, Floats, Ints, Linear, Statistic, Task, Truth
from luthier.tasks.linear import ridge_regression
from luthier.tasks.number_metrics import number_metrics

if TYPE_CHECKING:
    import torch

BANDS = 12
"""Into how many bands of equal width numbers are parted for a picture of them."""


@dataclass(frozen=True)
class Regression(Task):
    """A number a row; squared error; Pearson's correlation is the usual headline metric.

    Attributes:
        mean, deviation: of the training rows' numbers.
    """

    metric: str = "pearson"
    mean: float = 0.0
    deviation: float = 1.0

    name: ClassVar[str] = "regression"
    kind: ClassVar[Kind] = Kind.NUMBER
    problem_type: ClassVar[str | None] = "regression"
    headlines: ClassVar[Mapping[str, str]] = {"pearson": "Pearson correlation", "spearman": "Spearman correlation", "r2": "R²"}

    @classmethod
    def make(cls, labels: Sequence[str], rows: Sequence[Row] = (), metric: str | None = None) -> Self:
        """The task of these training rows."""
        numbers = np.array([row.target for row in rows], dtype=np.float64) if rows else np.zeros(1)
        return cls((), cls.headline(metric), float(numbers.mean()), float(numbers.std()) or 1.0)

    @classmethod
    def instead(cls, metric: str) -> str:
        """Errors rank models as R² does."""
        return " Less of it is better; r2 ranks models as it does." if metric in ("rmse", "mae", "mse", "loss") else ""

    @property
    def outputs(self) -> tuple[str, ...]:
        """The one output."""
        return ("score",)

    def encode(self, tokens: Tokens, rows: Sequence[Row]) -> Tokens:
        """The numbers as they are. Shape [rows]."""
        return replace(tokens, targets=np.array([0.0 if row.target is None else row.target for row in rows], np.float32))

    def losses(self, logits: torch.Tensor, targets: torch.Tensor, smoothing: float = 0.0,
               weights: torch.Tensor | None = None) -> torch.Tensor:
        """Half the squared error in standard deviations. Shape [rows]."""
        return (logits.float().squeeze(-1) - (targets.float() - self.mean) / self.deviation).square() / 2

    def divergence(self, logits: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """Half the squared difference, in standard deviations. Shape [rows]."""
        return (logits.float() - other.float()).squeeze(-1).square() / 2

    def chance_loss(self, targets: npt.NDArray[Any]) -> float:
        """The mean squared error of always saying the mean."""
        return float(np.var(np.asarray(targets, dtype=np.float64)))

    def scores(self, logits: npt.NDArray[np.floating[Any]]) -> Floats:
        """The numbers, in the unit of the rows. Shape [rows, 1]."""
        return np.asarray(logits, dtype=np.float64) * self.deviation + self.mean

    def truth(self, tokens: Tokens, rows: Ints | None = None) -> Truth:
        """The numbers. Shape [rows]."""
        return np.asarray(tokens.targets if rows is None else tokens.targets[rows], dtype=np.float64)

    def size(self, truth: Truth) -> int:
        """The number of rows."""
        return len(truth)

    def statistic(self, scores: Floats, truth: Truth) -> Statistic:
        """Pearson's and Spearman's correlation, R², RMSE and MAE in the unit of the rows, and the mean squared error."""
        return number_metrics(scores[:, 0], np.asarray(truth, np.float64))

    def answers(self, scores: Floats, tokens: Tokens, texts: Sequence[str]) -> list[Answer]:
        """The number."""
        return [{"score": float(row[0])} for row in scores]

    def guess(self, targets: npt.NDArray[Any]) -> Floats:
        """The mean. Shape [1]."""
        return np.array([np.mean(np.asarray(targets, dtype=np.float64))])

    def fit_linear(self, features: Any, targets: npt.NDArray[Any], strength: float) -> Linear:
        """Ridge regression, in standard deviations."""
        return ridge_regression(features, (np.asarray(targets, np.float64) - self.mean) / self.deviation, strength)

    def details(self, scores: Floats, truth: Truth) -> dict[str, Any]:
        """Predicted against true numbers.

        {"edges": bounds of `BANDS` bands of equal width over all numbers, "counts": rows by true band (down) and predicted band,
        "by_number": of each band of true numbers {low, high, rows, true, predicted, error}, the last three means}.
        """
        given, true = scores[:, 0], np.asarray(truth, np.float64)
        low, high = min(given.min(), true.min()), max(given.max(), true.max())
        edges = np.linspace(low, high if high > low else low + 1.0, BANDS + 1)
        counts = np.histogram2d(true, given, bins=[edges, edges])[0].astype(int)
        place = np.clip(np.searchsorted(edges, true, side="right") - 1, 0, BANDS - 1)
        bands = [{"low": float(edges[at]), "high": float(edges[at + 1]), "rows": int(own.sum()), "true": float(true[own].mean()),
                  "predicted": float(given[own].mean()), "error": float(np.abs(given - true)[own].mean())}
                 for at in range(BANDS) if (own := place == at).any()]
        return {"edges": edges.tolist(), "counts": counts.tolist(), "by_number": bands}

    def surprises(self, scores: Floats, truth: Truth) -> list[tuple[int, float]]:
        """All rows, by how far the number is off."""
        off = np.abs(scores[:, 0] - truth)
        return [(int(row), float(off[row])) for row in np.argsort(-off, kind="stable")]

    def said(self, answer: Answer) -> str:
        """The number to four digits."""
        return f"{answer['score']:.4g}"

    def as_target(self, answer: Answer) -> Target:
        """The number."""
        return float(answer["score"])

    def confidence(self, scores: Floats, tokens: Tokens) -> Floats:
        """None: nothing tells how sure a number is. All 1. Shape [rows]."""
        return np.ones(len(scores))

    def scale(self) -> tuple[float, float]:
        """Standard deviation and mean."""
        return self.deviation, self.mean

    def served(self) -> Self:
        """In the unit of the rows."""
        return replace(self, mean=0.0, deviation=1.0)

    @classmethod
    def from_settings(cls, outputs: Sequence[str], settings: Mapping[str, Any]) -> Self:
        """The task of a saved model, which speaks in the unit of the rows."""
        return cls((), cls.headline(settings.get("metric")))
