"""`check`: everything that is odd about labelled data, before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from luthier.api.reading import LENGTH_PERCENT, encode, most_tokens, token_findings
from luthier.api.settings import IN_TURN
from luthier.config import build
from luthier.data.check import UnusableData, by_severity
from luthier.data.checks.common import every, key_of
from luthier.data.findings import Finding, Place, Severity, errors
from luthier.data.load import Corpus, load
from luthier.data.options import DataOptions
from luthier.data.places import percent
from luthier.data.row import Kind, Row
from luthier.data.sequences import Cut
from luthier.data.tokens import percentile_length, tokenize
from luthier.errors import DataError, ModelError
from luthier.explain.controls import compared
from luthier.explain.label_errors import out_of_fold, suspects, too_few
from luthier.models.classifier import load_classifier, load_tokenizer
from luthier.models.network import without_network
from luthier.models.pretrained import Pretrained, resolve_model
from luthier.recipes.recipe import Recipe
from luthier.sharing.features import extract
from luthier.tasks.base import Head, Task
from luthier.tasks.registry import kind_of, task_for

if TYPE_CHECKING:
    import pandas

MOST_PROBED = 256
"""Tokens of a text that the probe of --label-errors reads."""


@dataclass(frozen=True)
class Check:
    """What was found in data.

    Attributes:
        findings: all, the worst first.
        labels: rows (entities: mentions) of each label in each part, labels["spam"]["train"]; empty for numbers, and where
            errors keep the data from being used.
        suspects: with `label_errors`, the rows whose labels are probably wrong, the most suspect first: {file, line, id, text,
            text_pair (of pairs), given, suggested, score}; None where that was not asked for or could not be judged.
        corpus: the rows; None where errors keep the data from being used.
    """

    findings: tuple[Finding, ...]
    labels: Mapping[str, Mapping[str, int]]
    suspects: tuple[Mapping[str, Any], ...] | None
    corpus: Corpus | None

    @property
    def task(self) -> Task | None:
        """What `tune` would make of the data, with its headline metric; None where errors keep them from being used."""
        return None if self.corpus is None else _task(self.corpus)

    @property
    def problems(self) -> list[str]:
        """What keeps the data from being used, as sentences; none when nothing does."""
        return errors(self.findings)

    def to_frame(self) -> pandas.DataFrame:
        """One row a finding: severity, code, message, advice, number of rows, and the rows as "file:line"."""
        import pandas

        return pandas.DataFrame(
            [(found.severity.value, found.code, found.message, found.advice, len(found.rows),
              [f"{place.file}:{place.line}" for place in found.rows]) for found in self.findings],
            columns=["severity", "code", "message", "advice", "count", "rows"])

    def to_table(self) -> dict[str, Any]:
        """{task, metric, findings, labels, suspects}, as JSON holds them."""
        task = self.task
        return {"task": task and task.name, "metric": task and task.metric,
                "findings": [found.to_table() for found in self.findings], "labels": self.labels,
                "suspects": None if self.suspects is None else list(self.suspects)}


def check(data: Any, *, task: str | None = None, model: str | Path | None = "auto", label_errors: bool = False,
          validation: Any = None, test: Any = None, seed: int = 0, offline: bool = False, **options: Any) -> Check:
    """Look through labelled data as `tune` and `train` do when they start, and further.

    Bad data are findings, not exceptions: also a file that is not there or cannot be read, and columns that are missing.

    Args:
        data: as for `tune`.
        task: "classification", "multilabel", "entities" or "regression"; told by the data when not given.
        model: the model whose tokenizer texts are measured by; None leaves that out.
        label_errors: look for labels that are probably wrong, by what a probe on the model's frozen features says of rows
            that it was not fitted on. Takes about as long as one pass of the model over the data.
        seed: of the split of data that come in one piece.
        offline: open no network socket.
        options: the fields of `DataOptions`, such as text_columns=("title", "body").

    Raises:
        ConfigError: an option is wrong, or there is no such file of labels.
        ModelError: there is no such model.
    """
    kind, reading = kind_of(task), build(DataOptions, {name: _tuple(value) for name, value in options.items()})
    with without_network(offline):
        pretrained = _model(model, needed=label_errors)
        try:
            in_turn = isinstance(test, str) and test == IN_TURN
            corpus = load(data, reading, kind=kind, validation=validation, test=None if in_turn else test, seed=seed,
                          in_turn=in_turn)
        except UnusableData as error:
            return Check(tuple(by_severity(error.findings)), {}, None, None)
        except DataError as error:
            return Check(tuple(Finding("unusable", Severity.ERROR, line) for line in str(error).splitlines()), {}, None, None)
        found, suspicious = list(corpus.findings), None
        if pretrained is not None:
            found += _token_findings(corpus, pretrained)
        if label_errors and pretrained is not None:
            findings, suspicious = _label_errors(corpus, pretrained, seed)
            found += findings
    return Check(tuple(by_severity(found)), corpus.counts(), suspicious, corpus)


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _model(name: str | Path | None, needed: bool) -> Pretrained | None:
    """The model; None for "auto" where no model is installed, unless one is needed."""
    if name is None and not needed:
        return None
    try:
        return resolve_model("auto" if name is None else str(name))
    except ModelError:
        if name in (None, "auto") and not needed:
            return None
        raise


def _token_findings(corpus: Corpus, pretrained: Pretrained) -> list[Finding]:
    """What the model's tokenizer makes of all rows."""
    tokenizer, task = load_tokenizer(pretrained.path), _task(corpus)
    limit = most_tokens(pretrained, tokenizer)
    splits = {part.value: encode(rows, task, tokenizer, None if task.head is Head.TOKENS else limit)
              for part, rows in corpus.apart.items()}
    return token_findings(corpus, splits, tokenizer, percentile_length(splits["train"], LENGTH_PERCENT, limit), limit)


