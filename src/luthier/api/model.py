"""`Model`: a finished model of any task, for use."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from luthier.api.finish import CONFIG_KEY
from luthier.api.prepare import groups_of
from luthier.api.reading import encode
from luthier.data.load import load_labelled
from luthier.data.options import DataOptions
from luthier.data.row import Row
from luthier.data.sequences import Cut
from luthier.data.tokens import Tokens
from luthier.errors import DataError, ModelError
from luthier.models.classifier import load_tokenizer, load_trained, trained_head
from luthier.models.pretrained import resolve_model
from luthier.recipes.recipe import LongTexts
from luthier.tasks.base import Answer, Floats, Head, Task
from luthier.tasks.metrics import Score
from luthier.tasks.registry import task_of_model
from luthier.training.loop import predict_scores

Texts = Sequence[str | tuple[str, str]]
CHUNK = 2000
"""Texts that are answered at once: the scores of all tokens of these are held, not those of all texts."""


@dataclass(frozen=True)
class Evaluation:
    """The figures of a model on `rows` rows: `score` is that of the headline `metric`, `metrics` holds all with intervals."""

    metric: str
    score: Score
    metrics: dict[str, Score]
    rows: int


class Model:
    """A finished model.

    Args:
        path: a run's folder, or a model folder in transformers' layout.

    Raises:
        ModelError: there is no finished model there, or one whose outputs belong to no task.
    """

    def __init__(self, path: str | Path) -> None:
        found = resolve_model(str(path))
        self.path = found.path
        self._model = load_trained(self.path)
        self._tokenizer = load_tokenizer(self.path)
        config: Any = self._model.config
        settings = getattr(config, CONFIG_KEY, None) or {}
        outputs = [config.id2label[index] for index in sorted(config.id2label)]
        try:
            self.task: Task = task_of_model(outputs, trained_head(config), config.problem_type, settings)
        except ValueError as error:
            raise ModelError(f"{path}: not a model that Luthier can use: {error}.") from None
        self.labels = self.task.labels
        windows = self.task.head is Head.TOKENS or settings.get("long_texts") == LongTexts.WINDOWS.value
        self.pairs = bool(settings.get("pairs"))
        self._cut = Cut(int(min(self._tokenizer.model_max_length, found.positions)), windows)

    def predict_proba(self, texts: Texts) -> Floats:
        """What the model says of each text: probabilities of `labels` [texts, labels], or numbers [texts, 1]. Not for entities.

        Raises:
            TypeError: `texts` is no list, or the model finds entities.
            DataError: the model reads pairs, and a text has none.
        """
        if self.task.head is Head.TOKENS:
            raise TypeError("this model finds entities, which have no probability for a whole text; use predict")
        scores = [self._scores(self._tokens(rows)) for rows in _chunks(self._rows(texts))]
        return np.concatenate(scores) if scores else np.zeros((0, len(self.task.outputs)))

    def predict(self, texts: Texts) -> list[Answer]:
        """What the model says of each text.

        Classification gives {"label", "score"}, multi-label {"labels", "scores"}, regression {"score"}, and entities
        {"entities": [{"label", "score", "text", "start", "end"}]}, in characters of the text.

        Args:
            texts: texts, or (text, second text) for pairs.
        """
        return self.predict_with_confidence(texts)[0]

    def predict_with_confidence(self, texts: Texts) -> tuple[list[Answer], Floats]:
        """What `predict` gives, and how sure the model is of each text, comparable among texts. Shape [texts]."""
        answers: list[Answer] = []
        sure = [np.zeros(0)]
        for rows in _chunks(self._rows(texts)):
            tokens = self._tokens(rows)
            scores = self._scores(tokens)
            answers += self.task.answers(scores, tokens, [row.text for row in rows])
            sure.append(self.task.confidence(scores, tokens))
        return answers, np.concatenate(sure)

    def evaluate(self, data: Any, **options: Any) -> Evaluation:
        """The metrics on labelled rows (see `tune` for `data`), each with its 95 % interval.

        Args:
            options: how the rows are read, as in `DataOptions`.

        Raises:
            DataError: the rows cannot be read, or hold a label that the model does not know.
        """
        rows = load_labelled(data, self.task.kind, self.labels, DataOptions(**options))
        if self.pairs and rows[0].pair is None:
            raise DataError("This model reads pairs of texts, and these rows have one text. Name the second with --pair-column.")
        tokens = self._tokens(rows)
        scores, truth = self._scores(tokens), self.task.truth(tokens)
        found = self.task.intervals(scores, truth, groups_of(rows))
        return Evaluation(self.task.metric, found[self.task.metric], found, len(rows))

    def pipeline(self) -> Any:
        """The same model as a `transformers.pipeline`."""
        import transformers

        if self.task.head is Head.TOKENS:
            return transformers.pipeline("token-classification", model=str(self.path), aggregation_strategy="first")
        return transformers.pipeline("text-classification", model=str(self.path))

    def save(self, folder: str | Path) -> None:
        """Copy the model folder.

        Raises:
            FileExistsError: the folder is there already.
        """
        shutil.copytree(self.path, folder)

    def _rows(self, texts: Texts) -> list[Row]:
        if isinstance(texts, str):
            raise TypeError("texts is one text; give a list of texts")
        if isinstance(texts, Mapping) or hasattr(texts, "columns"):
            raise TypeError(f"texts is a {type(texts).__name__}; give its texts as a list, such as list(table['text'])")
        wrong = [text for text in texts if not isinstance(text, str) and not (
            isinstance(text, tuple | list) and len(text) == 2 and all(isinstance(part, str) for part in text))]
        if wrong:
            raise TypeError(f"texts holds {wrong[0]!r}; give texts, or (text, second text) for pairs")
        alone = None if all(isinstance(text, str) for text in texts) else ""
        parts = [(text, alone) if isinstance(text, str) else (text[0], text[1]) for text in texts]
        if self.pairs and any(pair is None for _, pair in parts):
            raise DataError("This model reads pairs of texts: give (text, second text) for each; for files, --pair-column.")
        return [Row(str(number), text, pair, None, "texts", number) for number, (text, pair) in enumerate(parts, 1)]

    def _tokens(self, rows: list[Row]) -> Tokens:
        return encode(rows, self.task, self._tokenizer, None if self._cut.windows else self._cut.max_length)

    def _scores(self, tokens: Tokens) -> Floats:
        return predict_scores(self._model, self.task, tokens, np.arange(len(tokens)), self._cut,
                              int(self._tokenizer.pad_token_id))


def _chunks(rows: list[Row]) -> Iterator[list[Row]]:
    return (rows[first:first + CHUNK] for first in range(0, len(rows), CHUNK))
