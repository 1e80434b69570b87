"""`luthier evaluate MODEL DATA`."""

from __future__ import annotations

import json as json_module
from typing import Annotated, Any

import typer

from luthier.cli import options as o
from luthier.data.places import count


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

    with without_network(bool(offline)):
        found = Model(model).evaluate(data, **o.reading(given))
    if json:
        metrics = {name: score.to_table() for name, score in found.metrics.items()}
        print(json_module.dumps({"rows": found.rows, "metric": found.metric, "metrics": metrics}))
        return
    print(f"On {count(found.rows, 'row')}, with 95 % intervals:")
    for name, score in sorted(found.metrics.items(), key=lambda item: item[0] != found.metric):
        print(f"  {name:<24}{score}")