def _task(corpus: Corpus) -> Task:
    return task_for(corpus.kind).make(corpus.labels, corpus.train, None)


def _label_errors(corpus: Corpus, pretrained: Pretrained, seed: int) -> tuple[list[Finding],
                                                                              tuple[Mapping[str, Any], ...] | None]:
    """Rows of all parts whose labels are probably wrong, and a finding on them."""
    if corpus.kind is Kind.SPANS:
        return [Finding("label-errors", Severity.NOTE, "--label-errors judges whole rows, so it cannot judge entities.",
                        "What is said here of names labelled in some rows and not in others finds most of their mistakes.")], None
    rows = every(corpus.apart)
    given, texts = _given(corpus, rows), [key_of(row) for row in rows]
    if problem := too_few(texts):
        return [Finding("label-errors", Severity.NOTE, problem, "Add rows, or read them all yourself.")], None
    predictions = out_of_fold(corpus.kind, _features(corpus, rows, pretrained), given, len(corpus.labels), texts, seed=seed)
    found = suspects(corpus.kind, predictions, given, corpus.labels)
    listed = tuple(_listed(rows[one.row], one.given, one.suggested, one.score) for one in found)
    finding = Finding("label-errors", Severity.WARNING if found else Severity.NOTE,
                      f"{len(found):,} of {len(rows):,} rows have a label that a probe fitted on the other rows contradicts"
                      f"{_agreement(corpus.kind, predictions, given)}." if found else
                      "No row has a label that a probe fitted on the other rows contradicts.",
                      "Read them from the top, where most are wrong; further down the probe is often the one that errs."
                      if found else "", tuple(Place(rows[one.row].file, rows[one.row].line) for one in found))
    return [finding], listed


def _agreement(kind: Kind, predictions: npt.NDArray[np.float64], given: npt.NDArray[Any]) -> str:
    """How good the probe is, without which its word means little."""
    if kind is Kind.NUMBER:
        return f" (it correlates with them at {np.corrcoef(predictions, given)[0, 1]:.2f})"
    agreed = (predictions.argmax(axis=1) == given if kind is Kind.CLASS else
              ((predictions > 0.5) == (given > 0)).all(axis=1))
    return f" (it agrees with {percent(float(agreed.mean()))} of all rows)"


def _given(corpus: Corpus, rows: Sequence[Row]) -> npt.NDArray[Any]:
    """The labels of rows as `suspects` takes them."""
    if corpus.kind is Kind.NUMBER:
        return np.asarray([row.target for row in rows], dtype=np.float64)
    number = {name: index for index, name in enumerate(corpus.labels)}
    if corpus.kind is Kind.CLASS:
        return np.asarray([number[str(row.target)] for row in rows], dtype=np.int64)
    found = np.zeros((len(rows), len(number)), dtype=np.int64)
    for index, row in enumerate(rows):
        found[index, [number[name] for name in row.target if isinstance(name, str)] if isinstance(row.target, tuple) else []] = 1
    return found


def _features(corpus: Corpus, rows: Sequence[Row], pretrained: Pretrained) -> npt.NDArray[np.float32]:
    """What the frozen model makes of each row; of pairs, how their texts compare. Shape [rows, features]."""
    tokenizer, task = load_tokenizer(pretrained.path), _task(corpus)
    assert task.head is Head.TEXT
    pad = int(tokenizer.pad_token_id)
    model = load_classifier(pretrained.path, task, Recipe(), seed=0, pad_token_id=pad)
    limit = min(most_tokens(pretrained, tokenizer), MOST_PROBED)
    texts = [[row.text for row in rows], *([[row.pair or "" for row in rows]] if corpus.pairs else [])]
    pooled = [extract(model, tokenize(part, tokenizer, limit), np.arange(len(rows)), Cut(limit), pad).pooled for part in texts]
    return np.asarray(pooled[0] if len(pooled) == 1 else compared(*pooled))


def _listed(row: Row, given: str, suggested: str, score: float) -> dict[str, Any]:
    pair = {} if row.pair is None else {"text_pair": row.pair}
    return {"file": row.file, "line": row.line, "id": row.id, "text": row.text, **pair, "given": given, "suggested": suggested,
            "score": round(score, 6)}
