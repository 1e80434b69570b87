"""Named entities: targets of pieces, entities from scores, two readings of the same tags."""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from nervaluate import Evaluator
from seqeval import metrics as reference
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import IOB2

from luthier.data.row import Row, Span
from luthier.data.tokens import Tokens, tokenize
from luthier.data.words import word_heads
from luthier.models.classifier import load_tokenizer
from luthier.tasks.entities import IGNORED, Entities

TASK = Entities(("city", "date"))
TAGS = st.lists(st.integers(0, 4), min_size=1, max_size=12)


def one_letter_words(lengths: list[int], heads: list[bool] | None = None) -> Tokens:
    """Rows of so many one-letter words, each one token, between two special ones."""
    starts = np.cumsum([0, *(length + 2 for length in lengths)], dtype=np.int64)
    offsets = np.zeros((starts[-1], 2), np.int32)
    real = np.zeros(starts[-1], bool)
    for start, length in zip(starts, lengths, strict=False):
        offsets[start + 1:start + 1 + length] = [[2 * i, 2 * i + 1] for i in range(length)] or np.zeros((0, 2))
        real[start + 1:start + 1 + length] = True
    if heads is not None:
        real[real] = heads
    return Tokens(np.zeros(starts[-1], np.int32), starts, np.zeros(len(lengths), np.int32), 1, 1, offsets=offsets, heads=real)


def rows_of(targets: list[tuple[Span, ...]]) -> list[Row]:
    return [Row(str(i), "x " * 40, None, target, "f", i) for i, target in enumerate(targets)]


def scores_of(tokens: Tokens, tags: list[int]) -> np.ndarray:
    """Scores in which the words have these tags, and special tokens the tag of an entity, which must not count."""
    scores = np.full((len(tokens.ids), 5), 0.1)
    scores[:, 1] = 0.6
    assert tokens.offsets is not None
    words = np.flatnonzero(tokens.offsets[:, 1] > 0)
    scores[words] = 0.1
    scores[words, tags] = 0.6
    return scores


def conventional_spans(tags: list[str]) -> list[tuple[int, int, str]]:
    """seqeval's default reading."""
    return [(start, end + 1, label) for label, start, end in get_entities(tags)]


def strict_spans(tags: list[str]) -> list[tuple[int, int, str]]:
    """Of these, what begins as IOB2 asks."""
    return [(low, high, label) for low, high, label in conventional_spans(tags) if tags[low].startswith("B-")]


def test_outputs_are_o_and_two_tags_for_each_label() -> None:
    assert TASK.outputs == ("O", "B-city", "I-city", "B-date", "I-date")


def test_every_piece_of_a_word_is_trained_b_first_then_i(tiny_model: Path, reviews: list[Row]) -> None:
    text, tokenizer = reviews[0].text, load_tokenizer(tiny_model)
    tokens = tokenize([text], tokenizer, None, offsets=True)
    tokens = dataclasses.replace(tokens, heads=word_heads(tokens, [text], tokenizer))
    assert tokens.offsets is not None
    for start in range(0, len(text) - 9, 5):
        span = Span(start, start + 9, "date")
        encoded = TASK.encode(tokens, [Row("1", text, None, (span,), "f", 1)])
        covered = [low < span.end and high > span.start and high > 0 for low, high in tokens.offsets]
        expected = [IGNORED] + [0] * (len(covered) - 2) + [IGNORED]
        for place in np.flatnonzero(covered):
            expected[place] = 4
        expected[covered.index(True)] = 3
        assert encoded.targets.tolist() == expected
        assert encoded.spans is not None and encoded.spans.tolist() == [[0, span.start, span.end, 1]]


def test_loss_is_the_cross_entropy_of_all_pieces_but_special_ones() -> None:
    tokens = TASK.encode(one_letter_words([3]), rows_of([(Span(0, 3, "city"),)]))
    logits = torch.randn(len(tokens.ids), 5, generator=torch.Generator().manual_seed(0))
    kept, targets = TASK.supervised(logits, torch.from_numpy(tokens.targets.astype(np.int64)))
    assert targets.tolist() == [1, 2, 0]
    expected = torch.nn.functional.cross_entropy(logits[1:4], torch.tensor([1, 2, 0]), reduction="none")
    torch.testing.assert_close(TASK.losses(kept, targets), expected)


