"""Write what a run came to: run.toml at its start; model, tables, results, card and report at its end."""

from __future__ import annotations

import datetime
import json
import platform
import shutil
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

import luthier
from luthier.api.describe import epochs_afforded
from luthier.api.folder import RunFolder
from luthier.api.fresh import Fresh
from luthier.api.ledger import Opening
from luthier.api.prepare import Asked
from luthier.api.ready import Ready
from luthier.api.scoring import Outcome
from luthier.api.settings import IN_TURN, Command
from luthier.config import to_table, write_toml
from luthier.data.load import Corpus
from luthier.data.row import Row, Split, target_text
from luthier.data.tokens import Tokens
from luthier.explain.curves import curves_of
from luthier.explain.overview import verdicts_of
from luthier.files import whole_file
from luthier.models.pretrained import EMBEDDED, Pretrained
from luthier.report import card, html
from luthier.report.tables import Table, curve_rows, prediction_rows, trial_rows, write_csv
from luthier.search.study import Study

LIBRARIES = ("luthier", "torch", "transformers", "tokenizers", "optuna", "scikit-learn", "numpy")
MISTAKES_SHOWN = 8


def split_sentence(corpus: Corpus) -> str:
    """How the rows were shared out."""
    if corpus.folds:
        kept = "as given" if corpus.validation_given else "cut off"
        return (f"no test rows: all training rows are held out in turn, in {len(corpus.folds)} parts; validation rows {kept}; by a "
                "seeded hash of the text (or of its group), so that equal texts stay together")
    given = [name for name, there in (("validation", corpus.validation_given), ("test", corpus.test_given)) if there]
    cut = [name for name in ("validation", "test") if name not in given]
    parts = [f"{' and '.join(given)} rows as given"] if given else []
    if cut:
        parts.append(f"15 % of the rows for {' and for '.join(cut)}, by a seeded hash of the text (or of its group), so that "
                     "equal texts stay together")
    return "; ".join(parts)


def versions() -> dict[str, str]:
    """The versions of what the figures rest on."""
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in LIBRARIES}


def write_config(folder: RunFolder, ready: Ready) -> None:
    """run.toml: everything asked and resolved; `--config run.toml` repeats it."""
    asked = ready.prepared.asked
    write_toml(folder.config, {
        "command": ready.command, "settings": asked_table(asked), "recipe": ready.prepared.default.to_table(),
        "data": {"name": asked.corpus.name, "hash": asked.corpus.hash,
                 "split": split_sentence(asked.corpus), "text": asked.corpus.columns.text,
                 "label": asked.corpus.columns.label, "pair": asked.corpus.columns.pair or "", "task": asked.task.name,
                 "labels": asked.task.labels,
                 "rows": {name: len(tokens) for name, tokens in ready.prepared.splits.items()}},
        "model": [{"key": key, "name": _named_for_good(model), "origin": model.origin, "hash": model.hash,
                   "revision": model.revision or ""} for key, model in asked.models.items()],
        "machine": {"device": ready.device, "workers": ready.force.workers, "threads": ready.force.threads,
                    "precision": ready.measured.precision, "rung_rows": len(ready.prepared.rung_rows), "trunk": ready.sharing.trunk,
                    "disk": ready.quota.total,
                    "work_per_second": ready.measured.speed.training, "versions": versions()}})


def asked_table(asked: Asked) -> dict[str, Any]:
    """What was asked for, so that it means the same later and elsewhere on this machine; where the run's folder is, is left out."""
    settings = to_table(asked.settings)
    for name in ("data", "validation", "test"):
        if name in settings and settings[name] != IN_TURN:
            settings[name] = _whole_path(settings[name])
    settings["model"] = [_named_for_good(model) for model in asked.models.values()]
    settings.pop("output", None)
    return settings


def _whole_path(name: str) -> str:
    """The name of something that lies here as a whole path, so that it is found from anywhere; other names as they are."""
    return str(Path(name).resolve()) if name and Path(name).exists() else name


def _named_for_good(model: Pretrained) -> str:
    """A model's name that means the same weights later: a branch of a hub model may move."""
    if model.name == EMBEDDED:  # a folder of that name is not what was asked for
        return EMBEDDED
    return model.exact_name if model.revision else _whole_path(model.name)


def write_outcome(folder: RunFolder, ready: Ready, study: Study, outcome: Outcome, fresh: Fresh | None,
                  opening: Opening | None, *, interrupted: bool) -> None:
    """Everything that the finished run holds; results.json last, so that it stands for a whole run.

    Raises:
        OSError: something of it cannot be written, as on a full disk.
    """
    prepared, corpus = ready.prepared, ready.prepared.asked.corpus
    write_model(folder.model, ready, outcome)
    results, curves = summarize(ready, study, outcome, fresh, opening, interrupted), curve_rows(study)
    trials = with_verdicts(trial_rows(study), results, curves)
    write_csv(folder.trials, trials)
    write_csv(folder.curves, curves)
    splits = prepared.starts[outcome.final.record.trial.recipe.model].splits
    for part, scores in ((Split.VALIDATION, outcome.validation_scores), (Split.TEST, outcome.test_scores)):
        write_csv(folder.predictions(part.value), prediction_rows(corpus.parts[part], splits[part.value], scores, outcome.task))
    for path, text in ((folder.model / "README.md", card.render(results)), (folder.report, html.render(results, trials, curves)),
                       (folder.results, json.dumps(results, indent=1, ensure_ascii=False))):
        with whole_file(path, again=True) as stream:
            stream.write(text)


