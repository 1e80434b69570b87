"""Metrics of multi-label classification, and the thresholds over which a label is given."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from luthier.tasks.bootstrap import Floats, Statistic, ratio
from luthier.tasks.metrics import LEAST_PROBABILITY
from luthier.tasks.ranking import average_precision

Bools = npt.NDArray[np.bool_]
ENOUGH = 20
"""Positive rows from which a label's own threshold is used as it is."""


def label_metrics(probabilities: Floats, thresholds: Floats, truth: Bools, areas: bool = True) -> Statistic:
    """micro_f1, macro_f1, subset_accuracy, mean_average_precision and loss.

    A label is given where its probability is at least its threshold. macro_f1 is the mean over the labels that occur, as true or
    as given (scikit-learn's with `zero_division=nan`), mean_average_precision over those that are true of a row. subset_accuracy
    is the share of rows whose labels are all right; loss is the mean binary cross-entropy over rows and labels, in nats.

    Args:
        probabilities: of each label [rows, labels].
        thresholds: of each label [labels], or of each label for each row [rows, labels].
        truth: whether each row has each label [rows, labels].
        areas: whether to compute mean_average_precision, which takes most of the time.
    """
    given = probabilities >= thresholds
    right, true, predicted = ((array).astype(np.float64) for array in (given & truth, truth, given))
    exact = (given == truth).all(1).astype(np.float64)
    precisions = [average_precision(probabilities[:, i], truth[:, i]) for i in range(truth.shape[1]) if areas and truth[:, i].any()]
    likelihood = np.where(truth, probabilities, 1 - probabilities)
    losses = -np.log(np.maximum(likelihood, LEAST_PROBABILITY)).mean(1)

    def statistic(weights: Floats) -> dict[str, Floats]:
        hits, both = weights @ right, weights @ (true + predicted)
        total = weights.sum(-1)
        found = np.array([area(weights) for area in precisions]).reshape(len(precisions), len(weights))
        known = ~np.isnan(found)
        mean = ratio(np.where(known, found, 0.0).sum(0), known.sum(0).astype(np.float64))
        return {"micro_f1": ratio(2 * hits.sum(-1), both.sum(-1)),
                "macro_f1": ratio(ratio(2 * hits, both).sum(-1), (both > 0).sum(-1).astype(np.float64)),
                "subset_accuracy": weights @ exact / total,
                "mean_average_precision": np.where(known.any(0), mean, np.nan),
                "loss": weights @ losses / total}

    return statistic


def tune_thresholds(probabilities: Floats, truth: Bools) -> Floats:
    """The threshold of each label, from validation rows. Shape [labels].

    A label's own threshold is the cut of best F1, midway between the neighbouring scores; of several as good, the one nearest to
    the shared threshold, which is the best cut of all labels' scores together (best micro-F1). Tuned on few positive rows it is
    mostly noise, and goes far too low or high (Fan & Lin 2007; Lipton et al. 2014, sec. 5). So with fewer than `ENOUGH` = 20
    positive rows, n, the threshold lies between both, in logits, own by n/20; without any it is the shared one. The shared one
    gives way to 0.5 by the same rule, with the positives of all labels counted.

    Args:
        probabilities: of each label on the validation rows [rows, labels].
        truth: whether each row has each label [rows, labels].
    """
    shared = _shrunk(_best_cut(probabilities.ravel(), truth.ravel(), 0.5), 0.5, int(truth.sum()))
    return np.array([_shrunk(_best_cut(probabilities[:, i], truth[:, i], shared), shared, int(truth[:, i].sum()))
                     for i in range(truth.shape[1])], dtype=np.float64)


def _best_cut(scores: Floats, truth: Bools, centre: float) -> float:
    """The cut of best F1 that is nearest to `centre`; `centre` itself where no row is positive."""
    if not truth.any():
        return centre
    order = np.argsort(-scores, kind="stable")
    ordered, hits = scores[order], truth[order].cumsum()
    f1 = 2 * hits / (np.arange(1, len(ordered) + 1) + hits[-1])
    lower = np.append(ordered[1:], 0.0)
    middle = (ordered + lower) / 2
    cuts = np.where(middle > lower, middle, ordered)
    f1[:-1][ordered[:-1] == lower[:-1]] = -1.0
    best = cuts[f1 >= f1.max() - 1e-12]
    return float(best[np.abs(best - centre).argmin()])


def _shrunk(own: float, shared: float, positives: int) -> float:
    if positives >= ENOUGH:
        return own
    one, two = np.clip([own, shared], 1e-9, 1 - 1e-9)
    logit = (positives * np.log(one / (1 - one)) + (ENOUGH - positives) * np.log(two / (1 - two))) / ENOUGH
    return float(1 / (1 + np.exp(-logit)))