@given(tags=st.lists(TAGS, min_size=1, max_size=4))
def test_entities_are_those_of_the_two_readings_of_their_tags(tags: list[list[int]]) -> None:
    """The conventional one is what the pipeline serves, the strict one is IOB2's; of every text by itself."""
    tokens = TASK.encode(one_letter_words([len(row) for row in tags]), rows_of([() for _ in tags]))
    found = TASK.find(scores_of(tokens, [tag for row in tags for tag in row]), TASK.truth(tokens))
    for row, own in zip(found, tags, strict=True):
        names = [TASK.outputs[tag] for tag in own]
        for kept, read in ((row, conventional_spans(names)), ([one for one in row if one.strict], strict_spans(names))):
            assert [one.span for one in kept] == [Span(2 * low, 2 * high - 1, name) for low, high, name in read]
        assert all(one.score == pytest.approx(0.6) for one in row)


@given(tags=st.lists(TAGS, min_size=1, max_size=5))
def test_what_is_encoded_is_found_again(tags: list[list[int]]) -> None:
    spans = [tuple(Span(2 * low, 2 * high - 1, name) for low, high, name in strict_spans([TASK.outputs[t] for t in row]))
             for row in tags]
    tokens = TASK.encode(one_letter_words([len(row) for row in tags]), rows_of(spans))
    scores = np.eye(5)[np.maximum(tokens.targets, 0)]
    truth = TASK.truth(tokens)
    assert [[one.span for one in row] for row in TASK.find(scores, truth)] == [list(row) for row in spans] == truth.gold
    metrics = TASK.metrics(scores, truth)
    if any(spans):
        assert (metrics["f1"], metrics["f1_strict"], metrics["precision"], metrics["recall"]) == (1, 1, 1, 1)
    assert metrics["loss"] == pytest.approx(0, abs=1e-9) and TASK.surprises(scores, truth) == []


def test_an_entity_is_of_its_words_first_pieces_and_reaches_to_the_last_ones_end() -> None:
    tokens = TASK.encode(one_letter_words([5], [True, False, True, True, False]), rows_of([()]))
    scores = scores_of(tokens, [1, 0, 2, 0, 3])
    scores[3, 2] = 0.8  # the second word
    ((one,),) = TASK.find(scores, TASK.truth(tokens))
    assert one.span == Span(0, 5, "city") and one.score == pytest.approx(0.7) and one.strict


def test_truth_of_some_rows_is_theirs() -> None:
    spans: list[tuple[Span, ...]] = [(Span(0, 1, "city"),), (), (Span(2, 5, "date"),)]
    tokens = TASK.encode(one_letter_words([2, 3, 4]), rows_of(spans))
    some = np.array([2, 0])
    truth = TASK.truth(tokens, some)
    assert truth.gold == [list(spans[2]), list(spans[0])] and truth.rows.tolist() == [6, 4] and TASK.size(truth) == 2
    scores = np.eye(5)[np.maximum(tokens.targets[tokens.units(some)], 0)]
    assert TASK.metrics(scores, truth)["f1"] == 1


def test_confidence_is_that_of_the_least_sure_word() -> None:
    tokens = one_letter_words([2, 0, 1])
    scores = scores_of(tokens, [1, 0, 3])
    scores[1, 1] = 0.9
    assert TASK.confidence(scores, tokens).tolist() == [0.6, 1.0, 0.6]


def test_answers_give_text_offsets_and_confidence() -> None:
    tokens: Any = TASK.encode(one_letter_words([3]), rows_of([()]))
    (answer,) = TASK.answers(scores_of(tokens, [0, 1, 2]), tokens, ["a b c"])
    assert answer == {"entities": [{"label": "city", "score": pytest.approx(0.6), "text": "b c", "start": 2, "end": 5}]}
    assert TASK.said(answer) == "b c (city)" and TASK.as_target(answer) == (Span(2, 5, "city"),)
    assert TASK.said({"entities": []}) == "(none)"


