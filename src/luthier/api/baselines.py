"""The controls of a run, fitted before its search: what fine-tuning must beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from luthier.api.measure import Measured
from luthier.api.prepare import Prepared
from luthier.data.row import Kind, Row, Split
from luthier.data.tokens import gather
from luthier.explain.controls import Control, Texts, lexicon, majority, probe, tfidf, token_probe
from luthier.sharing.features import MOST_ROWS, some_rows, supervised
from luthier.tasks.base import Floats, Head
from luthier.tasks.wording import wording_of

MOST_COUNTED = 50_000
"""Training rows whose words are counted, at most: memory and time grow with them, and the figure hardly."""


@dataclass(frozen=True)
class FittedControl:
    """A control, with its scores of some validation rows and their headline metric.

    `rows` numbers these rows: all, or as many as a figure needs.
    """

    control: Control
    rows: npt.NDArray[np.int64]
    scores: Floats
    validation: float

    @property
    def title(self) -> str:
        """The control's name in words."""
        return self.control.title


def fit_controls(prepared: Prepared, measured: Measured) -> list[FittedControl]:
    """Guessing, TF-IDF and the frozen probe; where tokens are judged, the names seen in training in place of the first two."""
    task, tokens = prepared.asked.task, prepared.splits["validation"]
    rows = np.arange(len(tokens)) if task.head is Head.TOKENS else measured.features["validation"].rows
    truth = task.truth(tokens, rows)
    forms = _forms(prepared, measured, Split.VALIDATION, rows)
    controls = _of_tokens(prepared, measured) if task.head is Head.TOKENS else _of_texts(prepared, measured, truth, forms)
    fitted = []
    for control in controls:
        scores = control.predict(forms[control.name])
        fitted.append(FittedControl(control, rows, scores, task.metrics(scores, truth)[task.metric]))
    return fitted


def control_scores(prepared: Prepared, measured: Measured, controls: Sequence[FittedControl], split: Split) -> dict[str, Floats]:
    """What each control says of all units of a split, by its name; of texts, so many at once as a regression is fitted on."""
    rows, tokenwise = np.arange(len(prepared.splits[split.value])), prepared.asked.task.head is Head.TOKENS
    parts = [rows] if tokenwise else np.array_split(rows, -(-len(rows) // MOST_ROWS))
    found: dict[str, list[Floats]] = {fitted.control.name: [] for fitted in controls}
    for part in parts:
        forms = _forms(prepared, measured, split, part)
        for fitted in controls:
            found[fitted.control.name].append(fitted.control.predict(forms[fitted.control.name]))
    return {name: np.concatenate(scores) for name, scores in found.items()}


def scores_in_turn(prepared: Prepared, measured: Measured) -> dict[str, Floats]:
    """What controls say of the training rows, each row by controls that were fitted without its fold; in the order of the folds."""
    asked, tokens = prepared.asked, prepared.splits["train"]
    found: dict[str, list[Floats]] = {}
    for held in asked.corpus.folds.values():
        rest = np.setdiff1d(np.arange(len(tokens)), np.asarray(held))
        corpus = replace(asked.corpus, train=[asked.corpus.train[row] for row in rest.tolist()],
                         test=[asked.corpus.train[row] for row in held])
        splits = prepared.splits | {"train": gather([(tokens, rest)]), "test": gather([(tokens, np.asarray(held))])}
        starts = prepared.starts | {prepared.default.model: replace(prepared.start, splits=splits)}
        part = replace(prepared, asked=replace(asked, corpus=corpus), starts=starts)
        frozen = replace(measured.frozen, prepared=part)
        seen = replace(measured, frozen=frozen, features=measured.features | {"train": frozen.look("train")})
        for name, scores in control_scores(part, seen, fit_controls(part, seen), Split.TEST).items():
            found.setdefault(name, []).append(scores)
    return {name: np.concatenate(scores) for name, scores in found.items()}


def _forms(prepared: Prepared, measured: Measured, split: Split, rows: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Some rows of a split (of tokens: all) in the form that each control was fitted on."""
    own, tokens = prepared.asked.corpus.parts[split], prepared.splits[split.value]
    if prepared.asked.task.head is Head.TOKENS:
        return {"probe": split.value, "lexicon": (tokens, own)}
    known = measured.features.get(split.value)
    features = known if known is not None and known.rows is rows else measured.frozen.look(split.value, rows)
    return {"majority": len(rows), "tfidf": _texts([own[row] for row in rows.tolist()]), "probe": features.pooled}


def _of_texts(prepared: Prepared, measured: Measured, truth: Any, validation: dict[str, Any]) -> list[Control]:
    task, corpus, targets = prepared.asked.task, prepared.asked.corpus, np.asarray(prepared.splits["train"].targets)
    seen, counted = measured.features["train"], some_rows(prepared.splits["train"], MOST_COUNTED)
    words = tfidf(_texts([corpus.train[row] for row in counted.tolist()]), targets[counted], validation["tfidf"], truth, task)
    if len(counted) < len(targets):
        words = replace(words, title=f"{words.title} on {len(counted):,} training rows")
    return [majority(task, targets, wording_of(task.name).guess), words,
            probe(seen.pooled, targets[seen.rows], validation["probe"], truth, task)]


def _of_tokens(prepared: Prepared, measured: Measured) -> list[Control]:
    task = prepared.asked.task
    features, targets = supervised(measured.features["train"], prepared.splits["train"])
    names = [lexicon(prepared.asked.corpus.train, task)] if task.kind is Kind.SPANS else []
    return [*names, token_probe(features, targets, task, measured.frozen.scores)]


def _texts(rows: list[Row]) -> Texts:
    return [row.text for row in rows], [row.pair or "" for row in rows] if rows and rows[0].pair is not None else None
