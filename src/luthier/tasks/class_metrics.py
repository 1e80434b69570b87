"""Metrics of single-label classification, from probabilities or from answers; each a `Statistic`, so that it has an interval."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from luthier.tasks.bootstrap import Floats, Ints, Statistic, alike, bootstrap, bootstrap_difference, ratio, sums_by
from luthier.tasks.metrics import LEAST_PROBABILITY, Score
from luthier.tasks.ranking import average_precision, roc_auc


def confusion(targets: Ints, predicted: Ints, labels: int) -> Ints:
    """Counts of (true, predicted) pairs. Shape [labels, labels]."""
    return np.bincount(targets * labels + predicted, minlength=labels * labels).reshape(labels, labels).astype(np.int64)


def class_metrics(probabilities: Floats, targets: Ints, positive: int | None = None) -> Statistic:
    """Those of `answer_metrics`, and the loss; of two labels roc_auc and pr_auc (of the positive label) too.

    loss is the mean log loss in nats. pr_auc is average precision: the mean of the precision at each positive row, rows of one
    score together (not interpolated; scikit-learn's `average_precision_score`). Both areas are NaN where one label is absent.

    Args:
        probabilities: of each label [rows, labels].
        targets: the index of the true label [rows].
        positive: of two labels, the one that f1 and the areas are of; None leaves them out.

    Raises:
        ValueError: a positive label is named where there are not two labels.
    """
    labels = probabilities.shape[1]
    answers = answer_metrics(targets, probabilities.argmax(1).astype(np.int64), labels, positive)
    losses = -np.log(np.maximum(probabilities[np.arange(len(targets)), targets], LEAST_PROBABILITY))
    areas = {}
    if positive is not None:
        scores, truth = probabilities[:, positive], targets == positive
        areas = {"roc_auc": roc_auc(scores, truth), "pr_auc": average_precision(scores, truth)}

    def statistic(weights: Floats) -> dict[str, Floats]:
        return {**answers(weights), **{name: area(weights) for name, area in areas.items()},
                "loss": weights @ losses / weights.sum(-1)}

    return statistic


def answer_metrics(targets: Ints, predicted: Ints, labels: int, positive: int | None = None) -> Statistic:
    """macro_f1, accuracy, weighted_f1 and mcc; of two labels f1 (of the positive label) too.

    macro_f1 is the mean F1 over the labels that occur, as true or as predicted (scikit-learn's `average="macro"`), weighted_f1
    the mean by how often each is true. mcc is Matthews' correlation for any number of labels (Gorodkin 2004), and 0 where all
    rows have one true or one predicted label.

    Args:
        targets: true label indices [units].
        predicted: predicted label indices [units].
        labels: how many labels there are.
        positive: of two labels, the one that f1 is of; None leaves f1 out.

    Raises:
        ValueError: a positive label is named where there are not two labels.
    """
    if positive is not None and labels != 2:
        raise ValueError(f"F1 of one positive label is for two labels, not for {labels}.")
    hits = targets == predicted
    right_of, true_of, given_of = (sums_by(index, labels) for index in (targets[hits], targets, predicted))

    def statistic(weights: Floats) -> dict[str, Floats]:
        right, true, given = right_of(weights[:, hits]), true_of(weights), given_of(weights)
        total = true.sum(-1)
        f1 = ratio(2 * right, true + given)
        figures = {"macro_f1": ratio(f1.sum(-1), ((true + given) > 0).sum(-1).astype(np.float64)),
                   "accuracy": right.sum(-1) / total,
                   "weighted_f1": (true * f1).sum(-1) / total,
                   "mcc": _matthews(right.sum(-1), true, given)}
        return figures if positive is None else {**figures, "f1": f1[:, positive]}

    return statistic


def score_answers(name: str, targets: Ints, predicted: Ints, labels: int, *, positive: int | None = None, seed: int = 0,
                  groups: npt.NDArray[np.generic] | None = None) -> Score:
    """One figure of `answer_metrics` with its interval, fast for many rows: those that are alike are drawn as one unit."""
    if groups is not None:
        return bootstrap(answer_metrics(targets, predicted, labels, positive), len(targets), seed, groups)[name]
    kinds, counts = alike(targets, predicted)
    return bootstrap(answer_metrics(targets[kinds], predicted[kinds], labels, positive), counts, seed)[name]


def compare_answers(name: str, targets: Ints, predicted: Ints, other: Ints, labels: int, *, positive: int | None = None,
                    seed: int = 0, groups: npt.NDArray[np.generic] | None = None) -> Score:
    """One figure of `predicted` minus that of `other`, paired over the same rows, as fast as `score_answers`."""
    kinds, units = (np.arange(len(targets)), len(targets)) if groups is not None else alike(targets, predicted, other)
    one, two = (answer_metrics(targets[kinds], answers[kinds], labels, positive) for answers in (predicted, other))
    return bootstrap_difference(one, two, units, seed, groups)[name]


def _matthews(right: Floats, true: Floats, given: Floats) -> Floats:
    total = true.sum(-1)
    shared = right * total - (true * given).sum(-1)
    spread = (total**2 - (true**2).sum(-1)) * (total**2 - (given**2).sum(-1))
    return ratio(shared, np.sqrt(np.maximum(spread, 0.0)))
