"""Named entities: spans of a text, each with a label.

A model gives each token one of O, B-label and I-label. Every piece of a word is trained; what counts afterwards is the first
piece of each word, on the raw text, as `pipeline("token-classification", aggregation_strategy="first")` has it: the score
shown is the score served.

Two readings of the same tags: the conventional one (seqeval's default, and what the pipeline serves) takes an I- without an
entity before it for the beginning of one; strict IOB2 does not count it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from luthier.data.row import Kind, Row, Span, Target
from luthier.data.tokens import IGNORED, Tokens
from luthier.tasks.base import Answer, Floats, Head, Ints, Statistic, Truth
from luthier.tasks.bootstrap import ratio
from luthier.tasks.entity_metrics import compare, count, entity_metrics, scheme_metrics
from luthier.tasks.metrics import LEAST_PROBABILITY, per_label
from luthier.tasks.softmax import Softmax

OUTSIDE = "O"


@dataclass(frozen=True)
class EntityTruth:
    """What is true of some rows, and the tokens that predictions are read from.

    Attributes:
        gold: the spans of each row.
        targets: the output that each token should have, -100 for special ones. Shape [tokens].
        rows: how many tokens each row has. Shape [rows].
        offsets, heads: as in `Tokens`, for the tokens of these rows.
        special: special tokens after a text.
    """

    gold: list[list[Span]]
    targets: npt.NDArray[np.int64]
    rows: Ints
    offsets: npt.NDArray[np.int32]
    heads: npt.NDArray[np.bool_]
    special: int


@dataclass(frozen=True)
class Found:
    """A predicted entity: `strict` says whether it begins as IOB2 asks; `score` is the mean over its words."""

    span: Span
    score: float
    strict: bool


@dataclass(frozen=True)
class Entities(Softmax):
    """Spans with labels; softmax over tags; entity F1 is the usual headline metric."""

    metric: str = "f1"

    name: ClassVar[str] = "entities"
    kind: ClassVar[Kind] = Kind.SPANS
    head: ClassVar[Head] = Head.TOKENS
    iterations: ClassVar[int] = 100
    """There are many tokens."""
    problem_type: ClassVar[str | None] = None
    headlines: ClassVar[Mapping[str, str]] = {
        "f1": "entity F1", "f1_strict": "entity F1 (strict IOB2)", "macro_f1": "entity macro-F1"}

    @property
    def outputs(self) -> tuple[str, ...]:
        """O, and B- and I- for each label."""
        return (OUTSIDE, *(f"{mark}-{label}" for label in self.labels for mark in "BI"))

    def encode(self, tokens: Tokens, rows: Sequence[Row]) -> Tokens:
        """The tag of each piece: of those that a span covers the first is B-, the others I-. Shape [tokens]."""
        assert tokens.offsets is not None and tokens.heads is not None
        index = {label: i for i, label in enumerate(self.labels)}
        targets = np.full(len(tokens.ids), IGNORED, np.int32)
        spans = []
        for place, row in enumerate(rows):
            start, end = int(tokens.starts[place]) + tokens.prefix, int(tokens.starts[place + 1]) - tokens.suffix
            targets[start:end] = 0
            offsets = tokens.offsets[start:end]
            for span in row.target or ():  # type: ignore[union-attr]
                assert isinstance(span, Span)
                label = index[span.label]
                spans.append((place, span.start, span.end, label))
                covered = start + np.flatnonzero((offsets[:, 0] < span.end) & (offsets[:, 1] > span.start))
                targets[covered] = 2 + 2 * label
                targets[covered[:1]] = 1 + 2 * label
        return replace(tokens, targets=targets, spans=np.array(spans, np.int32).reshape(-1, 4))

    def supervised(self, logits: Any, targets: Any) -> tuple[Any, Any]:
        """The outputs and targets of all tokens that are of a text. Shapes [units, outputs] and [units]."""
        counted = targets >= 0
        return logits[counted], targets[counted]

    def truth(self, tokens: Tokens, rows: Ints | None = None) -> Truth:
        """Gold spans, and the tokens that predictions are read from."""
        assert tokens.offsets is not None and tokens.heads is not None and tokens.spans is not None
        wanted = np.arange(len(tokens)) if rows is None else rows
        units = tokens.units(wanted)
        by_row: dict[int, list[Span]] = {}
        for row, start, end, label in tokens.spans.tolist():
            by_row.setdefault(row, []).append(Span(start, end, self.labels[label]))
        gold, targets = [by_row.get(int(row), []) for row in wanted], np.asarray(tokens.targets[units], np.int64)
        offsets, heads = np.asarray(tokens.offsets[units]), np.asarray(tokens.heads[units])
        return EntityTruth(gold, targets, tokens.lengths[wanted], offsets, heads, tokens.suffix)

    def size(self, truth: Truth) -> int:
        """The number of texts."""
        return len(truth.gold)

    def statistic(self, scores: Floats, truth: Truth) -> Statistic:
        """Entity F1, precision, recall and macro-F1 as served (conventional), F1 in strict IOB2, and the mean loss of a token.

        Beside them F1 that forgives, as nervaluate has it: f1_partial, where an entity that overlaps a true one is worth half, and
        f1_type, where it is right if its label is.
        """
        found = self.find(scores, truth)
        spans = [[one.span for one in row] for row in found]
        served, forgiving = entity_metrics(count(truth.gold, spans, self.labels)), scheme_metrics(compare(truth.gold, spans))
        strict = entity_metrics(count(truth.gold, [[one.span for one in row if one.strict] for row in found], self.labels))
        counted = truth.targets >= 0
        row = np.repeat(np.arange(len(truth.rows)), truth.rows)
        right = scores[np.flatnonzero(counted), truth.targets[counted]] if len(scores) else np.zeros(0)
        losses = np.bincount(row[counted], -np.log(np.maximum(right, LEAST_PROBABILITY)), len(truth.rows))
        tokens = np.bincount(row[counted], minlength=len(truth.rows)).astype(np.float64)

        def statistic(weights: Floats) -> dict[str, Floats]:
            schemes = forgiving(weights)
            return {**served(weights), "f1_strict": strict(weights)["f1"], "f1_partial": schemes["partial_f1"],
                    "f1_type": schemes["ent_type_f1"], "loss": ratio(weights @ losses, weights @ tokens)}

        return statistic

    def batch_metrics(self, scores: Floats, targets: npt.NDArray[Any]) -> dict[str, float]:
        """F1 of the spans of pieces in what was trained on, all texts in one line, and the mean loss of a piece.

        Nothing where nothing was trained on, such as rows of special tokens alone.
        """
        if not len(targets):
            return {}
        given, true = (set(zip(*(part.tolist() for part in _groups(tags)[:3]), strict=True))
                       for tags in (scores.argmax(1), targets))
        loss = -np.log(np.maximum(scores[np.arange(len(targets)), targets], LEAST_PROBABILITY)).mean()
        return {"f1": 2 * len(given & true) / max(1, len(given) + len(true)), "loss": float(loss)}

    def find(self, scores: Floats, truth: EntityTruth) -> list[list[Found]]:
        """The entities of each row, from the scores of all its tokens [tokens, outputs]."""
        found: list[list[Found]] = [[] for _ in truth.rows]
        heads = np.flatnonzero(truth.heads)
        if not len(heads):
            return found
        row = np.repeat(np.arange(len(truth.rows)), truth.rows)[heads]
        ends = np.cumsum(truth.rows)[row] - truth.special
        last = np.minimum(np.append(heads[1:], len(truth.heads)), ends) - 1
        tags, sure = scores[heads].argmax(1), scores[heads].max(1)
        first, after, label, begins = _groups(tags, row)
        totals = np.concatenate([[0.0], np.cumsum(sure)])
        for low, high, name, strict in zip(first.tolist(), after.tolist(), label.tolist(), begins.tolist(), strict=True):
            span = Span(int(truth.offsets[heads[low], 0]), int(truth.offsets[last[high - 1], 1]), self.labels[name])
            found[int(row[low])].append(Found(span, float((totals[high] - totals[low]) / (high - low)), strict))
        return found

    def answers(self, scores: Floats, tokens: Tokens, texts: Sequence[str]) -> list[Answer]:
        """The entities of each text: label, confidence, text, and the characters from and to."""
        return [{"entities": [{"label": one.span.label, "score": one.score, "text": text[one.span.start:one.span.end],
                               "start": one.span.start, "end": one.span.end} for one in row]}
                for text, row in zip(texts, self.find(scores, self.truth(tokens)), strict=True)]

    def details(self, scores: Floats, truth: Truth) -> dict[str, Any]:
        """What became of the entities of each label, and the kinds of error."""
        found = [[one.span for one in row] for row in self.find(scores, truth)]
        counts = count(truth.gold, found, self.labels)
        return {"per_label": per_label(self.labels, counts.right.sum(0), counts.gold.sum(0), counts.predicted.sum(0)),
                "entity_errors": compare(truth.gold, found).error_counts()}

    def surprises(self, scores: Floats, truth: Truth) -> list[tuple[int, float]]:
        """Texts with a wrong, missed or spurious entity: the surest wrong one first, then those with missed ones."""
        wrong = []
        for row, (gold, found) in enumerate(zip(truth.gold, self.find(scores, truth), strict=True)):
            spurious = [one.score for one in found if one.span not in gold]
            if spurious or len(gold) != len(found):
                wrong.append((row, max(spurious, default=0.0)))
        return sorted(wrong, key=lambda pair: -pair[1])

    def said(self, answer: Answer) -> str:
        """Each entity with its label."""
        return "; ".join(f"{one['text']} ({one['label']})" for one in answer["entities"]) or "(none)"

    def as_target(self, answer: Answer) -> Target:
        """The spans, in the order of the text."""
        return tuple(Span(one["start"], one["end"], one["label"]) for one in answer["entities"])

    def confidence(self, scores: Floats, tokens: Tokens) -> Floats:
        """The least sure word of each text. Shape [rows]."""
        assert tokens.heads is not None
        row = np.repeat(np.arange(len(tokens)), tokens.lengths)
        sure = np.ones(len(tokens))
        np.minimum.at(sure, row[tokens.heads], scores.max(1)[tokens.heads])
        return sure

    @classmethod
    def from_settings(cls, outputs: Sequence[str], settings: Mapping[str, Any]) -> Self:
        """The task of a saved model, from its tags.

        Raises:
            ValueError: its outputs are not O, B- and I- tags of the same labels.
        """
        labels = tuple(name[2:] for name in outputs if name.startswith("B-"))
        task = cls(labels, cls.headline(settings.get("metric")))
        if task.outputs != tuple(outputs):
            raise ValueError(f"its outputs are {', '.join(outputs[:6])}, not O, B-label, I-label for each label")
        return task


def _groups(tags: npt.NDArray[Any], row: Ints | None = None) -> tuple[Ints, Ints, Ints, npt.NDArray[np.bool_]]:
    """Entities in a line of output indices, read as the pipeline groups words: first, one past the last, label, begins with B-.

    Args:
        row: the text that each belongs to; an entity ends with its text.
    """
    label = np.where(tags > 0, (tags - 1) // 2, -1)
    begins = (tags > 0) & (tags % 2 == 1)
    before = np.concatenate([[-1], label[:-1]])
    same = np.ones(len(tags), bool) if row is None else np.concatenate([[False], row[1:] == row[:-1]])
    starts = (label >= 0) & (begins | (before != label) | ~same)
    first = np.flatnonzero(starts)
    number = np.cumsum(starts) - 1
    inside = label >= 0
    after = np.zeros(len(first), np.int64)
    np.maximum.at(after, number[inside], np.flatnonzero(inside) + 1)
    return first, after, label[first], begins[first]
