"""What tasks have in common whose outputs exclude one another: one label of a text, one tag of a token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from luthier.tasks.base import Floats, Linear, Task
from luthier.tasks.linear import softmax_regression

if TYPE_CHECKING:
    import torch

IMBALANCE, AUTOMATIC_POWER = 5.0, 0.5
"""Automatic class weights are for a label with over this many times the units of another, and of this power."""


@dataclass(frozen=True)
class Softmax(Task):
    """Softmax and cross-entropy."""

    iterations: ClassVar[int] = 300

    def losses(self, logits: torch.Tensor, targets: torch.Tensor, smoothing: float = 0.0,
               weights: torch.Tensor | None = None) -> torch.Tensor:
        """Cross-entropy of each unit, in fp32. Shape [units]."""
        import torch

        losses = torch.nn.functional.cross_entropy(logits.float(), targets, reduction="none", label_smoothing=smoothing)
        return losses if weights is None else losses * weights[targets]

    def divergence(self, logits: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """The mean of the two Kullback-Leibler divergences (Liang et al. 2021, eq. 2). Shape [units]."""
        one, two = logits.float().log_softmax(-1), other.float().log_softmax(-1)
        return ((one.exp() - two.exp()) * (one - two)).sum(-1) / 2

    def label_weights(self, targets: npt.NDArray[Any], power: float | str) -> Floats | None:
        """n ** -power for a label of n units, of mean 1 over the units; "auto" is 0.5 where one label has 5 times another."""
        counts = np.bincount(targets[targets >= 0], minlength=len(self.outputs)).astype(np.float64)
        there = counts[counts > 0]
        if isinstance(power, str):
            power = AUTOMATIC_POWER if there.max() > IMBALANCE * there.min() else 0.0
        if power == 0:
            return None
        weights = np.maximum(counts, 1.0) ** -power
        return np.asarray(weights * (counts.sum() / (weights * counts).sum()))

    def chance_loss(self, targets: npt.NDArray[Any]) -> float:
        """The entropy of the labels, in nats."""
        shares = self.guess(targets)
        present = shares[shares > 0]
        return float(-(present * np.log(present)).sum())

    def scores(self, logits: npt.NDArray[np.floating[Any]]) -> Floats:
        """Softmax probabilities. Shape [units, outputs]."""
        shifted = np.asarray(logits, dtype=np.float64)
        powers = np.exp(shifted - shifted.max(1, keepdims=True))
        return np.asarray(powers / powers.sum(1, keepdims=True))

    def guess(self, targets: npt.NDArray[Any]) -> Floats:
        """The share of each label. Shape [outputs]."""
        found = np.bincount(targets[targets >= 0], minlength=len(self.outputs))
        return np.asarray(found / found.sum())

    def fit_linear(self, features: Any, targets: npt.NDArray[Any], strength: float) -> Linear:
        """Multinomial logistic regression."""
        return softmax_regression(features, targets, len(self.outputs), strength, self.iterations)
