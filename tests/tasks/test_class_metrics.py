"""Classification metrics against scikit-learn, plain and weighted, and their intervals against a plain bootstrap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from luthier.tasks.bootstrap import Floats, Ints, bootstrap
from luthier.tasks.class_metrics import answer_metrics, class_metrics, compare_answers, confusion, score_answers
from luthier.tasks.metrics import Score


@dataclass(frozen=True)
class Answers:
    """True and predicted label indices of the same rows."""

    targets: Ints
    predicted: Ints
    labels: int

    def figures(self) -> dict[str, float]:
        statistic = answer_metrics(self.targets, self.predicted, self.labels)
        return {name: float(value[0]) for name, value in statistic(np.ones((1, len(self.targets)))).items()}

    def score(self, name: str = "macro_f1", seed: int = 0) -> Score:
        return score_answers(name, self.targets, self.predicted, self.labels, seed=seed)

    def difference(self, other: Ints, name: str = "macro_f1", seed: int = 0) -> Score:
        return compare_answers(name, self.targets, self.predicted, other, self.labels, seed=seed)


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


def _binary(rows: int, seed: int, steps: int = 10) -> tuple[Floats, Ints]:
    """Probabilities of two labels, with ties, and targets that go along with them; both labels occur."""
    random = np.random.default_rng(seed)
    targets = random.integers(0, 2, rows)
    targets[:2] = 0, 1
    scores = np.round(np.clip(0.3 * targets + 0.7 * random.random(rows), 0.01, 0.99) * steps) / steps
    scores = np.clip(scores, 0.01, 0.99)
    return np.stack([1 - scores, scores], 1), targets


def _plain_macro_f1(targets: Ints, predicted: Ints) -> float:
    """From the definition, label by label."""
    both = [(targets == label, predicted == label) for label in {*targets.tolist(), *predicted.tolist()}]
    return float(np.mean([2 * (true & given).sum() / (true.sum() + given.sum()) for true, given in both]))


@settings(deadline=None)
@given(answers=_answers())
def test_confusion_is_scikit_learns(answers: Answers) -> None:
    counts = confusion(answers.targets, answers.predicted, answers.labels)
    expected = reference.confusion_matrix(answers.targets, answers.predicted, labels=range(answers.labels))
    assert counts.shape == (answers.labels, answers.labels)
    assert (counts == expected).all()


@settings(deadline=None)
@given(answers=_answers(), data=st.data())
def test_figures_of_answers_are_scikit_learns_plain_and_weighted(answers: Answers, data: st.DataObject) -> None:
    targets, predicted = answers.targets, answers.predicted
    times = data.draw(st.lists(st.integers(0, 3), min_size=len(targets), max_size=len(targets)))
    times[0] += 1
    weighted = answer_metrics(targets, predicted, answers.labels)(np.array([[1] * len(times), times], dtype=float))
    for place, repeats in enumerate(([1] * len(times), times)):
        true, given = np.repeat(targets, repeats), np.repeat(predicted, repeats)
        assert weighted["macro_f1"][place] == pytest.approx(reference.f1_score(true, given, average="macro", zero_division=0))
        assert weighted["weighted_f1"][place] == pytest.approx(reference.f1_score(true, given, average="weighted", zero_division=0))
        assert weighted["accuracy"][place] == pytest.approx(reference.accuracy_score(true, given))
        if len({*true, *given}) > 1:
            assert weighted["mcc"][place] == pytest.approx(reference.matthews_corrcoef(true, given))
        else:
            assert weighted["mcc"][place] == 0


@settings(deadline=None, max_examples=50)
@given(rows=st.integers(3, 60), seed=st.integers(0, 10**6), positive=st.integers(0, 1))
def test_figures_of_two_labels_are_scikit_learns_plain_and_weighted(rows: int, seed: int, positive: int) -> None:
    probabilities, targets = _binary(rows, seed)
    times = np.random.default_rng(seed).integers(0, 4, rows)
    times[:2] += 1
    figures = class_metrics(probabilities, targets, positive)(np.array([np.ones(rows), times]))
    for place, repeats in enumerate((np.ones(rows, dtype=int), times)):
        true, scores = np.repeat(targets, repeats), np.repeat(probabilities, repeats, axis=0)
        yes = true == positive
        assert figures["f1"][place] == pytest.approx(
            reference.f1_score(true, scores.argmax(1), pos_label=positive, zero_division=0))
        assert figures["roc_auc"][place] == pytest.approx(reference.roc_auc_score(yes, scores[:, positive]))
        assert figures["pr_auc"][place] == pytest.approx(reference.average_precision_score(yes, scores[:, positive]))
        assert figures["loss"][place] == pytest.approx(reference.log_loss(true, scores, labels=[0, 1]))


def test_scores_of_every_row_apart_and_all_tied() -> None:
    targets = np.array([0, 1, 1, 0, 1])
    for positive_scores, roc in ((np.array([0.1, 0.9, 0.8, 0.2, 0.15]), 5 / 6), (np.full(5, 0.4), 0.5)):
        figures = class_metrics(np.stack([1 - positive_scores, positive_scores], 1), targets, 1)(np.ones((1, 5)))
        assert figures["roc_auc"][0] == pytest.approx(roc)
        assert figures["pr_auc"][0] == pytest.approx(reference.average_precision_score(targets, positive_scores))


def test_areas_are_left_out_where_one_label_is_absent() -> None:
    probabilities = np.array([[0.2, 0.8], [0.6, 0.4]])
    scores = bootstrap(class_metrics(probabilities, np.array([1, 1]), 1), 2)
    assert set(scores) == {"macro_f1", "accuracy", "weighted_f1", "mcc", "f1", "pr_auc", "loss"}
    assert set(bootstrap(class_metrics(probabilities, np.array([0, 0]), 1), 2)) == set(scores) - {"pr_auc"}


def test_a_row_that_was_surely_wrong_leaves_the_loss_finite() -> None:
    loss = class_metrics(np.array([[1.0, 0.0]]), np.array([1]))(np.ones((1, 1)))["loss"][0]
    assert loss == pytest.approx(-np.log(1e-12))


def test_a_positive_label_needs_two_labels() -> None:
    with pytest.raises(ValueError, match="not for 3"):
        answer_metrics(np.array([0]), np.array([0]), 3, positive=1)


@settings(max_examples=40, deadline=None)
@given(answers=_answers(), seed=st.integers(0, 100), name=st.sampled_from(["macro_f1", "accuracy", "weighted_f1", "mcc"]))
def test_an_interval_holds_its_value_and_lies_within_the_scale(answers: Answers, seed: int, name: str) -> None:
    score = answers.score(name, seed)
    assert score.value == pytest.approx(answers.figures()[name])
    assert (-1 if name == "mcc" else 0) <= score.low <= score.value <= score.high <= 1 + 1e-12
    assert score.error >= 0
    assert answers.score(name, seed) == score


@settings(max_examples=40, deadline=None)
@given(answers=_answers())
def test_the_difference_from_the_same_answers_is_exactly_zero(answers: Answers) -> None:
    assert answers.difference(answers.predicted) == Score(0.0, 0.0, 0.0, 0.0)


@settings(max_examples=40, deadline=None)
@given(answers=_answers(), data=st.data())
def test_the_difference_turns_its_sign_with_its_sides(answers: Answers, data: st.DataObject) -> None:
    labels = st.integers(0, answers.labels - 1)
    predicted = data.draw(st.lists(labels, min_size=len(answers.targets), max_size=len(answers.targets)))
    other = Answers(answers.targets, np.array(predicted, dtype=np.int64), answers.labels)
    there, back = answers.difference(other.predicted), other.difference(answers.predicted)
    assert there.value == pytest.approx(answers.figures()["macro_f1"] - other.figures()["macro_f1"])
    assert there.low <= there.value <= there.high
    assert there.value == pytest.approx(-back.value)


@pytest.mark.parametrize("answers", [_noisy(200, 3, 1.0, 0), Answers(np.array([0]), np.array([0]), 3)])
def test_answers_that_are_all_right_leave_no_doubt(answers: Answers) -> None:
    assert answers.score() == Score(1.0, 1.0, 1.0, 0.0)


def test_the_interval_agrees_with_a_plain_bootstrap_over_rows() -> None:
    """Ours draws how often each kind of row occurs; the plain one draws rows and counts again."""
    answers, other = _noisy(150, 4, 0.6, 1), _noisy(150, 4, 0.5, 2)
    random = np.random.default_rng(3)
    values, differences = [], []
    for _ in range(2000):
        rows = random.integers(0, 150, 150)
        one, two = (_plain_macro_f1(answers.targets[rows], predicted[rows])
                    for predicted in (answers.predicted, other.predicted))
        values.append(one)
        differences.append(one - two)
    for score, plain in ((answers.score(), values), (answers.difference(other.predicted), differences)):
        low, high = np.percentile(plain, [2.5, 97.5])
        assert score.low == pytest.approx(low, abs=0.015)
        assert score.high == pytest.approx(high, abs=0.015)
        assert score.error == pytest.approx(np.std(plain), rel=0.1)


def test_rows_drawn_as_kinds_and_one_by_one_and_in_groups_of_one_agree() -> None:
    answers, other = _noisy(300, 3, 0.7, 4), _noisy(300, 3, 0.5, 5).predicted
    apart = np.arange(300)
    kinds = [answers.score(), answers.difference(other)]
    rows = [score_answers("macro_f1", answers.targets, answers.predicted, 3, groups=apart),
            compare_answers("macro_f1", answers.targets, answers.predicted, other, 3, groups=apart)]
    for one, two in zip(kinds, rows, strict=True):
        assert one.value == pytest.approx(two.value)
        assert one.error == pytest.approx(two.error, rel=0.1)


def test_intervals_hold_the_truth_about_nineteen_times_in_twenty() -> None:
    truth = _noisy(400_000, 3, 0.7, 0).figures()["macro_f1"]
    scores = [_noisy(200, 3, 0.7, seed).score(seed=seed) for seed in range(1, 201)]
    held = sum(score.low <= truth <= score.high for score in scores)
    assert 0.88 * 200 <= held <= 0.995 * 200
    assert np.std([score.value for score in scores]) == pytest.approx(np.mean([score.error for score in scores]), rel=0.2)


def test_intervals_of_differences_are_paired() -> None:
    """Two models that err on the same rows differ more surely than two that err on different ones."""
    answers = _noisy(300, 3, 0.6, 0)
    near = answers.predicted.copy()
    near[:6] = (answers.targets[:6] + 1) % 3
    apart = _noisy(300, 3, 0.6, 9).predicted
    errors = [answers.difference(predicted).error for predicted in (near, apart)]
    assert errors[0] < 0.4 * errors[1]


def test_intervals_of_differences_hold_the_truth() -> None:
    held = 0
    for seed in range(150):
        answers = _noisy(200, 3, 0.7, seed)
        other = np.where(np.random.default_rng(10**6 + seed).random(200) < 0.7, answers.targets,
                         np.random.default_rng(10**7 + seed).integers(0, 3, 200))
        score = answers.difference(other, seed=seed)
        held += score.low <= 0 <= score.high
    assert 0.88 * 150 <= held <= 0.995 * 150


def test_more_rows_narrow_the_interval_as_the_root_of_their_number() -> None:
    errors = [_noisy(rows, 3, 0.7, 5).score().error for rows in (200, 3200)]
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.25)
