"""The metrics of each task as people name them, with what each means and whether less of it is better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from luthier.data.row import Kind
from luthier.report.wording import Table, amount, figure, short
from luthier.tasks.registry import TASKS, kind_named
from luthier.tasks.wording import wording_of

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
    """Every metric of the task on the test rows, the headline metric first, the others in the order of the task's `wording`."""
    positive = positive_label(results) if len(results["labels"]) == 2 else ""
    scores = {**results["test_metrics"], results["metric"]: results["test"]}
    return shown_metrics(results["task"], results["metric"], scores, positive)


def shown_metrics(task: str, headline: str, scores: Mapping[str, Table], positive: Any = "") -> list[Metric]:
    """Metrics as they are shown, the headline metric first, the others in the order of the task's `wording`.

    Args:
        positive: the label that metrics of one label are of.
    """
    order = [headline, *wording_of(task).metrics, *scores]
    return [_metric(task, name, scores[name], positive) for name in sorted(scores, key=order.index)]


def _metric(task: str, name: str, score: Table, positive: Any) -> Metric:
    title, meaning = wording_of(task).metrics.get(name, ("", ""))
    show = amount if kind_named(task) is Kind.NUMBER and name in _ERRORS else figure
    return Metric(name, _title(task, name, title, positive), meaning, *(show(score[part]) for part in ("value", "low", "high")))


def _title(task: str, name: str, known: str, positive: Any) -> str:
    """A metric's name, with the label that it is of."""
    if kind_named(task) is Kind.CLASS and name in _OF_ONE_LABEL:
        return f"{known or name} of '{short(positive, 60)}'"
    found: Any = TASKS.get(task)
    return known or (found.headlines.get(name) if found else None) or name.replace("_", " ")


def positive_label(results: Table) -> Any:
    """Of two labels, the one that F1 and the areas are of: the rarer among the training rows."""
    labels, counts = results["labels"], results["counts"]
    return min(enumerate(labels), key=lambda pair: (counts.get(pair[1], {}).get("train", 0), -pair[0]))[1]


def article(title: str) -> str:
    """ "a macro-F1", "an accuracy"."""
    return "an" if title.lower().startswith(("a", "e", "f1", "r²")) else "a"


def resampled(results: Table) -> str:
    """What the intervals are bootstraps over."""
    return wording_of(results["task"]).resampled
