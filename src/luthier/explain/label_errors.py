"""Labels that are probably wrong, by confident learning (Northcutt, Jiang and Chuang 2021).

A model that never saw a row is asked for its label (out-of-fold probabilities). Row x counts as confidently of label j when
p_j(x) reaches the mean of p_j over the rows that are labelled j; rows that are confidently of another label than the one
given fill the off-diagonal cells of the confident joint, and those are the suspects. For several labels a row each label is
judged by itself; numbers, by how far they are from the out-of-fold prediction. Entities are out of scope: most of their
mistakes are bounds and omissions, which a judgement of rows cannot see.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from luthier.data.row import Kind
from luthier.errors import DataError
from luthier.tasks.linear import ridge_regression, sigmoid_regressions, softmax_regression

FOLDS = 5
FEWEST_ROWS = 50
STRENGTH = 10.0
"""Inverse strength of the L2 penalty of the probes."""
FAR = 3.0
"""Robust standard deviations of the out-of-fold residuals from which a number is suspect."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Suspect:
    """A row whose label is probably wrong.

    `score` is from 0 to 1, the lower the more suspect: for labels the normalised margin (p_given − max other + 1) / 2, for
    numbers the probability of so great a residual under a normal distribution.
    """

    row: int
    given: str
    suggested: str
    score: float


def suspects(kind: Kind, predictions: Floats, given: npt.NDArray[Any], labels: Sequence[str] = ()) -> list[Suspect]:
    """Rows whose labels are probably wrong, the most suspect first.

    Args:
        predictions: out-of-fold probabilities [rows, labels]; for numbers the out-of-fold predictions [rows].
        given: the labels' indices [rows]; for several labels a row, 0 or 1 [rows, labels]; for numbers those [rows].
        labels: the names of the labels.

    Raises:
        DataError: labels are entities.
    """
    if kind is Kind.SPANS:
        raise DataError("--label-errors cannot judge entities: leave it out. What luthier check says of names labelled in some "
                        "rows and not in others finds most of their mistakes.")
    if kind is Kind.NUMBER:
        return _of_numbers(predictions, given.astype(np.float64))
    if kind is Kind.LABELS:
        return _of_label_sets(predictions, given.astype(np.int64), labels)
    wrong, suggested = confident_errors(predictions, given)
    scores = normalised_margin(predictions, given)
    return _ranked([Suspect(row, labels[int(given[row])], labels[int(suggested[row])], float(scores[row]))
                    for row in np.flatnonzero(wrong).tolist()])


def thresholds(probabilities: Floats, given: Ints) -> Floats:
    """The mean probability of each label over the rows given it; above 1 for labels without rows. Shape [labels]."""
    labels = probabilities.shape[1]
    numbers = np.bincount(given, minlength=labels)
    sums = np.bincount(given, weights=probabilities[np.arange(len(given)), given], minlength=labels)
    return np.where(numbers > 0, sums / np.maximum(numbers, 1), 2.0)


def confident_labels(probabilities: Floats, given: Ints) -> Ints:
    """The label that each row is confidently of: the most probable of those that reach their threshold, -1 for none."""
    reached = probabilities >= thresholds(probabilities, given) - 1e-12
    best = np.where(reached, probabilities, -1.0).argmax(axis=1)
    return np.where(reached.any(axis=1), best, -1)


def confident_errors(probabilities: Floats, given: Ints) -> tuple[npt.NDArray[np.bool_], Ints]:
    """Which rows fall off the diagonal of the confident joint, and the label that each is confidently of.

    Shapes [rows].
    """
    confident = confident_labels(probabilities, given)
    return (confident >= 0) & (confident != given), confident


def normalised_margin(probabilities: Floats, given: Ints) -> Floats:
    """(p_given − the largest other + 1) / 2: from 0, certainly wrong, to 1, certainly right. Shape [rows]."""
    rows = np.arange(len(given))
    own, others = probabilities[rows, given], probabilities.copy()
    others[rows, given] = -np.inf
    return np.asarray((own - others.max(axis=1) + 1) / 2)


def _of_label_sets(probabilities: Floats, given: Ints, labels: Sequence[str]) -> list[Suspect]:
    """Each label judged by itself; a row's suspect labels are one suspect, with the score of the worst."""
    wrong, scores = np.zeros(given.shape, dtype=bool), np.ones(given.shape)
    for label in range(given.shape[1]):
        if given[:, label].min() == given[:, label].max():
            continue
        both = np.stack([1 - probabilities[:, label], probabilities[:, label]], axis=1)
        wrong[:, label], _ = confident_errors(both, given[:, label])
        scores[:, label] = normalised_margin(both, given[:, label])
    found = []
    for row in np.flatnonzero(wrong.any(axis=1)).tolist():
        right = np.where(wrong[row], 1 - given[row], given[row])
        found.append(Suspect(row, _joined(given[row], labels), _joined(right, labels), float(scores[row][wrong[row]].min())))
    return _ranked(found)


