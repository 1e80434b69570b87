"""The metrics of each task as people name them, with what each means and whether less of it is better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from luthier.report.wording import Table, amount, figure, short
from luthier.tasks.registry import TASKS

_F1 = "harmonic mean of precision and recall"
_MEANINGS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "classification": {
        "macro_f1": ("", f"mean over the labels of F1, the {_F1}; every label counts alike"),
        "accuracy": ("", "share of the rows with the right label"),
        "weighted_f1": ("", "mean of the labels' F1, each by its rows"),
        "mcc": ("", "correlation of true and given labels; 0 is chance"),
        "f1": ("F1", f"{_F1} of this one label"),
        "roc_auc": ("ROC-AUC", "how often a row of this label scores above one of the other; 0.5 is chance"),
        "pr_auc": ("PR-AUC", "average precision of this label over all thresholds"),
        "loss": ("log loss", "in nats; less is better")},
    "multilabel": {
        "micro_f1": ("", f"{_F1} over all labels of all rows; every label given counts alike"),
        "macro_f1": ("", "mean of the labels' F1; every label counts alike"),
        "subset_accuracy": ("", "share of the rows whose labels are all right"),
        "mean_average_precision": ("", "mean over the labels of average precision; needs no threshold"),
        "loss": ("log loss", "mean over rows and labels, in nats; less is better")},
    "regression": {
        "pearson": ("", "how far predicted and true numbers lie on a line; 0 is chance"),
        "spearman": ("", "how far they rank the rows alike; 0 is chance"),
        "r2": ("", "share of the variance that is explained; 0 is what the mean explains"),
        "rmse": ("RMSE", "root of the mean squared error, in the unit of the rows; less is better"),
        "mae": ("MAE", "mean absolute error, in the unit of the rows; less is better"),
        "loss": ("mean squared error", "less is better")},
    "entities": {
        "f1": ("entity F1, conventional", "as served by the pipeline (seqeval's default): an I- that follows no entity of its "
                                          "label begins one; bounds and label must both be right"),
        "f1_strict": ("entity F1, strict IOB2", "an entity must begin with its B-; others do not count"),
        "precision": ("precision, conventional", "share of the entities found that are right"),
        "recall": ("recall, conventional", "share of the true entities that are found"),
        "macro_f1": ("entity macro-F1, conventional", "mean of the labels' F1; every label counts alike"),
        "loss": ("log loss of a token", "in nats; less is better")},
}
_OF_ONE_LABEL = ("f1", "roc_auc", "pr_auc")
_ERRORS = ("rmse", "mae", "loss")


@dataclass(frozen=True)
class Metric:
    """A figure on the test rows, as it is shown; `value`, `low` and `high` are texts."""

    name: str
    title: str
    meaning: str
    value: str
    low: str
    high: str


def test_metrics(results: Table) -> list[Metric]:
    """Every metric of the task on the test rows, the headline metric first."""
    scores = {results["metric"]: results["test"]}
    scores |= {name: score for name, score in results["test_metrics"].items() if name not in scores}
    return [_metric(results, name, score) for name, score in scores.items()]


def _metric(results: Table, name: str, score: Table) -> Metric:
    title, meaning = _MEANINGS.get(results["task"], {}).get(name, ("", ""))
    show = amount if results["task"] == "regression" and name in _ERRORS else figure
    return Metric(name, title_of(results, name, title), meaning, *(show(score[part]) for part in ("value", "low", "high")))


def title_of(results: Table, name: str, known: str = "") -> str:
    """A metric's name, with the label that it is of."""
    if results["task"] == "classification" and name in _OF_ONE_LABEL:
        return f"{known or name} of '{short(positive_label(results), 60)}'"
    task: Any = TASKS.get(results["task"])
    return known or (task.headlines.get(name) if task else None) or name.replace("_", " ")


def positive_label(results: Table) -> Any:
    """Of two labels, the one that F1 and the areas are of: the rarer among the training rows."""
    labels, counts = results["labels"], results["counts"]
    return min(enumerate(labels), key=lambda pair: (counts.get(pair[1], {}).get("train", 0), -pair[0]))[1]


def article(title: str) -> str:
    """ "a macro-F1", "an accuracy"."""
    return "an" if title.lower().startswith(("a", "e", "f1", "r²")) else "a"


def resampled(results: Table) -> str:
    """What the intervals are bootstraps over."""
    return "texts, or whole documents where they are marked" if results["task"] == "entities" else "rows"
