"""The controls of a run, fitted before its search: what fine-tuning must beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier.api.measure import Measured
from luthier.api.prepare import Prepared
from luthier.data.row import Kind, Row, Split
from luthier.explain.controls import Control, Texts, lexicon, majority, probe, tfidf, token_probe
from luthier.sharing.features import supervised
from luthier.tasks.base import Floats, Head
from luthier.tasks.wording import wording_of


@dataclass(frozen=True)
class FittedControl:
    """A control, with its scores of the validation rows and their headline metric."""

    control: Control
    scores: Floats
    validation: float

    @property
    def title(self) -> str:
        """The control's name in words."""
        return self.control.title


def fit_controls(prepared: Prepared, measured: Measured) -> list[FittedControl]:
    """Guessing, TF-IDF and the frozen probe; where tokens are judged, the names seen in training in place of the first two."""
    task = prepared.asked.task
    truth = task.truth(prepared.splits["validation"])
    rows = control_rows(prepared, measured, Split.VALIDATION)
    controls = _of_tokens(prepared, measured) if task.head is Head.TOKENS else _of_texts(prepared, measured, truth, rows)
    fitted = []
    for control in controls:
        scores = control.predict(rows[control.name])
        fitted.append(FittedControl(control, scores, task.metrics(scores, truth)[task.metric]))
    return fitted


def control_rows(prepared: Prepared, measured: Measured, split: Split) -> dict[str, Any]:
    """The rows of a split in the form that each control was fitted on."""
    rows, tokens = prepared.asked.corpus.parts[split], prepared.splits[split.value]
    if prepared.asked.task.head is Head.TOKENS:
        return {"probe": split.value, "lexicon": (tokens, rows)}
    features = measured.features.get(split.value) or measured.frozen.look(split.value)
    return {"majority": len(rows), "tfidf": _texts(rows), "probe": features.pooled}


def _of_texts(prepared: Prepared, measured: Measured, truth: Any, validation: dict[str, Any]) -> list[Control]:
    task, corpus, targets = prepared.asked.task, prepared.asked.corpus, np.asarray(prepared.splits["train"].targets)
    seen = measured.features["train"]
    return [majority(task, targets, wording_of(task.name).guess),
            tfidf(_texts(corpus.train), targets, validation["tfidf"], truth, task),
            probe(seen.pooled, targets[seen.rows], validation["probe"], truth, task)]


def _of_tokens(prepared: Prepared, measured: Measured) -> list[Control]:
    task = prepared.asked.task
    features, targets = supervised(measured.features["train"], prepared.splits["train"])
    names = [lexicon(prepared.asked.corpus.train, task)] if task.kind is Kind.SPANS else []
    return [*names, token_probe(features, targets, task, measured.frozen.scores)]


def _texts(rows: list[Row]) -> Texts:
    return [row.text for row in rows], [row.pair or "" for row in rows] if rows and rows[0].pair is not None else None
