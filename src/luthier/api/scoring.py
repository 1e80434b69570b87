"""The figures: one look at the test rows, at the very end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from luthier.api.measure import fresh_model, look
from luthier.api.ready import Command, Ready
from luthier.models.classifier import load_trained
from luthier.search.finals import Verdict
from luthier.search.study import Record
from luthier.tasks.base import Floats
from luthier.tasks.class_metrics import confusion
from luthier.tasks.metrics import Score
from luthier.training.loop import predict_scores


@dataclass(frozen=True)
class Final:
    """A trial that ended as a model: its folder, its probabilities of all validation rows, whether it ends the default."""

    record: Record
    folder: Path
    validation: Floats
    is_default: bool = False

    @property
    def number(self) -> int:
        """The trial's number."""
        return self.record.trial.number


@dataclass(frozen=True)
class Outcome:
    """What is delivered, and every figure about it. Scores are on the rows that their names say."""

    final: Final
    verdict: Verdict
    finals: int
    test: Score
    validation: Score
    gain: Score | None
    controls: dict[str, Score]
    controls_validation: dict[str, Score]
    test_scores: Floats
    test_metrics: dict[str, float]
    confusion: list[list[int]]


def score_finals(ready: Ready, finals: list[Final], verdict: Verdict) -> Outcome:
    """Score the delivered model, the default and the controls on the test rows, in one batch."""
    prepared, task = ready.prepared, ready.prepared.asked.task
    truth = {name: prepared.splits[name].targets.astype(np.int64) for name in ("validation", "test")}
    final = next(final for final in finals if final.number == verdict.chosen)
    default = next((final for final in finals if final.is_default), None) if ready.command is Command.TUNE else None
    delivered = predict_final(ready, final)
    tested: dict[str, Floats] = {}
    validated: dict[str, Floats] = {}
    rows = _control_rows(ready)
    for fitted in ready.controls:
        name = fitted.control.name
        tested[name], validated[name] = (fitted.control.predict(rows[split][name]) for split in ("test", "validation"))
    if default:
        tested["default"] = delivered if default is final else predict_final(ready, default)
        validated["default"] = default.validation
    changed = default is not None and default is not final
    return Outcome(
        final=final, verdict=verdict, finals=len(finals), test=task.score(delivered, truth["test"]),
        validation=task.score(final.validation, truth["validation"]),
        gain=task.difference(delivered, tested["default"], truth["test"]) if changed else None,
        controls={name: task.score(scores, truth["test"]) for name, scores in tested.items()},
        controls_validation={name: task.score(scores, truth["validation"]) for name, scores in validated.items()},
        test_scores=delivered, test_metrics=task.metrics(delivered, truth["test"]),
        confusion=confusion(truth["test"], delivered.argmax(1), len(task.labels)).tolist())


def _control_rows(ready: Ready) -> dict[str, dict[str, object]]:
    """For each split, the rows in the form that each control was fitted on."""
    prepared, corpus = ready.prepared, ready.prepared.asked.corpus
    model = fresh_model(prepared, prepared.default, ready.device)
    pooled = {"validation": ready.measured.features["validation"].pooled, "test": look(prepared, model, "test").pooled}
    texts = {"validation": [row.text for row in corpus.validation], "test": [row.text for row in corpus.test]}
    return {split: {"majority": texts[split], "tfidf": texts[split], "probe": pooled[split]} for split in texts}


def predict_final(ready: Ready, final: Final) -> Floats:
    """The probabilities of the test rows, from the model as it was written."""
    prepared = ready.prepared
    recipe = final.record.trial.recipe
    start = prepared.starts[recipe.model]
    model, test = load_trained(final.folder).to(ready.device), start.splits["test"]
    return predict_scores(model, prepared.asked.task, test, np.arange(len(test)), recipe.max_length, start.pad_token_id)
