"""The controls of a run, fitted before its search: what fine-tuning must beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from luthier.api.prepare import Prepared
from luthier.explain.controls import Control, majority, probe, tfidf
from luthier.sharing.features import Features


@dataclass(frozen=True)
class FittedControl:
    """A control, and its headline metric on the validation rows."""

    control: Control
    validation: float

    @property
    def title(self) -> str:
        """The control's name in words."""
        return self.control.title


def fit_controls(prepared: Prepared, features: dict[str, Features]) -> list[FittedControl]:
    """Majority, TF-IDF and the frozen probe, fitted on the training rows."""
    task, corpus = prepared.asked.task, prepared.asked.corpus
    targets, truth = (prepared.splits[name].targets.astype(np.int64) for name in ("train", "validation"))
    seen = features["train"]
    texts = {name: [row.text for row in rows] for name, rows in (("train", corpus.train), ("validation", corpus.validation))}
    pairs = [
        (majority(targets, len(task.labels)), texts["validation"]),
        (tfidf(texts["train"], targets, texts["validation"], truth, task), texts["validation"]),
        (probe(seen.pooled, targets[seen.rows], features["validation"].pooled, truth, task), features["validation"].pooled)]
    return [FittedControl(control, task.metrics(control.predict(rows), truth)[task.metric]) for control, rows in pairs]