def _joined(on: Ints, labels: Sequence[str]) -> str:
    return "; ".join(labels[index] for index in np.flatnonzero(on).tolist())


def _of_numbers(predictions: Floats, given: Floats) -> list[Suspect]:
    residuals = given - predictions
    centre = float(np.median(residuals))
    spread = 1.4826 * float(np.median(np.abs(residuals - centre)))
    if spread == 0:
        return []
    far = (residuals - centre) / spread
    return _ranked([Suspect(row, f"{given[row]:g}", f"{predictions[row]:.3g}", math.erfc(abs(float(far[row])) / math.sqrt(2)))
                    for row in np.flatnonzero(np.abs(far) > FAR).tolist()])


def _ranked(found: list[Suspect]) -> list[Suspect]:
    return sorted(found, key=lambda suspect: (suspect.score, suspect.row))


def out_of_fold(kind: Kind, features: Any, targets: npt.NDArray[Any], labels: int, groups: Sequence[Hashable],
                folds: int = FOLDS, seed: int = 0) -> Floats:
    """What a linear probe says of each row when it was fitted on the others.

    Args:
        features: what a frozen model makes of each row, dense or sparse. Shape [rows, features].
        targets: as `given` of `suspects`.
        labels: the number of labels.
        groups: rows of one group (equal texts) are always in the same fold. Shape [rows].

    Returns:
        Probabilities [rows, labels], or predicted numbers [rows].

    Raises:
        DataError: there are too few rows, or groups, to judge them by one another; labels are entities.
    """
    if kind is Kind.SPANS:
        raise DataError("--label-errors cannot judge entities: leave it out.")
    if problem := too_few(groups, folds):
        raise DataError(problem)
    fold = assign_folds(kind, targets, groups, folds, seed)
    shape = (len(targets),) if kind is Kind.NUMBER else (len(targets), labels)
    found = np.zeros(shape)
    for number in range(folds):
        inside, outside = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        found[outside] = _probe(kind, features[inside], targets[inside], features[outside], labels)
    return found


def too_few(groups: Sequence[Hashable], folds: int = FOLDS) -> str:
    """Why rows of these groups cannot be judged by one another; "" where they can."""
    if len(groups) >= FEWEST_ROWS and len(set(groups)) >= folds:
        return ""
    return (f"--label-errors: {len(groups):,} rows are too few to judge labels by one another. It needs at least {FEWEST_ROWS} of "
            f"different texts.")


def assign_folds(kind: Kind, targets: npt.NDArray[Any], groups: Sequence[Hashable], folds: int, seed: int) -> Ints:
    """The fold of each row: groups dealt out in turn, label by label, so that labels are spread evenly. Shape [rows]."""
    members: dict[Hashable, int] = {}
    numbers = np.fromiter((members.setdefault(group, len(members)) for group in groups), np.int64, len(groups))
    first = np.unique(numbers, return_index=True)[1]
    strata = (targets[first].argmax(axis=1) if kind is Kind.LABELS else
              targets[first] if kind is Kind.CLASS else np.zeros(len(first), dtype=np.int64))
    shuffled = np.random.default_rng([seed, 3]).permutation(len(first))
    order = shuffled[np.argsort(strata[shuffled], kind="stable")]
    fold = np.empty(len(first), dtype=np.int64)
    fold[order] = np.arange(len(first)) % folds
    return np.asarray(fold[numbers])


def _probe(kind: Kind, features: Any, targets: npt.NDArray[Any], rows: Any, labels: int) -> Floats:
    """A linear model fitted on some rows, asked for others; dense features are standardised as the frozen probe's are."""
    if isinstance(features, np.ndarray):
        centre, spread = features.mean(axis=0), features.std(axis=0)
        scale = np.where(spread > 0, spread, 1.0) * math.sqrt(features.shape[1])
        features, rows = (features - centre) / scale, (rows - centre) / scale
    if kind is Kind.NUMBER:
        weight, bias = ridge_regression(features, targets, STRENGTH)
        return np.asarray(rows @ weight.T + bias, dtype=np.float64).reshape(-1)
    if kind is Kind.LABELS:
        weight, bias = sigmoid_regressions(features, targets, STRENGTH)
        return np.asarray(1 / (1 + np.exp(-np.clip(rows @ weight.T + bias, -60, 60))), dtype=np.float64)
    weight, bias = softmax_regression(features, targets, labels, STRENGTH)
    logits = np.asarray(rows @ weight.T + bias, dtype=np.float64)
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))
