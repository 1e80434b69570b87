"""Multi-label: losses and scores by their formulas, thresholds that no row tunes for itself."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy.special import expit, logit
from sklearn import metrics as reference

from luthier.data.row import Row
from luthier.data.tokens import Tokens
from luthier.tasks.label_metrics import tune_thresholds
from luthier.tasks.multilabel import Multilabel

TASK = Multilabel(("amber", "blue", "cyan"))


def blank(rows: int) -> Tokens:
    return Tokens(np.zeros(3 * rows, np.int32), np.arange(rows + 1) * 3, np.zeros(rows, np.int32), 1, 1)


def made_up(rows: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    truth = random.random((rows, 3)) < (0.4, 0.15, 0.05)
    return expit(random.normal(size=(rows, 3)) + 2.5 * truth - 2), truth


def test_targets_are_one_for_each_label_and_an_empty_row_is_a_row() -> None:
    targets = [(), ("blue",), ("amber", "cyan"), None]
    rows = [Row(str(i), "text", None, target, "f", i) for i, target in enumerate(targets)]
    tokens = TASK.encode(blank(4), rows)
    assert tokens.targets.tolist() == [[0, 0, 0], [0, 1, 0], [1, 0, 1], [0, 0, 0]]
    assert TASK.truth(tokens, np.array([2, 0])).tolist() == [[True, False, True], [False] * 3]
    with pytest.raises(KeyError):
        TASK.encode(blank(1), [Row("0", "text", None, ("Blue",), "f", 0)])


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_loss_is_the_mean_binary_cross_entropy_of_the_labels(smoothing: float) -> None:
    logits, targets = np.random.default_rng(0).normal(size=(7, 3)), np.random.default_rng(1).integers(0, 2, (7, 3))
    weights = np.array([1.0, 3.0, 2.0])
    goal = targets * (1 - smoothing) + smoothing / 2
    expected = -(weights * goal * np.log(expit(logits)) + (1 - goal) * np.log(expit(-logits))).mean(1)
    found = TASK.losses(torch.from_numpy(logits), torch.from_numpy(targets), smoothing, torch.from_numpy(weights).float())
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5)


def test_divergence_is_the_symmetric_one_of_each_label() -> None:
    one, two = np.random.default_rng(0).normal(size=(2, 5, 3))
    p, q = expit(one), expit(two)
    both = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q)) + q * np.log(q / p) + (1 - q) * np.log((1 - q) / (1 - p))
    found = TASK.divergence(torch.from_numpy(one), torch.from_numpy(two))
    np.testing.assert_allclose(found.numpy(), both.mean(1) / 2, rtol=1e-4, atol=1e-6)


def test_weights_are_a_power_of_the_odds_against_a_label_and_bounded() -> None:
    targets = np.zeros((1000, 3))
    targets[:200, 0], targets[:4, 1], targets[:800, 2] = 1, 1, 1
    np.testing.assert_allclose(TASK.label_weights(targets, 1.0), [4, 10, 1])
    np.testing.assert_allclose(TASK.label_weights(targets, "auto"), [2, 10, 1])
    assert TASK.label_weights(targets, 0.0) is None


def test_chance_loss_is_that_of_the_shares() -> None:
    _, truth = made_up()
    guess = np.tile(TASK.guess(truth), (len(truth), 1))
    assert TASK.chance_loss(truth) == pytest.approx(np.mean([
        reference.log_loss(truth[:, i], guess[:, i], labels=[0, 1]) for i in range(3)]))


def test_while_untuned_each_half_is_decided_by_thresholds_of_the_other() -> None:
    scores, truth = made_up()
    even = np.arange(len(scores)) % 2 == 0
    given = np.empty(scores.shape, bool)
    given[even] = scores[even] >= tune_thresholds(scores[~even], truth[~even])
    given[~even] = scores[~even] >= tune_thresholds(scores[even], truth[even])
    found = TASK.metrics(scores, truth)
    assert found["micro_f1"] == pytest.approx(reference.f1_score(truth, given, average="micro"))
    assert found["macro_f1"] == pytest.approx(reference.f1_score(truth, given, average="macro"))
    assert found["subset_accuracy"] == pytest.approx(reference.accuracy_score(truth, given))


def test_no_row_decides_itself() -> None:
    """The label of one row changes no answer to the rows of its own half."""
    scores, truth = made_up()
    other = truth.copy()
    other[::2] = ~other[::2]
    limits, changed = TASK._limits(scores, truth), TASK._limits(scores, other)
    np.testing.assert_array_equal(limits[::2], changed[::2])
    assert not np.array_equal(limits[1::2], changed[1::2])


def test_tuned_thresholds_decide_and_survive_the_config() -> None:
    scores, truth = made_up()
    tuned = TASK.tuned(scores, truth)
    assert tuned.thresholds == tuple(tune_thresholds(scores, truth))
    given = scores >= np.array(tuned.thresholds)
    assert tuned.metrics(scores, truth)["micro_f1"] == pytest.approx(reference.f1_score(truth, given, average="micro"))
    assert Multilabel.from_settings(TASK.labels, tuned.settings()) == tuned
    assert Multilabel.from_settings(TASK.labels, {"thresholds": {"blue": 0.2}}).thresholds == (0.5, 0.2, 0.5)


def test_answers_are_the_labels_at_their_thresholds_the_surest_first() -> None:
    task = Multilabel(TASK.labels, thresholds=(0.5, 0.2, 0.9))
    answers = task.answers(np.array([[0.5, 0.6, 0.8], [0.1, 0.1, 0.1], [0.4, 0.2, 0.95]]), blank(3), ["a"] * 3)
    assert answers == [{"labels": ["blue", "amber"], "scores": [0.6, 0.5]}, {"labels": [], "scores": []},
                       {"labels": ["cyan", "blue"], "scores": [0.95, 0.2]}]
    assert [task.said(answer) for answer in answers] == ["blue, amber", "(none)", "cyan, blue"]
    assert task.as_target(answers[0]) == ("amber", "blue")


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_tempered_scores_are_sigmoids_of_divided_logits(temperature: float) -> None:
    scores, _ = made_up()
    np.testing.assert_allclose(TASK.tempered(scores, temperature), expit(logit(scores) / temperature), rtol=1e-9)


def test_surprises_are_the_wrong_rows_the_surest_first() -> None:
    task = Multilabel(TASK.labels, thresholds=(0.5, 0.5, 0.5))
    scores = np.array([[0.9, 0.1, 0.1], [0.7, 0.1, 0.1], [0.1, 0.02, 0.1]])
    truth = np.array([[True, False, False], [False, False, False], [False, True, False]])
    assert task.surprises(scores, truth) == [(2, pytest.approx(0.98)), (1, pytest.approx(0.7))]


TOKENS = Tokens(np.zeros(0, np.int32), np.zeros(1, np.int64), np.zeros(0), 0, 0)


def test_confidence_is_the_probability_of_the_whole_set() -> None:
    task = Multilabel(("a", "b"), thresholds=(0.2, 0.5))
    scores = np.array([[0.2, 0.1], [0.19, 0.1], [0.9, 0.6], [0.0, 1.0], [1.0, 0.0]])
    expected = [0.2 * 0.9, 0.81 * 0.9, 0.9 * 0.6, 1.0, 1.0]
    assert task.confidence(scores, TOKENS) == pytest.approx(expected)
    assert Multilabel(("a", "b")).confidence(scores, TOKENS)[0] == pytest.approx(0.8 * 0.9)


def test_a_label_given_at_a_low_threshold_is_not_a_sure_answer() -> None:
    task = Multilabel(("a", "b"), thresholds=(0.2, 0.2))
    found = task.calibration(np.array([[0.25, 0.01], [0.01, 0.01]]), np.array([[True, False], [False, False]]))
    assert [point["answered"] for point in found["operating_points"]] == [0.5] * 6


def test_operating_points_are_more_right_the_surer_they_are() -> None:
    random = np.random.default_rng(0)
    scores = random.beta(0.3, 1.2, (20_000, 6))
    truth = random.random(scores.shape) < scores
    task = Multilabel(tuple("abcdef"), thresholds=(0.2, 0.3, 0.5, 0.5, 0.6, 0.7))
    points = task.calibration(scores, truth)["operating_points"]
    assert all(before["right"] < after["right"] for before, after in itertools.pairwise(points))
    sure, right = task.confidence(scores, TOKENS), ((scores >= np.array(task.thresholds)) == truth).all(1)
    assert sure.mean() == pytest.approx(right.mean(), abs=0.01)
