"""`Model`: a finished classifier, for use."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from luthier.data.load import load_labelled
from luthier.data.tokens import Tokens, tokenize
from luthier.models.classifier import load_tokenizer, load_trained
from luthier.models.pretrained import resolve_model
from luthier.tasks.base import Floats
from luthier.tasks.classification import Classification
from luthier.tasks.metrics import Score
from luthier.training.loop import predict_scores


@dataclass(frozen=True)
class Evaluation:
    """The figures of a model on `rows` rows: `score` is that of the headline `metric`, `metrics` holds all of them."""

    metric: str
    score: Score
    metrics: dict[str, float]
    rows: int


class Model:
    """A finished classifier.

    Args:
        path: a run's folder, or a model folder in transformers' layout.

    Raises:
        ModelError: there is no finished classifier there.
    """

    def __init__(self, path: str | Path) -> None:
        found = resolve_model(str(path))
        self.path = found.path
        self._model = load_trained(self.path)
        self._tokenizer = load_tokenizer(self.path)
        config: Any = self._model.config
        names: dict[int, str] = config.id2label
        self.labels = tuple(names[index] for index in sorted(names))
        self._task = Classification(self.labels)
        self._limit = int(min(self._tokenizer.model_max_length, found.positions))

    def predict_proba(self, texts: Sequence[str]) -> Floats:
        """The probability of every label, in the order of `labels`. Shape [texts, labels]."""
        if isinstance(texts, str):
            raise TypeError("texts is one text; give a list of texts")
        if not len(texts):
            return np.zeros((0, len(self.labels)))
        return self._scores(self._tokens(texts, [-1] * len(texts)))

    def predict(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """The likeliest label of every text and its probability: {"label", "score"}."""
        return self._task.decode(self.predict_proba(texts))

    def evaluate(self, data: Any, *, text_columns: Sequence[str] = (), label_column: str | None = None) -> Evaluation:
        """The metrics on labelled rows (see `tune` for `data`), the headline one with its 95 % interval.

        Raises:
            DataError: the rows cannot be read, or hold a label that the model does not know.
        """
        rows = load_labelled(data, self.labels, text_columns=text_columns, label_column=label_column)
        targets = self._task.encode([row.target for row in rows])
        scores = self._scores(self._tokens([row.text for row in rows], targets.tolist()))
        return Evaluation(self._task.metric, self._task.score(scores, targets), self._task.metrics(scores, targets), len(rows))

    def pipeline(self) -> Any:
        """The same model as `transformers.pipeline("text-classification")`."""
        import transformers

        return transformers.pipeline("text-classification", model=str(self.path))

    def save(self, folder: str | Path) -> None:
        """Copy the model folder.

        Raises:
            FileExistsError: the folder is there already.
        """
        shutil.copytree(self.path, folder)

    def _tokens(self, texts: Sequence[str], targets: Sequence[int]) -> Tokens:
        return tokenize(texts, targets, self._tokenizer, self._limit)

    def _scores(self, tokens: Tokens) -> Floats:
        return predict_scores(self._model, self._task, tokens, np.arange(len(tokens)), self._limit,
                              int(self._tokenizer.pad_token_id))
