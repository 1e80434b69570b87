"""trials.csv, curves.csv and predictions/: the study as tables, one row a trial, a point, a row of data."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from luthier.config import as_text
from luthier.data.cells import storable
from luthier.data.formats import Table as InputTable
from luthier.data.row import Row, Span
from luthier.data.tokens import Tokens
from luthier.files import whole_file
from luthier.recipes.recipe import HELP, steps_per_epoch
from luthier.recipes.trial import Costs
from luthier.search.study import Record, Study
from luthier.tasks.base import Floats, Task

Table = list[dict[str, Any]]


def trial_rows(study: Study) -> Table:
    """One row a trial, every hyperparameter a column; `epochs` are those made, so a row is the recipe of what was run."""
    return [_trial_row(study, record) for record in study.records.values()]


def _trial_row(study: Study, record: Record) -> dict[str, Any]:
    recipe, trial = record.trial.recipe, record.trial
    hyperparameters = {name: _cell(getattr(recipe, name)) for name in HELP}
    if recipe.horizon_free and record.step:
        hyperparameters["epochs"] = record.step / steps_per_epoch(study.shape.rows(recipe), recipe.batch_size)
    tested = next((point.metrics[study.metric] for point in reversed(record.points) if point.rows == "test"), None)
    return {
        "trial": trial.number, "recipe": recipe.hash, "role": trial.role, "parent": _cell(trial.parent), "seed": trial.seed,
        "fold": trial.fold, **{f"{name}_seed": seed for name, seed in asdict(trial.seeds).items()}, "state": record.state.value,
        "reason": record.reason, "score": _cell(record.value(study.metric)), "test_score": _cell(tested),
        "steps": record.step, **_costs(record.costs), **hyperparameters}


def _cell(value: Any) -> Any:
    """A value as `convert` reads it back from a table: nothing for None, texts for tables and lists."""
    if value is None:
        return ""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else as_text(value)


def _costs(costs: Costs) -> dict[str, Any]:
    return {"seconds": round(costs.seconds, 2), "replayed_steps": costs.replayed_steps,
            "replay_seconds": round(costs.replay_seconds, 2), "rows_per_second": round(costs.rows_per_second, 2),
            "tokens_per_second": round(costs.tokens_per_second, 1), "peak_memory_mb": round(costs.peak_memory / 2**20),
            "trainable_parameters": costs.trainable_parameters,
            "drift": "" if costs.drift is None else float(f"{costs.drift:.4g}")}


def curve_rows(study: Study) -> Table:
    """Tidy: one row for each trial, point and metric. `seconds` are of training alone, `work` as in sharing/work.py."""
    rows: Table = []
    for record in study.records.values():
        recipe, trial = record.trial.recipe, record.trial
        for point in record.points:
            common = {"trial": trial.number, "recipe": recipe.hash, "seed": trial.seed}
            place = {"step": point.step, "epoch": round(point.epoch, 4), "work": round(point.work),
                     "seconds": round(point.seconds, 2)}
            rows.extend({**common, "split": "train", "rows": "", **place, "weights": "raw", "metric": metric, "value": value}
                        for metric, value in point.train.items())
            split, kind = ("test", "all") if point.rows == "test" else ("validation", point.rows)
            rows.extend({**common, "split": split, "rows": kind, **place, "weights": point.weights, "metric": metric,
                         "value": value} for metric, value in point.metrics.items())
    return rows


def prediction_rows(rows: Sequence[Row], tokens: Tokens, scores: Floats, task: Task) -> Table:
    """One row for each row of data, with its label and what the model says; lists and entities as JSON."""
    found = []
    for row, answer in zip(rows, task.answers(scores, tokens, [row.text for row in rows]), strict=True):
        pair = {} if row.pair is None else {"text_pair": row.pair}
        found.append({"file": row.file, "line": row.line, "id": row.id, "text": row.text, **pair, "label": _target_cell(row),
                      **_answer_cells(answer)})
    return found


def _target_cell(row: Row) -> Any:
    if isinstance(row.target, tuple):
        return json.dumps([asdict(part) if isinstance(part, Span) else part for part in row.target], ensure_ascii=False)
    return row.target


def _answer_cells(answer: Mapping[str, Any]) -> dict[str, Any]:
    """An answer's parts as cells: `predicted` is the label, the labels, the entities or the number."""
    first, *rest = answer.items()
    return {"predicted": _flat(first[1])} | {name: _flat(value) for name, value in rest}


def _flat(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def write_csv(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows of like columns as CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    listed = list(rows)
    with whole_file(path, again=True, newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(listed[0]) if listed else [])
        writer.writeheader()
        writer.writerows(listed)


def scored_rows(table: InputTable, answers: Sequence[Mapping[str, Any]], flat: bool = True) -> Table:
    """The rows of a file as they came, with what the model says added; columns of the same names become label_given, …

    What no file can hold is replaced, see `storable`.

    Args:
        flat: lists and entities as JSON texts, for tables.
    """
    added = set(answers[0]) if answers else set()
    names = {name: str(storable(name)) for name in table.columns}
    kept = {name: f"{known}_given" if known in added else known for name, known in names.items()}
    return [{**{kept[name]: storable(record.values.get(name)) for name in table.columns},
             **{name: _flat(part) if flat else part for name, part in storable(answer).items()}}
            for record, answer in zip(table.records, answers, strict=True)]
