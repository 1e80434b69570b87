"""Single-label classification, of two labels or many: binary, multi-class, sentiment as classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from luthier.tasks.base import Floats, Ints
from luthier.tasks.metrics import (
    Answers,
    Score,
    accuracy,
    bootstrap_difference,
    bootstrap_macro_f1,
    confusion,
    macro_f1,
)

if TYPE_CHECKING:
    import torch


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

    def loss(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean cross-entropy, in fp32."""
        import torch

        return torch.nn.functional.cross_entropy(logits.float(), targets)

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
        counts = confusion(targets, scores.argmax(1), len(self.labels))
        likelihood = scores[np.arange(len(targets)), targets]
        return {"macro_f1": float(macro_f1(counts)), "accuracy": float(accuracy(counts)),
                "loss": float(-np.log(np.maximum(likelihood, 1e-12)).mean())}

    def score(self, scores: Floats, targets: Ints) -> Score:
        """Macro-F1 with its 95 % interval over rows."""
        return bootstrap_macro_f1(self._answers(scores, targets))

    def difference(self, scores: Floats, other: Floats, targets: Ints) -> Score:
        """Macro-F1 of `scores` minus that of `other`, paired over the same rows."""
        return bootstrap_difference(self._answers(scores, targets), self._answers(other, targets))

    def _answers(self, scores: Floats, targets: Ints) -> Answers:
        return Answers(targets, scores.argmax(1).astype(np.int64), len(self.labels))
