"""Metrics against scikit-learn, and intervals against what they promise."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from luthier.tasks.metrics import (
    Answers,
    Score,
    accuracy,
    bootstrap_difference,
    bootstrap_macro_f1,
    confusion,
    macro_f1,
)


@st.composite
def _answers(draw: st.DrawFn, most: int = 60) -> Answers:
    """True and predicted labels, some of which may never occur."""
    labels = draw(st.integers(2, 6))
    pairs = draw(st.lists(st.tuples(st.integers(0, labels - 1), st.integers(0, labels - 1)), min_size=1, max_size=most))
    targets, predicted = np.array(pairs, dtype=np.int64).T
    return Answers(targets, predicted, labels)


def _noisy(rows: int, labels: int, right: float, seed: int) -> Answers:
    """Answers of which about so many are right."""
    random = np.random.default_rng(seed)
    targets = random.integers(0, labels, rows)
    predicted = np.where(random.random(rows) < right, targets, random.integers(0, labels, rows))
    return Answers(targets, predicted, labels)


@settings(deadline=None)
@given(answers=_answers())
def test_confusion_is_scikit_learns(answers: Answers) -> None:
    counts = confusion(answers.targets, answers.predicted, answers.labels)
    expected = reference.confusion_matrix(answers.targets, answers.predicted, labels=range(answers.labels))
    assert counts.shape == (answers.labels, answers.labels)
    assert (counts == expected).all()


@settings(deadline=None)
@given(answers=_answers())
def test_macro_f1_is_scikit_learns(answers: Answers) -> None:
    expected = reference.f1_score(answers.targets, answers.predicted, average="macro", zero_division=0)
    assert answers.macro_f1 == pytest.approx(expected)
    assert float(macro_f1(confusion(answers.targets, answers.predicted, answers.labels))) == answers.macro_f1


@settings(deadline=None)
@given(answers=_answers())
def test_accuracy_is_scikit_learns(answers: Answers) -> None:
    counts = confusion(answers.targets, answers.predicted, answers.labels)
    assert float(accuracy(counts)) == pytest.approx(reference.accuracy_score(answers.targets, answers.predicted))


@settings(deadline=None)
@given(first=_answers(), second=_answers())
def test_metrics_of_a_stack_are_those_of_each(first: Answers, second: Answers) -> None:
    stack = np.stack([confusion(answers.targets, answers.predicted, 6) for answers in (first, second)])
    assert macro_f1(stack) == pytest.approx([first.macro_f1, second.macro_f1])
    assert accuracy(stack) == pytest.approx([np.mean(a.targets == a.predicted) for a in (first, second)])


@settings(max_examples=40, deadline=None)
@given(answers=_answers(), seed=st.integers(0, 100))
def test_an_interval_holds_its_value_and_lies_within_the_scale(answers: Answers, seed: int) -> None:
    score = bootstrap_macro_f1(answers, seed)
    assert score.value == answers.macro_f1
    assert 0 <= score.low <= score.value <= score.high <= 1
    assert score.error >= 0
    assert bootstrap_macro_f1(answers, seed) == score


@settings(max_examples=40, deadline=None)
@given(answers=_answers())
def test_the_difference_from_the_same_answers_is_exactly_zero(answers: Answers) -> None:
    assert bootstrap_difference(answers, answers) == Score(0.0, 0.0, 0.0, 0.0)


@settings(max_examples=40, deadline=None)
@given(answers=_answers(), data=st.data())
def test_the_difference_turns_its_sign_with_its_sides(answers: Answers, data: st.DataObject) -> None:
    labels = st.integers(0, answers.labels - 1)
    predicted = data.draw(st.lists(labels, min_size=len(answers.targets), max_size=len(answers.targets)))
    other = Answers(answers.targets, np.array(predicted, dtype=np.int64), answers.labels)
    there, back = bootstrap_difference(answers, other), bootstrap_difference(other, answers)
    assert there.value == pytest.approx(answers.macro_f1 - other.macro_f1)
    assert there.low <= there.value <= there.high
    assert there.value == pytest.approx(-back.value)


@pytest.mark.parametrize("score", [bootstrap_macro_f1(_noisy(200, 3, 1.0, 0)), bootstrap_macro_f1(
    Answers(np.array([0]), np.array([0]), 3))])
def test_answers_that_are_all_right_leave_no_doubt(score: Score) -> None:
    assert score == Score(1.0, 1.0, 1.0, 0.0)


def test_the_interval_agrees_with_a_plain_bootstrap_over_rows() -> None:
    """Ours draws how often each kind of row occurs; the plain one draws rows and counts again."""
    answers, other = _noisy(150, 4, 0.6, 1), _noisy(150, 4, 0.5, 2)
    other = Answers(answers.targets, other.predicted, 4)
    random = np.random.default_rng(3)
    values, differences = [], []
    for _ in range(2000):
        rows = random.integers(0, 150, 150)
        one, two = (macro_f1(confusion(answers.targets[rows], predicted[rows], 4))
                    for predicted in (answers.predicted, other.predicted))
        values.append(float(one))
        differences.append(float(one - two))
    for score, plain in ((bootstrap_macro_f1(answers), values), (bootstrap_difference(answers, other), differences)):
        low, high = np.percentile(plain, [2.5, 97.5])
        assert score.low == pytest.approx(low, abs=0.015)
        assert score.high == pytest.approx(high, abs=0.015)
        assert score.error == pytest.approx(np.std(plain), rel=0.1)


def test_intervals_hold_the_truth_about_nineteen_times_in_twenty() -> None:
    truth = _noisy(400_000, 3, 0.7, 0).macro_f1
    scores = [bootstrap_macro_f1(_noisy(200, 3, 0.7, seed), seed) for seed in range(1, 201)]
    held = sum(score.low <= truth <= score.high for score in scores)
    assert 0.88 * 200 <= held <= 0.995 * 200
    assert np.std([score.value for score in scores]) == pytest.approx(np.mean([score.error for score in scores]), rel=0.2)


def test_intervals_of_differences_are_paired() -> None:
    """Two models that err on the same rows differ more surely than two that err on different ones."""
    answers = _noisy(300, 3, 0.6, 0)
    alike = answers.predicted.copy()
    alike[:6] = (answers.targets[:6] + 1) % 3
    apart = _noisy(300, 3, 0.6, 9).predicted
    errors = [bootstrap_difference(answers, Answers(answers.targets, predicted, 3)).error for predicted in (alike, apart)]
    assert errors[0] < 0.4 * errors[1]


def test_intervals_of_differences_hold_the_truth() -> None:
    held = 0
    for seed in range(150):
        answers = _noisy(200, 3, 0.7, seed)
        other = Answers(answers.targets, np.where(np.random.default_rng(10**6 + seed).random(200) < 0.7, answers.targets,
                                                  np.random.default_rng(10**7 + seed).integers(0, 3, 200)), 3)
        score = bootstrap_difference(answers, other, seed)
        held += score.low <= 0 <= score.high
    assert 0.88 * 150 <= held <= 0.995 * 150


def test_more_rows_narrow_the_interval_as_the_root_of_their_number() -> None:
    errors = [bootstrap_macro_f1(_noisy(rows, 3, 0.7, 5)).error for rows in (200, 3200)]
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.25)


def test_score_survives_results_json_and_reads_as_a_figure() -> None:
    score = Score(0.8126, 0.7, 0.9)
    assert Score.from_table(json.loads(json.dumps(score.to_table()))) == score
    assert str(score) == "0.813 [0.700, 0.900]"
