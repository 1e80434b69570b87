"""Multi-label classification: any number of labels a row, also none; of texts or of pairs.

A label is given where its probability reaches a threshold of its own, tuned on validation rows. While a search looks at
validation rows, each half of them is decided by thresholds tuned on the other, so that no row tunes its own.
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
from luthier.tasks.calibration import calibration_tables, fit_temperature, label_squares
from luthier.tasks.label_metrics import label_metrics, tune_thresholds
from luthier.tasks.linear import sigmoid_regressions
from luthier.tasks.metrics import LEAST_PROBABILITY, per_label
from luthier.tasks.softmax import AUTOMATIC_POWER, IMBALANCE

if TYPE_CHECKING:
    import torch

MOST_WEIGHT = 10.0
"""The most that a rare label's own rows count for, against those without it."""


@dataclass(frozen=True)
class Multilabel(Task):
    """Any number of labels a row; sigmoids and binary cross-entropy; micro-F1 is the usual headline metric.

    Attributes:
        thresholds: the probability from which each label is given; none before they are tuned.
    """

    metric: str = "micro_f1"
    thresholds: tuple[float, ...] = ()

    name: ClassVar[str] = "multilabel"
    kind: ClassVar[Kind] = Kind.LABELS
    problem_type: ClassVar[str | None] = "multi_label_classification"
    headlines: ClassVar[Mapping[str, str]] = {
        "micro_f1": "micro-F1", "macro_f1": "macro-F1", "subset_accuracy": "subset accuracy",
        "mean_average_precision": "mean average precision"}

    def encode(self, tokens: Tokens, rows: Sequence[Row]) -> Tokens:
        """1 for each label that a row has, else 0. Shape [rows, labels]."""
        index = {label: i for i, label in enumerate(self.labels)}
        targets = np.zeros((len(rows), len(self.labels)), np.float32)
        for place, row in enumerate(rows):
            for name in row.target or ():  # type: ignore[union-attr]
                targets[place, index[name]] = 1.0  # type: ignore[index]
        return replace(tokens, targets=targets)

    def losses(self, logits: torch.Tensor, targets: torch.Tensor, smoothing: float = 0.0,
               weights: torch.Tensor | None = None) -> torch.Tensor:
        """The mean over the labels of binary cross-entropy; `weights` are those of a label's own rows. Shape [rows]."""
        import torch

        goal = targets.float() * (1 - smoothing) + smoothing / 2
        return torch.nn.functional.binary_cross_entropy_with_logits(
            logits.float(), goal, pos_weight=weights, reduction="none").mean(-1)

    def divergence(self, logits: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """The symmetric Kullback-Leibler divergence of each label, its mean over the labels. Shape [rows]."""
        one, two = logits.float(), other.float()
        return ((one.sigmoid() - two.sigmoid()) * (one - two)).mean(-1) / 2

    def label_weights(self, targets: npt.NDArray[Any], power: float | str) -> Floats | None:
        """(rows without / rows with) ** power for each label, at most 10; "auto" is 0.5 where one label has 5 times another."""
        own = targets.sum(0)
        if isinstance(power, str):
            power = AUTOMATIC_POWER if own.max() > IMBALANCE * max(1, own.min()) else 0.0
        if power == 0:
            return None
        odds = np.maximum((len(targets) - own) / np.maximum(own, 1), 1.0)
        return np.asarray(np.minimum(odds ** power, MOST_WEIGHT), np.float64)

    def chance_loss(self, targets: npt.NDArray[Any]) -> float:
        """The mean over the labels of the entropy of having it, in nats."""
        shares = np.clip(self.guess(targets), 1e-12, 1 - 1e-12)
        return float(-(shares * np.log(shares) + (1 - shares) * np.log(1 - shares)).mean())

    def scores(self, logits: npt.NDArray[np.floating[Any]]) -> Floats:
        """Sigmoid probabilities. Shape [rows, labels]."""
        from scipy.special import expit

        return np.asarray(expit(np.asarray(logits, dtype=np.float64)))

    def truth(self, tokens: Tokens, rows: Ints | None = None) -> Truth:
        """Whether each row has each label. Shape [rows, labels]."""
        return np.asarray(tokens.targets if rows is None else tokens.targets[rows]) > 0.5

    def size(self, truth: Truth) -> int:
        """The number of rows."""
        return len(truth)

    def statistic(self, scores: Floats, truth: Truth) -> Statistic:
        """Micro- and macro-F1, subset accuracy, mean average precision and loss."""
        return label_metrics(scores, self._limits(scores, truth), truth)

    def _headline(self, scores: Floats, truth: Truth) -> Statistic:
        """Without the areas under curves, which take most of the time, unless the headline is of them."""
        areas = self.metric == "mean_average_precision"
        statistic = label_metrics(scores, self._limits(scores, truth), truth, areas=areas)
        return lambda weights: {self.metric: statistic(weights)[self.metric]}

    def batch_metrics(self, scores: Floats, targets: npt.NDArray[Any]) -> dict[str, float]:
        """The same for units that were trained on."""
        return self.metrics(scores, np.asarray(targets) > 0.5)

    def _limits(self, scores: Floats, truth: Truth) -> Floats:
        """Thresholds tuned before [labels], or for each row those tuned on the other half of these rows [rows, labels]."""
        if self.thresholds:
            return np.asarray(self.thresholds)
        even = np.arange(len(scores)) % 2 == 0
        limits = np.full(scores.shape, 0.5)
        if 0 < even.sum() < len(scores):
            for half in (even, ~even):
                limits[half] = tune_thresholds(scores[~half], truth[~half])
        return limits

    def answers(self, scores: Floats, tokens: Tokens, texts: Sequence[str]) -> list[Answer]:
        """The labels at or above their thresholds, the surest first, and the probability of each."""
        limits = self._given_from()
        found = []
        for row in scores:
            given = [i for i in np.argsort(-row) if row[i] >= limits[i]]
            found.append({"labels": [self.labels[i] for i in given], "scores": [float(row[i]) for i in given]})
        return found

    def guess(self, targets: npt.NDArray[Any]) -> Floats:
        """The share of the rows that have each label. Shape [labels]."""
        return np.asarray(np.mean(np.asarray(targets, dtype=np.float64), axis=0))

    def fit_linear(self, features: Any, targets: npt.NDArray[Any], strength: float) -> Linear:
        """A logistic regression for each label."""
        return sigmoid_regressions(features, targets, strength)

    def tuned(self, scores: Floats, truth: Truth) -> Self:
        """With the threshold of each label that is best on these rows."""
        return replace(self, thresholds=tuple(float(limit) for limit in tune_thresholds(scores, truth)))

    def tempered(self, scores: Floats, temperature: float) -> Floats:
        """Sigmoids of the log odds over the temperature."""
        sure = np.clip(scores, 1e-15, 1 - 1e-15)
        return scores if temperature == 1.0 else self.scores(np.log(sure / (1 - sure)) / temperature)

    def details(self, scores: Floats, truth: Truth) -> dict[str, Any]:
        """What became of each label, and its threshold."""
        given = scores >= self._limits(scores, truth)
        return {"per_label": per_label(self.labels, (given & truth).sum(0), truth.sum(0), given.sum(0)),
                "thresholds": dict(zip(self.labels, self.thresholds, strict=False))}

    def surprises(self, scores: Floats, truth: Truth) -> list[tuple[int, float]]:
        """Rows with a wrong set of labels, by the probability that was given to the wrongest of them."""
        wrong = (scores >= self._limits(scores, truth)) != truth
        sure = np.where(wrong, np.where(truth, 1 - scores, scores), 0.0).max(1)
        return [(int(row), float(sure[row])) for row in np.argsort(-sure, kind="stable") if wrong[row].any()]

    def said(self, answer: Answer) -> str:
        """The labels with commas between them."""
        return ", ".join(answer["labels"]) or "(none)"

    def as_target(self, answer: Answer) -> Target:
        """The names of the labels, sorted."""
        return tuple(sorted(answer["labels"]))

    def temperature(self, scores: Floats, truth: Truth) -> float:
        """The temperature of least loss over all labels."""
        sure = np.clip(scores, 1e-12, 1 - 1e-12)
        return fit_temperature(np.log(sure / (1 - sure)), truth, "sigmoid")

    def settings(self) -> dict[str, Any]:
        """Task, headline metric, and the threshold of each label."""
        return {**super().settings(), "thresholds": dict(zip(self.labels, self.thresholds, strict=False))}

    @classmethod
    def from_settings(cls, outputs: Sequence[str], settings: Mapping[str, Any]) -> Self:
        """The task of a saved model; a label without a threshold is given from 0.5 on."""
        limits = settings.get("thresholds") or {}
        return cls(tuple(outputs), cls.headline(settings.get("metric")), tuple(float(limits.get(name, 0.5)) for name in outputs))

    def confidence(self, scores: Floats, tokens: Tokens) -> Floats:
        """The probability that the labels given are all of a row and no others, were labels independent. Shape [rows].

        The product over the labels of p where one is given and of 1 - p where it is not: a label that a low threshold gives at
        0.2 makes a row unsure.
        """
        return self._sure(scores)

    def _sure(self, scores: Floats) -> Floats:
        likely = np.where(scores >= self._given_from(), scores, 1 - scores)
        return np.asarray(np.exp(np.log(np.maximum(likely, LEAST_PROBABILITY)).sum(1)))

    def _given_from(self) -> Floats:
        """The probability from which each label is given. Shape [labels]."""
        return np.asarray(self.thresholds or (0.5,) * len(self.labels))

    def calibration(self, scores: Floats, truth: Truth, groups: Ints | None = None) -> dict[str, Any]:
        """Calibration error, Brier score and reliability of each single probability.

        Operating points are of whole rows: their confidence is that of `confidence`, and right means all labels of a row.
        """
        given = scores >= self._given_from()
        all_right = (given == truth).all(1)
        return calibration_tables(scores, truth, label_squares(scores, truth), self._sure(scores), all_right, groups)
