"""Entity metrics against seqeval and nervaluate on random tag sequences."""

from __future__ import annotations

import random
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nervaluate import Evaluator
from seqeval import metrics as reference
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import IOB2, Tokens

from luthier.data.row import Span
from luthier.tasks.bootstrap import bootstrap
from luthier.tasks.entity_metrics import (
    ERRORS,
    OUTCOMES,
    SCHEMES,
    Comparison,
    compare,
    count,
    documents,
    entity_metrics,
    scheme_metrics,
)

LABELS = ("a", "b", "a-b")
TAGS = ("O", *(f"{letter}-{label}" for letter in "BI" for label in LABELS))
Corpus = list[list[str]]


@st.composite
def _corpora(draw: st.DrawFn) -> tuple[Corpus, Corpus]:
    """True and predicted tags of the same rows: any at all, or true ones with a few changed."""
    gold, predicted = [], []
    for _ in range(draw(st.integers(1, 5))):
        row = draw(st.lists(st.sampled_from(TAGS), min_size=1, max_size=10))
        guess = [tag if draw(st.booleans()) else draw(st.sampled_from(TAGS)) for tag in row]
        gold.append(row)
        predicted.append(guess)
    return gold, predicted


def _random(rows: int, seed: int) -> tuple[list[list[Span]], list[list[Span]]]:
    generator = random.Random(seed)
    tags = [[generator.choice(TAGS) for _ in range(20)] for _ in range(rows)]
    guess = [[tag if generator.random() < 0.8 else generator.choice(TAGS) for tag in row] for row in tags]
    return _read(tags, "conventional"), _read(guess, "conventional")


def _read(corpus: Corpus, mode: str) -> list[list[Span]]:
    """The spans of tags in one of seqeval's two readings."""
    if mode == "strict":
        return [[Span(one.start, one.end, one.tag) for one in Tokens(row, IOB2).entities] for row in corpus]
    return [[Span(start, end + 1, label) for label, start, end in get_entities(row)] for row in corpus]


def _outcomes(comparison: Comparison, scheme: str) -> dict[str, int]:
    return dict(zip(OUTCOMES, comparison.schemes[scheme].sum(0).tolist(), strict=True))


def _dicts(spans: list[list[Span]]) -> list[list[dict[str, object]]]:
    """Spans as nervaluate takes them, the last token inclusive."""
    return [[{"label": span.label, "start": span.start, "end": span.end - 1} for span in row] for row in spans]


@settings(deadline=None)
@given(corpora=_corpora(), mode=st.sampled_from(["strict", "conventional"]))
def test_metrics_are_seqevals(corpora: tuple[Corpus, Corpus], mode: str) -> None:
    gold, predicted = corpora
    options = {"mode": "strict", "scheme": IOB2} if mode == "strict" else {}
    ours = entity_metrics(count(_read(gold, mode), _read(predicted, mode), LABELS))(np.ones((1, len(gold))))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, function in (("f1", reference.f1_score), ("precision", reference.precision_score),
                               ("recall", reference.recall_score)):
            assert ours[name][0] == pytest.approx(function(gold, predicted, zero_division=0, **options))
        if any(_read(gold, mode)) or any(_read(predicted, mode)):
            expected = reference.f1_score(gold, predicted, average="macro", zero_division=0, **options)
            assert ours["macro_f1"][0] == pytest.approx(expected)
        else:
            assert ours["macro_f1"][0] == 0


@settings(deadline=None)
@given(corpora=_corpora())
def test_schemes_and_outcomes_are_nervaluates(corpora: tuple[Corpus, Corpus]) -> None:
    gold, predicted = (_read(corpus, "conventional") for corpus in corpora)
    comparison = compare(gold, predicted)
    figures = scheme_metrics(comparison)(np.ones((1, len(gold))))
    expected = Evaluator(_dicts(gold), _dicts(predicted), list(LABELS), loader="dict").evaluate()["overall"]
    for scheme in SCHEMES:
        assert _outcomes(comparison, scheme) == {
            name: getattr(expected[scheme], name) for name in ("correct", "incorrect", "partial", "missed", "spurious")}
        for name in ("precision", "recall", "f1"):
            assert figures[f"{scheme}_{name}"][0] == pytest.approx(getattr(expected[scheme], name))


@st.composite
def _long_spans(draw: st.DrawFn) -> list[Span]:
    """Spans of up to hundreds of characters, none overlapping another."""
    cuts = sorted(draw(st.sets(st.one_of(st.integers(0, 20), st.integers(300, 310), st.integers(0, 900)), max_size=8)))
    return [Span(start, end, draw(st.sampled_from(LABELS))) for start, end in zip(cuts[::2], cuts[1::2], strict=False)]


