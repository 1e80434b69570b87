"""Single-label classification: targets, probabilities, answers and figures."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import softmax
from sklearn import metrics as reference

from luthier.data.row import Row
from luthier.data.tokens import Tokens
from luthier.tasks.classification import Classification
from luthier.tasks.metrics import Score

TASK = Classification(("bad", "good", "so-so"))
LOGITS = hnp.arrays(np.float32, st.tuples(st.integers(1, 20), st.just(3)), elements=st.floats(-1e4, 1e4, width=32))


def _scores(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    targets = random.integers(0, 3, rows)
    logits = random.normal(size=(rows, 3)) + 1.5 * np.eye(3)[targets]
    return softmax(logits, axis=1), targets


def blank(rows: int) -> Tokens:
    """Rows of three tokens without targets."""
    return Tokens(np.zeros(3 * rows, np.int32), np.arange(rows + 1) * 3, np.zeros(rows, np.int32), 1, 1)


def test_encode_numbers_labels_in_their_order_and_knows_none() -> None:
    rows = [Row(str(i), "text", None, target, "f", i) for i, target in enumerate(["so-so", None, "bad", "good", "bad"])]
    assert TASK.encode(blank(5), rows).targets.tolist() == [2, -1, 0, 1, 0]
    assert TASK.encode(blank(0), []).targets.shape == (0,)
    assert TASK.truth(TASK.encode(blank(5), rows), np.array([4, 0])).tolist() == [0, 2]
    assert TASK.indices(["so-so", None]).dtype == np.int64


def test_encode_refuses_a_label_that_is_not_one() -> None:
    with pytest.raises(KeyError):
        TASK.encode(blank(1), [Row("1", "text", None, "Bad", "f", 1)])


@settings(deadline=None)
@given(logits=LOGITS)
def test_scores_are_the_softmax(logits: np.ndarray) -> None:
    scores = TASK.scores(logits)
    assert scores.dtype == np.float64
    assert np.allclose(scores, softmax(logits.astype(np.float64), axis=1), rtol=1e-9, atol=0)
    assert np.allclose(scores.sum(1), 1)
    assert (scores >= 0).all()


@given(logits=LOGITS, shift=st.floats(-100, 100))
def test_scores_do_not_change_when_all_logits_shift(logits: np.ndarray, shift: float) -> None:
    assert np.allclose(TASK.scores(logits), TASK.scores(logits.astype(np.float64) + shift), atol=1e-9)


def test_scores_of_great_logits_are_finite() -> None:
    assert TASK.scores(np.array([[1e30, -1e30, 0], [-1e30, -1e30, -1e30]], np.float32)) == pytest.approx(
        np.array([[1, 0, 0], [1 / 3, 1 / 3, 1 / 3]]))


def test_answers_name_the_likeliest_label() -> None:
    answers = TASK.answers(np.array([[0.2, 0.7, 0.1], [0.5, 0.5, 0.0], [0.0, 0.1, 0.9]]), blank(3), ["a", "b", "c"])
    assert answers == [{"label": "good", "score": 0.7}, {"label": "bad", "score": 0.5}, {"label": "so-so", "score": 0.9}]
    assert all(type(answer["score"]) is float for answer in answers)


@pytest.mark.filterwarnings("ignore:A single label was found")
@settings(max_examples=60, deadline=None)
@given(rows=st.integers(2, 60), seed=st.integers(0, 10**6))
def test_metrics_are_scikit_learns(rows: int, seed: int) -> None:
    scores, targets = _scores(rows, seed)
    predicted = scores.argmax(1)
    found = TASK.metrics(scores, targets)
    assert found == pytest.approx({
        "macro_f1": reference.f1_score(targets, predicted, average="macro", zero_division=0),
        "accuracy": reference.accuracy_score(targets, predicted),
        "weighted_f1": reference.f1_score(targets, predicted, average="weighted", zero_division=0),
        "mcc": reference.matthews_corrcoef(targets, predicted),
        "loss": reference.log_loss(targets, scores, labels=range(3))})
    assert all(type(value) is float for value in found.values())  # as the journal's JSON needs


def test_a_sure_wrong_answer_has_a_finite_loss() -> None:
    found = TASK.metrics(np.array([[1.0, 0.0, 0.0]]), np.array([1]))
    assert found["loss"] == pytest.approx(-math.log(1e-12))
    assert (found["macro_f1"], found["accuracy"]) == (0.0, 0.0)


def test_the_headline_metric_is_among_the_metrics_and_is_what_is_scored() -> None:
    scores, targets = _scores(80)
    score = TASK.score(scores, targets)
    assert score.value == pytest.approx(TASK.metrics(scores, targets)[TASK.metric])
    assert score.low < score.value < score.high


def test_the_headline_figure_has_one_interval() -> None:
    scores, targets = _scores(80)
    assert TASK.intervals(scores, targets)[TASK.metric] == TASK.score(scores, targets)


def test_a_difference_is_paired_and_of_the_headline_metric() -> None:
    scores, targets = _scores(80)
    other, _ = _scores(80, seed=1)
    difference = TASK.difference(scores, other, targets)
    assert difference.value == pytest.approx(TASK.score(scores, targets).value - TASK.score(other, targets).value)
    assert TASK.difference(scores, scores, targets) == Score(0.0, 0.0, 0.0, 0.0)


def test_loss_is_the_mean_cross_entropy_in_full_precision() -> None:
    torch = pytest.importorskip("torch", reason="the loss is a torch function")
    random = np.random.default_rng(0)
    logits, targets = random.normal(size=(12, 3)).astype(np.float32) * 4, random.integers(0, 3, 12)
    loss = TASK.losses(torch.from_numpy(logits), torch.from_numpy(targets)).mean()
    assert float(loss) == pytest.approx(TASK.metrics(TASK.scores(logits), targets)["loss"], rel=1e-5)
    half = TASK.losses(torch.from_numpy(logits).bfloat16(), torch.from_numpy(targets)).mean()
    assert half.dtype is torch.float32
