"""Single-label classification, of two labels or many: binary, multi-class, sentiment as classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from luthier.tasks.base import Floats, Ints
from luthier.tasks.class_metrics import class_metrics, compare_answers, score_answers
from luthier.tasks.metrics import Score

if TYPE_CHECKING:
    import torch

IMBALANCE, AUTOMATIC_POWER = 5.0, 0.5
"""Automatic class weights are for a label with over this many times the rows of another, and of this power."""


@dataclass(frozen=True)
class Classification:
    """One label a row; softmax and cross-entropy; macro-F1 is the headline metric."""

    labels: tuple[str, ...]
    name: str = "classification"
    metric: str = "macro_f1"
    metric_title: str = "macro-F1"

    def encode(self, targets: Sequence[str | None]) -> Ints:
        """Label indices of label names (-1 where there is none). Shape [rows]."""
        index = {label: i for i, label in enumerate(self.labels)}
        return np.array([-1 if target is None else index[target] for target in targets], dtype=np.int64)

    def losses(self, logits: torch.Tensor, targets: torch.Tensor, smoothing: float = 0.0,
               weights: torch.Tensor | None = None) -> torch.Tensor:
        """Cross-entropy of each row, in fp32. Shape [rows]."""
        import torch

        losses = torch.nn.functional.cross_entropy(logits.float(), targets, reduction="none", label_smoothing=smoothing)
        return losses if weights is None else losses * weights[targets]

    def divergence(self, logits: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """The mean of the two Kullback-Leibler divergences (Liang et al. 2021, eq. 2). Shape [rows]."""
        one, two = logits.float().log_softmax(-1), other.float().log_softmax(-1)
        return ((one.exp() - two.exp()) * (one - two)).sum(-1) / 2

    def label_weights(self, targets: Ints, power: float | str) -> Floats | None:
        """n ** -power for a label of n rows, scaled to mean 1 over the rows; "auto" is 0.5 where one label has 5 times another."""
        counts = np.bincount(targets, minlength=len(self.labels)).astype(np.float64)
        there = counts[counts > 0]
        if isinstance(power, str):
            power = AUTOMATIC_POWER if there.max() > IMBALANCE * there.min() else 0.0
        if power == 0:
            return None
        weights = np.maximum(counts, 1.0) ** -power
        return np.asarray(weights * (counts.sum() / (weights * counts).sum()))

    def chance_loss(self, targets: Ints) -> float:
        """The entropy of the labels, in nats."""
        shares = np.bincount(targets, minlength=len(self.labels)) / len(targets)
        present = shares[shares > 0]
        return float(-(present * np.log(present)).sum())

    def signs(self, scores: Floats) -> dict[str, float]:
        """The share of the rows that are given the label that is given most often."""
        return {"largest_share": float(np.bincount(scores.argmax(1)).max() / len(scores))}

    def scores(self, logits: npt.NDArray[np.float32]) -> Floats:
        """Softmax probabilities. Shape [rows, labels]."""
        shifted = np.asarray(logits, dtype=np.float64)
        powers = np.exp(shifted - shifted.max(1, keepdims=True))
        return np.asarray(powers / powers.sum(1, keepdims=True))

    def decode(self, scores: Floats) -> list[dict[str, Any]]:
        """The likeliest label and its probability, as `pipeline("text-classification")` gives them."""
        best = scores.argmax(1)
        return [{"label": self.labels[i], "score": float(row[i])} for i, row in zip(best, scores, strict=True)]

    def metrics(self, scores: Floats, targets: Ints) -> dict[str, float]:
        """Macro-F1, accuracy, and the mean log loss."""
        figures = class_metrics(scores, targets)(np.ones((1, len(targets))))
        return {name: float(figures[name][0]) for name in ("macro_f1", "accuracy", "loss")}

    def score(self, scores: Floats, targets: Ints) -> Score:
        """Macro-F1 with its 95 % interval over rows."""
        return score_answers("macro_f1", targets, scores.argmax(1), len(self.labels))

    def difference(self, scores: Floats, other: Floats, targets: Ints) -> Score:
        """Macro-F1 of `scores` minus that of `other`, paired over the same rows."""
        return compare_answers("macro_f1", targets, scores.argmax(1), other.argmax(1), len(self.labels))
