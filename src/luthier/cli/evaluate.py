"""`luthier evaluate MODEL DATA`."""

from __future__ import annotations

import json as json_module
from typing import TYPE_CHECKING, Annotated, Any

import typer

from luthier.cli import options as o
from luthier.data.places import count

if TYPE_CHECKING:
    from luthier.tasks.base import Task


@o.with_options(o.data_options())
def evaluate(
    model: Annotated[str, typer.Argument(help="A run, or a model folder.", show_default=False)],
    data: Annotated[str, typer.Argument(help="A file with labelled rows.", show_default=False)],
    offline: o.Offline = None,
    json: Annotated[bool, o.option("--json", help="Print the figures as JSON.")] = False,
    **given: Any,
) -> None:
    """Score a model on labelled rows."""
    from luthier.api.model import Model
    from luthier.models.network import without_network
    from luthier.report.metrics import shown_metrics

    with without_network(bool(offline)):
        judged = Model(model)
        found = judged.evaluate(data, **o.reading(given))
    metrics = {name: score.to_table() for name, score in found.metrics.items()}
    if json:
        print(json_module.dumps({"rows": found.rows, "metric": found.metric, "metrics": metrics}))
        return
    print(f"On {count(found.rows, 'row')}, with 95 % intervals:")
    for metric in shown_metrics(judged.task.name, found.metric, metrics, _positive(judged.task)):
        print(f"  {metric.title:<32}{metric.value} [{metric.low}, {metric.high}]")


def _positive(task: Task) -> str:
    """Of two labels, the one that some metrics are of."""
    positive = getattr(task, "positive", None)
    return "" if positive is None else task.labels[positive]
