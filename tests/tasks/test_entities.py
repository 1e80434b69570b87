"""Entities: the figures that are served against seqeval and nervaluate, from tags as one-hot scores."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nervaluate import Evaluator
from seqeval import metrics as reference
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import IOB2

from luthier.data.row import Row, Span
from luthier.data.tokens import Tokens
from luthier.tasks.entities import Entities

TASK = Entities(("a", "b", "a-b"))
Corpus = list[list[str]]


@st.composite
def _corpora(draw: st.DrawFn) -> tuple[Corpus, Corpus]:
    """True tags in IOB2, and predicted tags that may make no sense, of the same rows."""
    gold, predicted = [], []
    for _ in range(draw(st.integers(1, 5))):
        row: list[str] = []
        for tag in draw(st.lists(st.sampled_from(TASK.outputs), min_size=1, max_size=10)):
            opens = tag.startswith("I-") and (not row or row[-1][2:] != tag[2:])
            row.append(f"B{tag[1:]}" if opens else tag)
        gold.append(row)
        predicted.append([tag if draw(st.booleans()) else draw(st.sampled_from(TASK.outputs)) for tag in row])
    return gold, predicted


def _spans(tags: list[str]) -> list[Span]:
    return [Span(start, end + 1, label) for label, start, end in get_entities(tags)]


def _tokens(gold: Corpus) -> Tokens:
    """Words of one character, each a token."""
    lengths = [len(row) for row in gold]
    places = np.concatenate([np.arange(length) for length in lengths])
    starts, offsets = np.concatenate([[0], np.cumsum(lengths)]), np.stack([places, places + 1], axis=1).astype(np.int32)
    nothing = np.zeros(len(places), np.int32)
    bare = Tokens(nothing, starts, nothing, prefix=0, suffix=0, offsets=offsets, heads=np.ones(len(places), bool))
    return TASK.encode(bare, [Row(str(i), "x" * len(row), None, tuple(_spans(row)), "a", i) for i, row in enumerate(gold, 1)])


def _dicts(spans: list[list[Span]]) -> list[list[dict[str, object]]]:
    """Spans as nervaluate takes them, the last token inclusive."""
    return [[{"label": span.label, "start": span.start, "end": span.end - 1} for span in row] for row in spans]


@settings(deadline=None)
@given(corpora=_corpora())
def test_figures_are_seqevals_and_nervaluates(corpora: tuple[Corpus, Corpus]) -> None:
    gold, predicted = corpora
    tokens = _tokens(gold)
    assert [TASK.outputs[target] for target in tokens.targets] == [tag for row in gold for tag in row]
    scores = np.eye(len(TASK.outputs))[[TASK.outputs.index(tag) for row in predicted for tag in row]]
    truth = TASK.truth(tokens)
    figures = {name: float(value[0]) for name, value in TASK.statistic(scores, truth)(np.ones((1, len(gold)))).items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, function in (("f1", reference.f1_score), ("precision", reference.precision_score),
                               ("recall", reference.recall_score)):
            assert figures[name] == pytest.approx(function(gold, predicted, zero_division=0))
        strict = reference.f1_score(gold, predicted, mode="strict", scheme=IOB2, zero_division=0)
    assert figures["f1_strict"] == pytest.approx(strict)
    assert [[one.span for one in row] for row in TASK.find(scores, truth)] == [_spans(row) for row in predicted]
    evaluator = Evaluator(_dicts(truth.gold), _dicts([_spans(row) for row in predicted]), list(TASK.labels), loader="dict")
    expected = evaluator.evaluate()["overall"]
    assert figures["f1_partial"] == pytest.approx(expected["partial"].f1)
    assert figures["f1_type"] == pytest.approx(expected["ent_type"].f1)


def test_an_i_that_continues_nothing_counts_as_served_but_not_strictly() -> None:
    tokens = _tokens([["B-a", "I-a", "O"]])
    scores = np.eye(len(TASK.outputs))[[TASK.outputs.index(tag) for tag in ("I-a", "I-a", "O")]]
    figures = TASK.metrics(scores, TASK.truth(tokens))
    assert (figures["f1"], figures["f1_strict"]) == (1.0, 0.0)
    assert dataclasses.replace(TASK, metric="f1_strict").score(scores, TASK.truth(tokens)).value == 0.0
