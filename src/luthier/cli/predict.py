"""`luthier predict MODEL TEXTS`."""

from __future__ import annotations

import json as json_module
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from luthier.cli import options as o
from luthier.errors import ConfigError


@o.with_options({name: o.data_options()[name] for name in ("text_columns", "pair_column", "encoding")})
def predict(
    model: Annotated[str, typer.Argument(help="A run, or a model folder.", show_default=False)],
    texts: Annotated[str, typer.Argument(help="A file with the texts (.csv, .jsonl, …; .txt: one a line).",
                                         show_default=False)],
    offline: o.Offline = None,
    output: Annotated[Path | None, o.option("--output", help="Where to write the rows: a .csv file.")] = None,
    json: Annotated[bool, o.option("--json", help="Print one JSON object a row on standard output.")] = False,
    **given: Any,
) -> None:
    """Label texts: every column is kept, `label` and `score` are added."""
    if output is None and not json:
        raise ConfigError("say where the rows go: --output scored.csv, or --json")
    if output is not None:
        _check_output(output)
    from luthier.api.model import Model
    from luthier.data.load import load_texts
    from luthier.data.options import DataOptions
    from luthier.models.network import without_network
    from luthier.report.tables import scored_rows, write_csv

    with without_network(bool(offline)):
        table, rows = load_texts(texts, DataOptions(**o.reading(given)))
        answers = Model(model).predict([row.text if row.pair is None else (row.text, row.pair) for row in rows])
    scored = scored_rows(table, answers, flat=not json)
    if output is not None:
        write_csv(output, scored)
        print(f"{len(scored)} rows written to {output}", file=sys.stderr)
    if json:
        for row in scored:
            print(json_module.dumps(row, ensure_ascii=False, default=str))


def _check_output(output: Path) -> None:
    """Before anything is scored: the file can be written, and nothing is overwritten by it."""
    if output.suffix != ".csv":
        raise ConfigError(f"--output {output}: must end in .csv")
    if output.exists():
        raise ConfigError(f"--output {output}: is there already; give a new name, so that nothing is overwritten")
    if not output.parent.is_dir():
        raise ConfigError(f"--output {output}: there is no folder {output.parent}")