def with_verdicts(trials: Table, results: dict[str, Any], curves: Table) -> Table:
    """The rows of trials.csv with what became of each, and the evidence."""
    verdicts = verdicts_of(results, trials, curves_of(curves))
    place = list(trials[0]).index("reason") + 1 if trials else 0
    found = []
    for row in trials:
        verdict, cells = verdicts[row["trial"]], list(row.items())
        found.append(dict([*cells[:place], ("verdict", verdict.kind.value), ("evidence", verdict.evidence), *cells[place:]]))
    return found


def write_model(target: Path, ready: Ready, outcome: Outcome) -> None:
    """Move the finished model to its place, with its tokenizer, which cuts rows where training did."""
    recipe = outcome.final.record.trial.recipe
    tokenizer = ready.prepared.starts[recipe.model].tokenizer
    tokenizer.model_max_length = recipe.max_length
    tokenizer.save_pretrained(outcome.folder)
    for weights in outcome.folder.glob("*.safetensors"):  # some versions of safetensors let nobody else read them
        weights.chmod((outcome.folder / "config.json").stat().st_mode)
    shutil.rmtree(target, ignore_errors=True)  # of a run that has been given more time
    shutil.move(str(outcome.folder), target)


def summarize(ready: Ready, study: Study, outcome: Outcome, fresh: Fresh | None, opening: Opening | None,
              interrupted: bool) -> dict[str, Any]:
    """results.json."""
    prepared, asked, corpus = ready.prepared, ready.prepared.asked, ready.prepared.asked.corpus
    trial, default = outcome.final.record.trial, study.default
    start = prepared.starts[trial.recipe.model]
    base = start.pretrained
    return {
        "luthier": luthier.__version__, "command": ready.command.value, "name": corpus.name,
        "created": datetime.datetime.now().strftime("%Y-%m-%d %H:%M"),
        "task": asked.task.name, "metric": asked.task.metric, "metric_title": asked.task.metric_title,
        "head": asked.task.head.value, "pairs": corpus.pairs, "labels": list(asked.task.labels), "counts": corpus.counts(),
        "rows": {name: len(tokens) for name, tokens in prepared.splits.items()}, "data_hash": corpus.hash,
        "split": split_sentence(corpus),
        "columns": {"text": list(corpus.columns.text), "label": list(corpus.columns.label), "pair": corpus.columns.pair},
        "findings": [finding.to_table() for finding in prepared.findings],
        "max_length": trial.recipe.max_length, "long_texts": trial.recipe.long_texts.value,
        "base": {"name": base.name, "origin": base.origin, "hash": base.hash, "revision": base.revision,
                 "parameters": start.parameters, "layers": base.layers},
        "record_test": asked.settings.record_test, "searched": list(prepared.space.dimensions),
        "facts": {"validation_rows": len(prepared.rung_rows),
                  "chance_loss": asked.task.chance_loss(np.asarray(prepared.splits["train"].targets))},
        "test": outcome.test.to_table(), "validation": outcome.validation.to_table(),
        "test_metrics": {name: score.to_table() for name, score in outcome.test_intervals.items()},
        "details": outcome.details, "calibration": outcome.calibration, "temperature": outcome.temperature,
        "controls": {name: score.to_table() for name, score in outcome.controls.items()},
        "control_titles": outcome.control_titles,
        "controls_validation": {name: score.to_table() for name, score in outcome.controls_validation.items()},
        "gain": outcome.gain.to_table() if outcome.gain else None, "fresh": fresh.to_table() if fresh else None,
        "optimism": outcome.verdict.optimism.to_table() if outcome.verdict.optimism else None,
        "refit": outcome.refit is not None, "folds": len(corpus.folds),
        "epochs": epochs_afforded(prepared, ready.plan) if ready.command is Command.TUNE else None,
        "opening": opening.to_table() if opening else None,
        "best": {"trial": trial.number, "parent": trial.parent, "role": trial.role, "recipe": trial.recipe.to_table(),
                 "shortened": outcome.final.is_shortened(study), "cut": outcome.final.is_cut(study),
                 "refit": outcome.refit,
                 "default_recipe": (default.trial.recipe if default else prepared.default).to_table(),
                 "reason": outcome.verdict.reason},
        "trials": len(study.search_records()), "default_trial": default.trial.number if default else None,
        "repeats": study.repeats, "own_epochs": study.own_epochs,
        "extended": study.extended, "finals": outcome.finals, "failures": study.failures(),
        "exhausted": study.exhausted,
        "replay": {"steps": sum(record.costs.replayed_steps for record in study.records.values()),
                   "seconds": round(sum(record.costs.replay_seconds for record in study.records.values()), 1)},
        "seconds": round(time.monotonic() - ready.started, 1), "budget": ready.budget, "interrupted": interrupted,
        "machine": {"workers": ready.force.workers, "threads": ready.force.threads, "device": ready.device,
                    "precision": ready.measured.precision, "versions": versions()},
        "disk": ready.quota.total, "seed": study.seed, "model": "model",
        "examples": mistakes(corpus.test, start.splits["test"], outcome)}


def mistakes(rows: list[Row], tokens: Tokens, outcome: Outcome) -> list[dict[str, Any]]:
    """The test rows that the model is surest of and wrong about; of numbers, those furthest off."""
    task = outcome.task
    worst = task.surprises(outcome.test_scores, task.truth(tokens))[:MISTAKES_SHOWN]
    answers = task.answers(outcome.test_scores, tokens, [row.text for row in rows]) if worst else []
    return [{"text": rows[i].text, **({"pair": rows[i].pair} if rows[i].pair is not None else {}),
             "label": target_text(rows[i]), "predicted": task.said(answers[i]), "score": score} for i, score in worst]
