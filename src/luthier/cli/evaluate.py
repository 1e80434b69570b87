"""`luthier evaluate MODEL DATA`."""

from __future__ import annotations

import json as json_module
from typing import Annotated

import typer

from luthier.cli import options as o


def evaluate(
    model: Annotated[str, typer.Argument(help="A run, or a model folder.", show_default=False)],
    data: Annotated[str, typer.Argument(help="A file with labelled rows.", show_default=False)],
    text_column: o.TextColumns = None, label_column: o.LabelColumn = None, offline: o.Offline = None,
    json: Annotated[bool, o.option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Score a model on labelled rows."""
    from luthier.api.model import Model
    from luthier.models.network import without_network

    with without_network(bool(offline)):
        found = Model(model).evaluate(data, text_columns=tuple(text_column or ()), label_column=label_column)
    if json:
        print(json_module.dumps({"rows": found.rows, "metrics": found.metrics, found.metric: found.score.to_table()}))
        return
    print(f"On {found.rows} rows:")
    for name, value in found.metrics.items():
        print(f"  {name:<12}{f'{found.score} (95 % interval)' if name == found.metric else f'{value:.3f}'}")