@settings(deadline=None)
@given(rows=st.lists(st.tuples(_long_spans(), _long_spans()), min_size=1, max_size=4))
def test_outcomes_of_spans_of_characters_are_nervaluates(rows: list[tuple[list[Span], list[Span]]]) -> None:
    gold, predicted = [row[0] for row in rows], [row[1] for row in rows]
    expected = Evaluator(_dicts(gold), _dicts(predicted), list(LABELS), loader="dict").evaluate()["overall"]
    comparison = compare(gold, predicted)
    for scheme in SCHEMES:
        assert _outcomes(comparison, scheme) == {name: getattr(expected[scheme], name) for name in OUTCOMES}


def test_an_overlap_of_under_a_hundredth_is_none() -> None:
    gold = [[Span(0, 300, "a")]]
    assert compare(gold, [[Span(297, 310, "a")]]).error_counts()["wrong_boundary"] == 1
    assert compare(gold, [[Span(298, 310, "a")]]).error_counts()["spurious"] == 1


@settings(deadline=None)
@given(corpora=_corpora())
def test_errors_account_for_every_span(corpora: tuple[Corpus, Corpus]) -> None:
    gold, predicted = (_read(corpus, "conventional") for corpus in corpora)
    comparison = compare(gold, predicted)
    errors, outcomes = comparison.error_counts(), {scheme: _outcomes(comparison, scheme) for scheme in SCHEMES}
    assert sum(errors.values()) - errors["spurious"] == sum(map(len, gold))
    assert sum(errors.values()) - errors["missed"] == sum(map(len, predicted))
    assert errors["correct"] == outcomes["strict"]["correct"] == count(gold, predicted, LABELS).right.sum()
    assert errors["correct"] + errors["wrong_type"] == outcomes["exact"]["correct"]
    assert errors["correct"] + errors["wrong_boundary"] == outcomes["ent_type"]["correct"]
    assert errors["wrong_type"] + errors["both_wrong"] == outcomes["ent_type"]["incorrect"]


@pytest.mark.parametrize(("guess", "error"), [
    ([Span(3, 6, "a")], "correct"), ([Span(3, 6, "b")], "wrong_type"), ([Span(3, 7, "a")], "wrong_boundary"),
    ([Span(5, 9, "b")], "both_wrong"), ([], "missed")])
def test_each_error_is_told_apart(guess: list[Span], error: str) -> None:
    assert compare([[Span(3, 6, "a")]], [guess]).error_counts() == {name: int(name == error) for name in ERRORS}


def test_spans_that_only_touch_are_missed_and_spurious() -> None:
    errors = compare([[Span(3, 6, "a")], []], [[Span(6, 8, "a")], [Span(0, 1, "b")]]).error_counts()
    assert errors == {**dict.fromkeys(ERRORS, 0), "missed": 1, "spurious": 2}


@settings(max_examples=30, deadline=None)
@given(corpora=_corpora(), data=st.data())
def test_weights_are_repeated_rows(corpora: tuple[Corpus, Corpus], data: st.DataObject) -> None:
    gold, predicted = (_read(corpus, "conventional") for corpus in corpora)
    times = data.draw(st.lists(st.integers(0, 3), min_size=len(gold), max_size=len(gold)))
    again = [[spans[row] for row in np.repeat(np.arange(len(gold)), times)] for spans in (gold, predicted)]
    for weighted, plain in (
            (entity_metrics(count(gold, predicted, LABELS)), entity_metrics(count(*again, LABELS))),
            (scheme_metrics(compare(gold, predicted)), scheme_metrics(compare(*again)))):
        repeated = plain(np.ones((1, sum(times))))
        for name, value in weighted(np.array([times, times], dtype=float)).items():
            assert value == pytest.approx([repeated[name][0]] * 2)


def test_an_unknown_label_is_refused_by_row_and_name() -> None:
    with pytest.raises(ValueError, match="Row 2 has the label 'PER', which is not one of a, b"):
        count([[], [Span(0, 1, "PER")]], [[], []], ("a", "b"))


def test_rows_are_compared_one_by_one() -> None:
    for function in (compare, lambda gold, predicted: count(gold, predicted, LABELS)):
        with pytest.raises(ValueError):
            function([[]], [[], []])


def test_rows_of_one_document_are_drawn_together() -> None:
    gold, predicted = _random(40, 1)
    statistic = entity_metrics(count(gold * 5, predicted * 5, LABELS))
    names: list[str | None] = [str(row % 40) for row in range(200)]
    whole = bootstrap(statistic, 200, groups=documents(names))["f1"]
    alone = bootstrap(entity_metrics(count(gold, predicted, LABELS)), 40)["f1"]
    assert whole.value == pytest.approx(alone.value)
    assert whole.error == pytest.approx(alone.error, rel=0.15)
    assert bootstrap(statistic, 200)["f1"].error < 0.6 * whole.error


def test_rows_of_no_document_stand_alone() -> None:
    assert documents(["x", None, "y", "x", None]).tolist() == [0, 3, 1, 0, 6]
