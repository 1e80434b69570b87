"""`Task`: all that differs between one kind of labelling and another, behind one interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from luthier.tasks.metrics import Score

if TYPE_CHECKING:
    import torch

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Task(Protocol):
    """One kind of labelling. Greater values of the headline metric are better."""

    @property
    def name(self) -> str:
        """What kind of labelling this is."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the labels, in the order of the model's outputs."""

    @property
    def metric(self) -> str:
        """The headline metric, as tables and files name it."""

    @property
    def metric_title(self) -> str:
        """The headline metric, as people name it."""

    def encode(self, targets: Sequence[str | None]) -> Ints:
        """Label indices of label names (-1 where there is none). Shape [rows]."""

    def losses(self, logits: torch.Tensor, targets: torch.Tensor, smoothing: float = 0.0,
               weights: torch.Tensor | None = None) -> torch.Tensor:
        """The loss of each row, `smoothing` of each target spread over all labels, times the `weights` of its label.

        Shape [rows].
        """

    def divergence(self, logits: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """How far two predictions of the same rows are apart (R-Drop). Shape [rows]."""

    def label_weights(self, targets: Ints, power: float | str) -> Floats | None:
        """Weights of the labels against imbalance: n ** -power for n rows, of mean 1 over `targets` (None: all 1).

        Shape [labels].
        """

    def chance_loss(self, targets: Ints) -> float:
        """The mean loss of one who knows nothing but how often each label occurs in `targets`."""

    def signs(self, scores: Floats) -> dict[str, float]:
        """Figures that tell a collapsed model, such as the share of the label it gives most often."""

    def scores(self, logits: npt.NDArray[np.float32]) -> Floats:
        """What the model says of each row, as users see it (probabilities). Shape [rows, labels]."""

    def decode(self, scores: Floats) -> list[dict[str, Any]]:
        """One answer a row: for classification {"label", "score"}."""

    def metrics(self, scores: Floats, targets: Ints) -> dict[str, float]:
        """Every metric of the task, the headline metric among them."""

    def score(self, scores: Floats, targets: Ints) -> Score:
        """The headline metric with its 95 % interval."""

    def difference(self, scores: Floats, other: Floats, targets: Ints) -> Score:
        """The headline metric of `scores` minus that of `other` on the same rows, with its 95 % interval."""
