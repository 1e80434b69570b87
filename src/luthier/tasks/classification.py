"""Single-label classification, of two labels or many: binary, multi-class, sentiment as classes; of texts or of pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from luthier.data.row import Kind, Row
from luthier.data.tokens import Tokens
from luthier.errors import ConfigError
from luthier.tasks.base import Answer, Floats, Ints, Statistic, Truth
from luthier.tasks.calibration import calibration_tables, class_squares, fit_temperature
from luthier.tasks.class_metrics import class_metrics, compare_answers, confusion, score_answers
from luthier.tasks.metrics import Score, per_label
from luthier.tasks.softmax import Softmax

OF_ONE_LABEL = ("f1", "roc_auc", "pr_auc")
OF_ANSWERS = ("macro_f1", "accuracy", "weighted_f1", "mcc")
"""Metrics that rest on the answers alone, whatever their probabilities."""


@dataclass(frozen=True)
class Classification(Softmax):
    """One label a row; softmax and cross-entropy; macro-F1 is the usual headline metric.

    Attributes:
        positive: of two labels, the one that F1, ROC-AUC and PR-AUC are of: the rarer among the training rows.
    """

    metric: str = "macro_f1"
    positive: int | None = None

    name: ClassVar[str] = "classification"
    kind: ClassVar[Kind] = Kind.CLASS
    problem_type: ClassVar[str | None] = "single_label_classification"
    headlines: ClassVar[Mapping[str, str]] = {
        "macro_f1": "macro-F1", "accuracy": "accuracy", "weighted_f1": "weighted F1", "mcc": "Matthews correlation",
        "f1": "F1", "roc_auc": "ROC-AUC", "pr_auc": "PR-AUC"}

    @classmethod
    def make(cls, labels: Sequence[str], rows: Sequence[Row] = (), metric: str | None = None) -> Self:
        """The task of these labels.

        Raises:
            ConfigError: there is no such metric, or it is for two labels only.
        """
        own = cls.headline(metric)
        if own in OF_ONE_LABEL and len(labels) != 2:
            raise ConfigError(f"--metric {metric}: is of one label against another; these rows have {len(labels)} labels. "
                              "Use macro_f1")
        counts = Counter(row.target for row in rows)
        rarer = min(range(len(labels)), key=lambda label: (counts[labels[label]], -label)) if len(labels) == 2 else None
        return cls(tuple(labels), own, rarer)

    @property
    def metric_title(self) -> str:
        """The headline metric, as people name it; with the label that it is of."""
        title = self.headlines[self.metric]
        return title if self.metric not in OF_ONE_LABEL or self.positive is None else f"{title} of '{self.labels[self.positive]}'"

    def encode(self, tokens: Tokens, rows: Sequence[Row]) -> Tokens:
        """Label indices (-1 where a row has none). Shape [rows]."""
        return replace(tokens, targets=self.indices([row.target for row in rows]).astype(np.int32))

    def indices(self, targets: Sequence[Any]) -> Ints:
        """Label indices of label names (-1 for None). Shape [rows]."""
        index = {label: i for i, label in enumerate(self.labels)}
        return np.array([-1 if target is None else index[target] for target in targets], dtype=np.int64)

    def signs(self, scores: Floats) -> dict[str, float]:
        """The share of the rows that are given the label that is given most often."""
        return {"largest_share": float(np.bincount(scores.argmax(1)).max() / len(scores))}

    def settings(self) -> dict[str, Any]:
        """Task, headline metric, and of two labels the positive one."""
        found = super().settings()
        return found if self.positive is None else {**found, "positive": self.labels[self.positive]}

    @classmethod
    def from_settings(cls, outputs: Sequence[str], settings: Mapping[str, Any]) -> Self:
        """The task of a saved model."""
        positive = next((index for index, name in enumerate(outputs) if name == settings.get("positive")), None)
        return cls(tuple(outputs), cls.headline(settings.get("metric")), positive)

    def truth(self, tokens: Tokens, rows: Ints | None = None) -> Truth:
        """Label indices. Shape [rows]."""
        return np.asarray(tokens.targets if rows is None else tokens.targets[rows], dtype=np.int64)

    def size(self, truth: Truth) -> int:
        """The number of rows."""
        return len(truth)

    def statistic(self, scores: Floats, truth: Truth) -> Statistic:
        """Macro-F1, accuracy, weighted F1, Matthews correlation and loss; of two labels F1, ROC-AUC and PR-AUC of one too."""
        return class_metrics(scores, truth, self.positive)

    def score(self, scores: Floats, truth: Truth, groups: Ints | None = None) -> Score:
        """The headline metric with its 95 % interval, rows that are alike drawn together."""
        if self.metric not in OF_ANSWERS:
            return super().score(scores, truth, groups)
        return score_answers(self.metric, truth, scores.argmax(1), len(self.outputs), groups=groups)

    def intervals(self, scores: Floats, truth: Truth, groups: Ints | None = None) -> dict[str, Score]:
        """Every metric with its 95 % interval; the headline metric's is that of `score`, so that it has one."""
        found = super().intervals(scores, truth, groups)
        return found | {self.metric: self.score(scores, truth, groups)} if self.metric in OF_ANSWERS else found

    def difference(self, scores: Floats, other: Floats, truth: Truth, groups: Ints | None = None,
                   other_task: Self | None = None, other_truth: Truth | None = None) -> Score:
        """The headline metric of `scores` minus that of `other`, paired over the same rows."""
        if self.metric not in OF_ANSWERS:
            return super().difference(scores, other, truth, groups, other_task, other_truth)
        return compare_answers(self.metric, truth, scores.argmax(1), other.argmax(1), len(self.outputs), groups=groups)

    def answers(self, scores: Floats, tokens: Tokens, texts: Sequence[str]) -> list[Answer]:
        """The likeliest label and its probability, as `pipeline("text-classification")` gives them."""
        best = scores.argmax(1)
        return [{"label": self.labels[i], "score": float(row[i])} for i, row in zip(best, scores, strict=True)]

    def tempered(self, scores: Floats, temperature: float) -> Floats:
        """Softmax of the log probabilities over the temperature."""
        return scores if temperature == 1.0 else self.scores(np.log(np.maximum(scores, 1e-30)) / temperature)

    def details(self, scores: Floats, truth: Truth) -> dict[str, Any]:
        """The confusion matrix, true labels down, and what follows from it for each label."""
        counts = confusion(truth, scores.argmax(1), len(self.labels))
        right, true, given = np.diag(counts), counts.sum(1), counts.sum(0)
        return {"confusion": counts.astype(int).tolist(), "per_label": per_label(self.labels, right, true, given)}

    def surprises(self, scores: Floats, truth: Truth) -> list[tuple[int, float]]:
        """Rows with a wrong label, by its probability."""
        sure = scores.max(1)
        return [(int(row), float(sure[row])) for row in np.argsort(-sure, kind="stable") if scores[row].argmax() != truth[row]]

    def temperature(self, scores: Floats, truth: Truth) -> float:
        """The temperature of least loss (Guo et al. 2017)."""
        return fit_temperature(np.log(np.maximum(scores, 1e-12)), truth, "softmax")

    def calibration(self, scores: Floats, truth: Truth, groups: Ints | None = None) -> dict[str, Any]:
        """Calibration error, Brier score, reliability and operating points of the likeliest label."""
        confidence, right = scores.max(1), scores.argmax(1) == truth
        return calibration_tables(confidence, right, class_squares(scores, truth), confidence, right, groups)
