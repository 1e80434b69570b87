"""`Task`: all that differs between one kind of labelling and another, behind one interface.

What a model says of rows is an array of scores, one row of it for each *unit*: a row of data or, for entities, a token.
What is true of them is a `Truth`: an array, or for entities the spans of each text.
"""

from __future__ import annotations

import abc
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from luthier.data.row import Kind, Row, Target
from luthier.data.tokens import Tokens
from luthier.errors import ConfigError, nearest
from luthier.tasks.bootstrap import Floats as Floats
from luthier.tasks.bootstrap import Ints as Ints
from luthier.tasks.bootstrap import Statistic as Statistic
from luthier.tasks.bootstrap import bootstrap, bootstrap_difference
from luthier.tasks.metrics import Score

if TYPE_CHECKING:
    import torch

    from luthier.tasks.wording import Wording

Truth = Any
Answer = dict[str, Any]
Linear = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
"""A linear layer: weight [outputs, features] and bias [outputs]."""


class Head(enum.Enum):
    """What a model says something of, and the pipeline of transformers that serves it."""

    TEXT = "text-classification"
    TOKENS = "token-classification"


@dataclass(frozen=True)
class Task(abc.ABC):
    """One kind of labelling. Greater values of every metric that can be the headline are better.

    Attributes:
        labels: the names of the labels; none where labels are numbers.
        metric: the headline metric, as tables and files name it.
    """

    labels: tuple[str, ...]
    metric: str

    name: ClassVar[str]
    kind: ClassVar[Kind]
    head: ClassVar[Head] = Head.TEXT
    problem_type: ClassVar[str | None] = None
    headlines: ClassVar[Mapping[str, str]]
    """The metrics that can be the headline, as files and as people name them; the first is usual."""
    wording: ClassVar[Wording | None] = None
    """What people read about the task, where the words for its kind of label do not fit."""

    @classmethod
    def make(cls, labels: Sequence[str], rows: Sequence[Row] = (), metric: str | None = None) -> Self:
        """The task of these labels; `rows` are those to train on.

        Raises:
            ConfigError: there is no such metric.
        """
        return cls(tuple(labels), cls.headline(metric))

    @classmethod
    def headline(cls, metric: str | None) -> str:
        """The headline metric of this name, the usual one where none is given.

        Raises:
            ConfigError: there is no such metric, or less of it is better.
        """
        if metric is None:
            return next(iter(cls.headlines))
        name = metric.lower().replace("-", "_")
        if name not in cls.headlines:
            raise ConfigError(f"--metric {metric}: {cls.name} is chosen by one of {', '.join(cls.headlines)}."
                              f"{nearest(name, cls.headlines)}{cls.instead(name)}")
        return name

    @classmethod
    def instead(cls, metric: str) -> str:
        """What to say of a metric that exists but cannot be the headline."""
        return ""

    @property
    def metric_title(self) -> str:
        """The headline metric, as people name it."""
        return self.headlines[self.metric]

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the model's outputs."""
        return self.labels

    @abc.abstractmethod
    def encode(self, tokens: Tokens, rows: Sequence[Row]) -> Tokens:
        """The tokens of rows with the targets that these rows have."""

    def supervised(self, logits: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The outputs and targets that count, one for each unit. Shapes [units, outputs] and [units, ...]."""
        return logits, targets

    @abc.abstractmethod
    def losses(self, logits: torch.Tensor, targets: torch.Tensor, smoothing: float = 0.0,
               weights: torch.Tensor | None = None) -> torch.Tensor:
        """The loss of each unit, `smoothing` of each target spread over all outputs, times the `weights` of its label.

        Shape [units].
        """

    @abc.abstractmethod
    def divergence(self, logits: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """How far two predictions of the same units are apart (R-Drop). Shape [units]."""

    def label_weights(self, targets: npt.NDArray[Any], power: float | str) -> Floats | None:
        """Weights against imbalance, from the targets of the training rows (None: all 1). Shape [outputs]."""
        return None

    @abc.abstractmethod
    def chance_loss(self, targets: npt.NDArray[Any]) -> float:
        """The mean loss of one who knows nothing but how often each label occurs in `targets`."""

    def signs(self, scores: Floats) -> dict[str, float]:
        """Figures that tell a collapsed model, such as the share of the label it gives most often."""
        return {}

    @abc.abstractmethod
    def scores(self, logits: npt.NDArray[np.floating[Any]]) -> Floats:
        """What the model says of each unit, as users see it. Shape [units, outputs]."""

    @abc.abstractmethod
    def truth(self, tokens: Tokens, rows: Ints | None = None) -> Truth:
        """What is true of some rows (default: all)."""

    @abc.abstractmethod
    def statistic(self, scores: Floats, truth: Truth) -> Statistic:
        """Every metric of the task, for resampled rows."""

    @abc.abstractmethod
    def size(self, truth: Truth) -> int:
        """How many rows a truth is about."""

    def metrics(self, scores: Floats, truth: Truth) -> dict[str, float]:
        """Every metric of the task, the headline metric among them; those that these rows leave undefined are left out."""
        values = self.statistic(scores, truth)(np.ones((1, self.size(truth))))
        return {name: float(value[0]) for name, value in values.items() if not np.isnan(value[0])}

    def batch_metrics(self, scores: Floats, targets: npt.NDArray[Any]) -> dict[str, float]:
        """The metrics of units that were trained on, from their scores and targets."""
        return self.metrics(scores, targets)

    def intervals(self, scores: Floats, truth: Truth, groups: Ints | None = None) -> dict[str, Score]:
        """Every metric with its 95 % interval over rows, or over groups of rows (documents). `groups` has shape [rows]."""
        return bootstrap(self.statistic(scores, truth), self.size(truth), groups=groups)

    def score(self, scores: Floats, truth: Truth, groups: Ints | None = None) -> Score:
        """The headline metric with its 95 % interval."""
        return bootstrap(self._headline(scores, truth), self.size(truth), groups=groups)[self.metric]

    def difference(self, scores: Floats, other: Floats, truth: Truth, groups: Ints | None = None,
                   other_task: Self | None = None, other_truth: Truth | None = None) -> Score:
        """The headline metric of `scores` minus that of `other` on the same rows, with its 95 % interval.

        Args:
            other_task: the task as `other` is decided by it, where that is not this one.
            other_truth: the same rows as the tokens of the model behind `other`, where that is another one.
        """
        same = truth if other_truth is None else other_truth
        one, two = self._headline(scores, truth), (other_task or self)._headline(other, same)
        return bootstrap_difference(one, two, self.size(truth), groups=groups)[self.metric]

    def _headline(self, scores: Floats, truth: Truth) -> Statistic:
        statistic = self.statistic(scores, truth)
        return lambda weights: {self.metric: statistic(weights)[self.metric]}

    @abc.abstractmethod
    def answers(self, scores: Floats, tokens: Tokens, texts: Sequence[str]) -> list[Answer]:
        """One answer for each row of `tokens`, as the command line and JSON give it."""

    @abc.abstractmethod
    def guess(self, targets: npt.NDArray[Any]) -> Floats:
        """The scores of one who knows only the training rows' `targets`, the same for every unit. Shape [outputs]."""

    @abc.abstractmethod
    def fit_linear(self, features: Any, targets: npt.NDArray[Any], strength: float) -> Linear:
        """The linear layer on `features` [units, features], dense or sparse, that fits the targets best.

        Args:
            strength: the inverse strength of an L2 penalty.
        """

    def tuned(self, scores: Floats, truth: Truth) -> Self:
        """The task with all that is decided on validation rows, such as thresholds."""
        return self

    def tempered(self, scores: Floats, temperature: float) -> Floats:
        """What scores become where logits are divided by a temperature."""
        return scores

    def temperature(self, scores: Floats, truth: Truth) -> float:
        """What logits are to be divided by for scores to mean probabilities, fitted on validation rows; 1.0 for no change."""
        return 1.0

    def scale(self) -> tuple[float, float]:
        """The factor and the shift that turn logits into scores, to be folded into a saved model's last layer."""
        return 1.0, 0.0

    def served(self) -> Self:
        """The task as the saved model embodies it, with `scale` folded in."""
        return self

    def settings(self) -> dict[str, Any]:
        """What a saved model's config keeps of the task, for `from_settings`."""
        return {"task": self.name, "metric": self.metric}

    @classmethod
    def from_settings(cls, outputs: Sequence[str], settings: Mapping[str, Any]) -> Self:
        """The task of a saved model, from the names of its outputs and what `settings` kept."""
        return cls(tuple(outputs), cls.headline(settings.get("metric")))

    def details(self, scores: Floats, truth: Truth) -> dict[str, Any]:
        """Tables of this task alone, for results.json: "per_label" {label: {precision, recall, f1, rows}} and others."""
        return {}

    @abc.abstractmethod
    def surprises(self, scores: Floats, truth: Truth) -> list[tuple[int, float]]:
        """The rows that are answered wrong, the surest answer or the greatest error first, and its score or error."""

    def said(self, answer: Answer) -> str:
        """An answer of `answers` on one line, for people."""
        return str(answer["label"])

    def as_target(self, answer: Answer) -> Target:
        """An answer of `answers` as the label of a row."""
        return str(answer["label"])

    def confidence(self, scores: Floats, tokens: Tokens) -> Floats:
        """How sure the model is of each row, comparable within one task. Shape [rows]."""
        return np.asarray(scores.max(1))

    def calibration(self, scores: Floats, truth: Truth, groups: Ints | None = None) -> dict[str, Any]:
        """How far scores can be taken for probabilities, and how sure answers fare; empty where that means nothing."""
        return {}
