"""The metrics of each task as people name them, with what each means and whether less of it is better."""

from __future__ import annotations

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
    scores = {results["metric"]: results["test"]}
    order = [*wording_of(results["task"]).metrics, *results["test_metrics"]]
    others = sorted(results["test_metrics"], key=order.index)
    scores |= {name: results["test_metrics"][name] for name in others if name not in scores}
    return [_metric(results, name, score) for name, score in scores.items()]


def _metric(results: Table, name: str, score: Table) -> Metric:
    title, meaning = wording_of(results["task"]).metrics.get(name, ("", ""))
    show = amount if kind_named(results["task"]) is Kind.NUMBER and name in _ERRORS else figure
    return Metric(name, title_of(results, name, title), meaning, *(show(score[part]) for part in ("value", "low", "high")))


def title_of(results: Table, name: str, known: str = "") -> str:
    """A metric's name, with the label that it is of."""
    if kind_named(results["task"]) is Kind.CLASS and name in _OF_ONE_LABEL:
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
    return wording_of(results["task"]).resampled
