"""trials.csv, curves.csv and predictions/: the study as tables, one row a trial, a point, a row of data."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from luthier.config import as_text
from luthier.data.formats import Table as InputTable
from luthier.data.row import Row
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
        **{f"{name}_seed": seed for name, seed in asdict(trial.seeds).items()}, "state": record.state.value,
        "reason": record.reason, "score": _cell(record.value(study.metric)), "test_score": _cell(tested),
        "steps": record.step, **_costs(record.costs), **hyperparameters}


def _cell(value: Any) -> Any:
    """A value as `convert` reads it back from a table: nothing for None, texts for tables and lists."""
    if value is None:
        return ""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else as_text(value)


def _costs(costs: Costs) -> dict[str, Any]:
    return {"seconds": round(costs.seconds, 2), "rows_per_second": round(costs.rows_per_second, 2),
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


def prediction_rows(rows: Sequence[Row], scores: Floats, task: Task) -> Table:
    """One row for each row of data, with its label, the predicted one and its probability."""
    return [{"file": row.file, "line": row.line, "text": row.text, "label": row.target, "predicted": answer["label"],
             "score": answer["score"]} for row, answer in zip(rows, task.decode(scores), strict=True)]


def write_csv(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows of like columns as CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    listed = list(rows)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(listed[0]) if listed else [])
        writer.writeheader()
        writer.writerows(listed)


def scored_rows(table: InputTable, answers: Sequence[Mapping[str, Any]]) -> Table:
    """The rows of a file as they came, with `label` and `score` added; columns of these names become label_given, …"""
    added = set(answers[0]) if answers else set()
    kept = {name: f"{name}_given" if name in added else name for name in table.columns}
    return [{**{kept[name]: record.values.get(name) for name in table.columns}, **answer}
            for record, answer in zip(table.records, answers, strict=True)]
