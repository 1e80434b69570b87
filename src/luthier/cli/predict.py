"""`luthier predict MODEL TEXTS`."""

from __future__ import annotations

import json as json_module
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from luthier.cli import options as o
from luthier.data.places import count
from luthier.errors import ConfigError

if TYPE_CHECKING:
    from luthier.tasks.base import Task

SUFFIXES = {"csv": ".csv", "label-studio": ".json", "prodigy": ".jsonl"}
"""The formats that are written, and the suffix of their files."""
RANKS = ("uncertain",)


@o.with_options({name: o.data_options()[name] for name in ("text_columns", "pair_column", "id_column", "encoding")})
def predict(
    model: Annotated[str, typer.Argument(help="A run, or a model folder.", show_default=False)],
    texts: Annotated[str, typer.Argument(help="A file with the texts (.csv, .jsonl, …; .txt: one a line).",
                                         show_default=False)],
    output: Annotated[Path | None, o.option("--output", help="Where to write the rows: a new file.")] = None,
    format: Annotated[str | None, o.option("--format", help="csv, or label-studio or prodigy: tasks for annotators to "
                                           "correct [default: csv].")] = None,
    rank: Annotated[str | None, o.option("--rank", help="uncertain: the rows that the model is least sure of first.")] = None,
    offline: o.Offline = None,
    json: Annotated[bool, o.option("--json", help="Print one JSON object a row on standard output.")] = False,
    **given: Any,
) -> None:
    """Say what a model says of texts: every column is kept, the answer and how sure it is are added."""
    if output is None and not json:
        raise ConfigError("say where the rows go: --output scored.csv, or --json")
    kind = _check(output, format or "csv", rank)
    from luthier.api.model import Model
    from luthier.data.load import load_texts
    from luthier.data.options import DataOptions
    from luthier.data.row import Kind
    from luthier.models.network import without_network
    from luthier.report.tables import scored_rows, write_csv

    with without_network(bool(offline)):
        table, rows = load_texts(texts, DataOptions(**o.reading(given)))
        found = Model(model)
        if rank and found.task.kind is Kind.NUMBER:
            raise ConfigError("--rank uncertain: this model says numbers, and nothing tells how sure it is of one")
        answers, sure = found.predict_with_confidence([row.text if row.pair is None else (row.text, row.pair) for row in rows])
    order = sure.argsort(kind="stable").tolist() if rank else list(range(len(rows)))
    if json or kind == "csv":
        added = [answer | ({"confidence": float(value)} if rank else {}) for answer, value in zip(answers, sure, strict=True)]
        scored = scored_rows(table, added, flat=not json)
        if json:
            for index in order:
                print(json_module.dumps(scored[index], ensure_ascii=False, default=str, allow_nan=False))
    if output is not None:
        if kind == "csv":
            rows_written = scored_rows(table, added)
            write_csv(output, [rows_written[index] for index in order])
        else:
            _write_guesses(output, kind, found.task, [rows[i] for i in order], [answers[i] for i in order], sure[order])
        print(f"{count(len(rows), 'row')} written to {output}", file=sys.stderr)


def _write_guesses(output: Path, kind: str, task: Task, rows: list[Any], answers: list[Any], sure: Any) -> None:
    import dataclasses

    from luthier.data.formats import label_studio, prodigy
    from luthier.data.row import Guess

    guesses = [Guess(dataclasses.replace(row, target=task.as_target(answer)), float(value),
                     tuple(one["score"] for one in answer.get("entities", ())))
               for row, answer, value in zip(rows, answers, sure, strict=True)]
    if kind == "prodigy":
        prodigy.write_guesses(output, guesses, task.kind, task.labels)
    else:
        label_studio.write_guesses(output, guesses, task.kind)


def _check(output: Path | None, format: str, rank: str | None) -> str:
    """Before anything is scored: the file can be written, and nothing is overwritten by it. The format."""
    if format not in SUFFIXES:
        raise ConfigError(f"--format {format}: must be {', '.join(SUFFIXES)}")
    if rank is not None and rank not in RANKS:
        raise ConfigError(f"--rank {rank}: must be {' or '.join(RANKS)}")
    if output is None:
        return format
    if output.suffix != SUFFIXES[format]:
        raise ConfigError(f"--output {output}: must end in {SUFFIXES[format]}")
    if output.exists():
        raise ConfigError(f"--output {output}: is there already; give a new name, so that nothing is overwritten")
    if not output.parent.is_dir():
        raise ConfigError(f"--output {output}: there is no folder {output.parent}")
    return format