def test_saved_tags_must_be_those_of_labels() -> None:
    assert Entities.from_settings(TASK.outputs, {"metric": "f1_strict"}) == Entities(("city", "date"), "f1_strict")
    with pytest.raises(ValueError, match="not O, B-label, I-label"):
        Entities.from_settings(("O", "city", "date"), {})


def test_training_figures_of_nothing_are_none() -> None:
    assert Entities(("place",)).batch_metrics(np.zeros((0, 3)), np.zeros(0, np.int64)) == {}


def test_training_figures_by_hand() -> None:
    scores = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.6, 0.3]])
    found = Entities(("place",)).batch_metrics(scores, np.array([0, 1, 2]))
    # true: one entity of two pieces; found: two entities of one piece
    assert found == {"f1": 0.0, "loss": pytest.approx(-np.log([0.8, 0.7, 0.3]).mean())}


HYPHENS = Entities(("a", "b", "a-b"))
Corpus = list[list[str]]


@st.composite
def _corpora(draw: st.DrawFn) -> tuple[Corpus, Corpus]:
    """True tags in IOB2, and predicted tags that may make no sense, of the same rows."""
    gold, predicted = [], []
    for _ in range(draw(st.integers(1, 5))):
        row: list[str] = []
        for tag in draw(st.lists(st.sampled_from(HYPHENS.outputs), min_size=1, max_size=10)):
            opens = tag.startswith("I-") and (not row or row[-1][2:] != tag[2:])
            row.append(f"B{tag[1:]}" if opens else tag)
        gold.append(row)
        predicted.append([tag if draw(st.booleans()) else draw(st.sampled_from(HYPHENS.outputs)) for tag in row])
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
    return HYPHENS.encode(bare, [Row(str(i), "x" * len(row), None, tuple(_spans(row)), "a", i) for i, row in enumerate(gold, 1)])


def _dicts(spans: list[list[Span]]) -> list[list[dict[str, object]]]:
    """Spans as nervaluate takes them, the last token inclusive."""
    return [[{"label": span.label, "start": span.start, "end": span.end - 1} for span in row] for row in spans]


@settings(deadline=None)
@given(corpora=_corpora())
def test_figures_are_seqevals_and_nervaluates(corpora: tuple[Corpus, Corpus]) -> None:
    gold, predicted = corpora
    tokens = _tokens(gold)
    assert [HYPHENS.outputs[target] for target in tokens.targets] == [tag for row in gold for tag in row]
    scores = np.eye(len(HYPHENS.outputs))[[HYPHENS.outputs.index(tag) for row in predicted for tag in row]]
    truth = HYPHENS.truth(tokens)
    figures = {name: float(value[0]) for name, value in HYPHENS.statistic(scores, truth)(np.ones((1, len(gold)))).items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, function in (("f1", reference.f1_score), ("precision", reference.precision_score),
                               ("recall", reference.recall_score)):
            assert figures[name] == pytest.approx(function(gold, predicted, zero_division=0))
        strict = reference.f1_score(gold, predicted, mode="strict", scheme=IOB2, zero_division=0)
    assert figures["f1_strict"] == pytest.approx(strict)
    assert [[one.span for one in row] for row in HYPHENS.find(scores, truth)] == [_spans(row) for row in predicted]
    evaluator = Evaluator(_dicts(truth.gold), _dicts([_spans(row) for row in predicted]), list(HYPHENS.labels), loader="dict")
    expected = evaluator.evaluate()["overall"]
    assert figures["f1_partial"] == pytest.approx(expected["partial"].f1)
    assert figures["f1_type"] == pytest.approx(expected["ent_type"].f1)


def test_an_i_that_continues_nothing_counts_as_served_but_not_strictly() -> None:
    tokens = _tokens([["B-a", "I-a", "O"]])
    scores = np.eye(len(HYPHENS.outputs))[[HYPHENS.outputs.index(tag) for tag in ("I-a", "I-a", "O")]]
    figures = HYPHENS.metrics(scores, HYPHENS.truth(tokens))
    assert (figures["f1"], figures["f1_strict"]) == (1.0, 0.0)
    assert dataclasses.replace(HYPHENS, metric="f1_strict").score(scores, HYPHENS.truth(tokens)).value == 0.0
