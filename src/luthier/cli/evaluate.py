"""`luthier evaluate MODEL DATA`."""

from __future__ import annotations

import json as json_module
from typing import Annotated

import typer

from luthier.cli import options as o


def evaluate(
    model: Annotated[str, typer.Argument(help="A run, or a model folder.", show_default=False)],
    data: Annotated[str, typer.Argument(help="A file with labelled rows.", show_default=False)],
    text_column: o.TextColumns = None, label_column: o.LabelColumn = None,
    json: Annotated[bool, o.option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Score a model on labelled rows."""
    from luthier.api.model import Model

    scores = Model(model).evaluate(data, text_columns=tuple(text_column or ()), label_column=label_column)
    if json:
        print(json_module.dumps({name: score.to_table() for name, score in scores.items()}))
        return
    for name, score in scores.items():
        print(f"{name:<12}{score if score.low < score.high else format(score.value, '.3f')}")
